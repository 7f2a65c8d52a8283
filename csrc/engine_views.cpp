#include "engine_views.h"

#include "sizes.h"

namespace whorl {

std::ptrdiff_t View::elements() const {
  std::ptrdiff_t product = 1;
  for (const Axis& axis : axes) product = times(product, axis.size);
  return product;
}

std::vector<Axis> row_major(const std::vector<std::ptrdiff_t>& sizes) {
  std::vector<Axis> axes(sizes.size());
  std::ptrdiff_t stride = 1;
  for (std::size_t n = sizes.size(); n-- > 0;) {
    axes[n] = {sizes[n], stride};
    stride *= sizes[n];
  }
  return axes;
}

void append(const std::vector<Axis>& more, std::vector<Axis>* axes) {
  axes->insert(axes->end(), more.begin(), more.end());
}

View dense(Place at, const std::vector<std::ptrdiff_t>& sizes) { return {at, row_major(sizes)}; }

View slice(View view, std::size_t axis, std::ptrdiff_t start, std::ptrdiff_t count) {
  view.at.offset += start * view.axes[axis].stride;
  view.axes[axis].size = count;
  return view;
}

View columns(const View& view, std::ptrdiff_t start, std::ptrdiff_t count) {
  return slice(view, view.axes.size() - 1, start, count);
}

std::vector<std::ptrdiff_t> sizes_with_last(const View& view, std::ptrdiff_t last) {
  std::vector<std::ptrdiff_t> sizes;
  for (const Axis& axis : view.axes) sizes.push_back(axis.size);
  sizes.back() = last;
  return sizes;
}

std::vector<Axis> merged(const std::vector<Axis>& axes, std::size_t first) {
  std::vector<Axis> runs;
  for (std::size_t n = first; n < axes.size(); ++n) {
    if (axes[n].size == 1) continue;
    if (!runs.empty() && runs.back().stride == axes[n].size * axes[n].stride) {
      runs.back() = {runs.back().size * axes[n].size, axes[n].stride};
    } else {
      runs.push_back(axes[n]);
    }
  }
  return runs;
}

bool reshape(const View& from, const std::vector<std::ptrdiff_t>& sizes, View* to) {
  std::vector<Axis> runs = merged(from.axes, value_axes);
  std::vector<Axis> axes(sizes.size());
  // From the last axis on, each takes its share of the run that is left.
  std::ptrdiff_t left = runs.empty() ? 1 : runs.back().size;
  std::ptrdiff_t stride = runs.empty() ? 1 : runs.back().stride;
  for (std::size_t n = sizes.size(); n-- > 0;) {
    if (sizes[n] == 0) return false;
    if (left == 1 && sizes[n] > 1) {
      runs.pop_back();
      if (runs.empty()) return false;
      left = runs.back().size;
      stride = runs.back().stride;
    }
    if (left % sizes[n] != 0) return false;
    axes[n] = {sizes[n], stride};
    left /= sizes[n];
    stride *= sizes[n];
  }
  View result = {from.at, {from.axes[0], from.axes[1]}};
  append(axes, &result.axes);
  *to = result;
  return true;
}

Loops loops_over(const std::vector<Axis>& to, const std::vector<Axis>* a, const std::vector<Axis>* b) {
  const std::vector<Axis>* operands[3] = {&to, a != nullptr ? a : &to, b != nullptr ? b : &to};
  Loops loops;
  for (std::size_t n = 0; n < to.size(); ++n) {
    if (to[n].size == 1) continue;
    bool continues = loops.depth > 0;
    for (int operand = 0; operand < 3; ++operand) {
      const Axis& axis = (*operands[operand])[n];
      continues = continues && loops.strides[operand][loops.depth - 1] == axis.size * axis.stride;
    }
    if (!continues) {
      loops.sizes[loops.depth] = 1;
      ++loops.depth;
    }
    const int last = loops.depth - 1;
    loops.sizes[last] *= to[n].size;
    for (int operand = 0; operand < 3; ++operand) loops.strides[operand][last] = (*operands[operand])[n].stride;
  }
  return loops;
}

View stretched(const View& view, const std::vector<Axis>& sizes) {
  View result = view;
  for (std::size_t n = 0; n < sizes.size(); ++n) {
    if (result.axes[n].size == sizes[n].size) continue;
    result.axes[n] = {sizes[n].size, 0};
  }
  return result;
}

}  // namespace whorl
