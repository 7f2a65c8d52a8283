// What is known of a cell outside of its equation.
#pragma once

namespace whorl {

// Added to the variance in layer norm, as torch does.
constexpr float norm_eps = 1e-5F;

enum class Cell : int {};  // its place in `Cells` of cells.h

struct CellType {
  const char* name;
  int gates;
  bool has_c;    // keeps a c beside h; only then may there be a projection, and layer norm of c
  bool splits;   // the recurrent product of the last gate is not just added to its input product
  bool keeps_h;  // the new h mixes in the old one
};

int num_cells();
const CellType& type_of(Cell cell);
Cell cell_named(const char* name);  // throws std::invalid_argument for another word

}  // namespace whorl
