// Values in memory while a plan is made: a place, and a stride for each axis.
#pragma once

#include <cstddef>
#include <vector>

#include "engine_instructions.h"

namespace whorl {

struct Axis {
  std::ptrdiff_t size, stride;
};

// Steps, sequences, then the axes of the value.
struct View {
  Place at;
  std::vector<Axis> axes;

  std::ptrdiff_t elements() const;  // throws TooLarge
};

constexpr std::size_t value_axes = 2;  // where the axes of the value begin

// `axes` in row-major order of these sizes.
std::vector<Axis> row_major(const std::vector<std::ptrdiff_t>& sizes);

void append(const std::vector<Axis>& more, std::vector<Axis>* axes);

// Sizes of all axes in row-major order, without gaps.
View dense(Place at, const std::vector<std::ptrdiff_t>& sizes);

View slice(View view, std::size_t axis, std::ptrdiff_t start, std::ptrdiff_t count);

// A slice of the last axis.
View columns(const View& view, std::ptrdiff_t start, std::ptrdiff_t count);

// The sizes of the axes, another one for the last.
std::vector<std::ptrdiff_t> sizes_with_last(const View& view, std::ptrdiff_t last);

// The axes from `first` on as few as possible: those of size 1 go, and those that continue each other become one.
std::vector<Axis> merged(const std::vector<Axis>& axes, std::size_t first);

// The view with axes of these sizes in place of its value axes, if its memory allows it. Nothing is written otherwise.
bool reshape(const View& from, const std::vector<std::ptrdiff_t>& sizes, View* to);

// Loops over operands of equal sizes, merged where all of them allow it; the first one is written. Operands may be
// null.
Loops loops_over(const std::vector<Axis>& to, const std::vector<Axis>* a, const std::vector<Axis>* b);

// The view stretched to these sizes where it has size 1.
View stretched(const View& view, const std::vector<Axis>& sizes);

}  // namespace whorl
