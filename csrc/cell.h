// What is known of a cell outside of its equation.
#pragma once

namespace whorl {

// Added to the variance in layer norm, as torch does.
constexpr float norm_eps = 1e-5F;

enum class Cell : int {};  // its place in `Cells` of cells.h

struct CellType {
  const char* name;
  int gates;
  bool has_c;   // keeps a c beside h
  bool splits;  // the recurrent product is not just added to the input product
};

int num_cells();
const CellType& type_of(Cell cell);
Cell cell_named(const char* name);  // throws std::invalid_argument for another word

}  // namespace whorl
