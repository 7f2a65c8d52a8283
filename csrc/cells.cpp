#include "cells.h"

#include <cstring>
#include <stdexcept>
#include <string>

namespace whorl {
namespace {

using namespace WHORL_SIMD_NAMESPACE;

template <class... C>
const CellType& type_in(CellList<C...>, Cell cell) {
  static constexpr CellType types[] = {C::type...};
  return types[static_cast<int>(cell)];
}

template <class... C>
constexpr int size_of(CellList<C...>) {
  return sizeof...(C);
}

}  // namespace

int num_cells() { return size_of(Cells{}); }

const CellType& type_of(Cell cell) { return type_in(Cells{}, cell); }

Cell cell_named(const char* name) {
  std::string known;
  for (int i = 0; i < num_cells(); ++i) {
    const Cell cell = static_cast<Cell>(i);
    if (std::strcmp(type_of(cell).name, name) == 0) return cell;
    known += (i > 0 ? ", " : "") + std::string(type_of(cell).name);
  }
  throw std::invalid_argument("`cell` must be one of " + known + ", but is '" + name + "'.");
}

}  // namespace whorl
