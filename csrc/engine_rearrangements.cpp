// Values in another order: views of the same memory where that is possible, copies where it is not.
#include "engine_planner.h"

namespace whorl {

void Planner::add_concat(const Operation& operation) {
  const View whole = concat_view(operation);
  std::ptrdiff_t at = 0;
  for (std::size_t n = 0; n < operation.operands.size(); ++n) {
    const View part = operand(operation, n);
    const std::size_t axis = value_axis(operation.numbers[0]);
    const std::ptrdiff_t count = part.axes[axis].size;
    if (!is_placed(operation.operands[n])) draft_.copy(part, slice(whole, axis, at, count));
    at += count;
  }
  define(operation, whole);
}

void Planner::add_take(const Operation& operation) {
  const View x = operand(operation, 0);
  const std::size_t axis = value_axis(operation.numbers[0]);
  const std::vector<std::ptrdiff_t> indices(operation.numbers.begin() + 1, operation.numbers.end());
  const auto run_from = [&](std::size_t first) {  // how many of the indices follow each other
    std::size_t count = 1;
    while (first + count < indices.size() && indices[first + count] == indices[first + count - 1] + 1) ++count;
    return count;
  };
  if (!indices.empty() && run_from(0) == indices.size()) {
    return define(operation, slice(x, axis, indices[0], static_cast<std::ptrdiff_t>(indices.size())));
  }
  const View out = fresh(program_.shape(operation.out));
  for (std::size_t n = 0; n < indices.size();) {
    const auto count = static_cast<std::ptrdiff_t>(run_from(n));
    draft_.copy(slice(x, axis, indices[n], count), slice(out, axis, static_cast<std::ptrdiff_t>(n), count));
    n += static_cast<std::size_t>(count);
  }
  define(operation, out);
}

void Planner::add_view(const Operation& operation) {
  View x = operand(operation, 0);
  const Shape& shape = program_.shape(operation.out);
  if (operation.kind == Kind::reshape) {
    View seen;
    if (!reshape(x, shape, &seen)) {
      const View whole = draft_.copied(x);
      seen = {whole.at, {whole.axes[0], whole.axes[1]}};
      append(row_major(shape), &seen.axes);
    }
    return define(operation, seen);
  }
  if (operation.kind == Kind::transpose) {
    View turned = {x.at, {x.axes[0], x.axes[1]}};
    for (const std::ptrdiff_t axis : operation.numbers) {
      turned.axes.push_back(x.axes[value_axis(axis)]);
    }
    return define(operation, turned);
  }
  const std::size_t axis = value_axis(operation.numbers[0]);
  const std::ptrdiff_t size = shape[axis - value_axes];
  if (operation.kind == Kind::repeat) {
    x.axes[axis] = {size, 0};
    return define(operation, x);
  }
  define(operation, slice(x, axis, operation.numbers[1], size));
}

}  // namespace whorl
