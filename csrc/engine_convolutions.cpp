// A convolution is the product of the patches of a picture, each a row, and the kernels.
#include <algorithm>
#include <utility>

#include "engine_planner.h"

namespace whorl {
namespace {

// The channels are the third axis from the end of a picture, and the last of its patches.
std::vector<Axis> channels_last(std::vector<Axis> axes) {
  std::rotate(axes.end() - 3, axes.end() - 2, axes.end());
  return axes;
}

std::vector<Axis> channels_first(std::vector<Axis> axes) {
  std::rotate(axes.end() - 3, axes.end() - 1, axes.end());
  return axes;
}

std::vector<std::ptrdiff_t> sizes_of(const std::vector<Axis>& axes) {
  std::vector<std::ptrdiff_t> sizes;
  for (const Axis& axis : axes) sizes.push_back(axis.size);
  return sizes;
}

}  // namespace

// Height, width and channels are the last axes.
View Planner::padded(const View& picture, std::ptrdiff_t padding, int zero) {
  const std::size_t height = picture.axes.size() - 3, width = height + 1;
  std::vector<std::ptrdiff_t> sizes = sizes_of(picture.axes);
  sizes[height] += 2 * padding;
  sizes[width] += 2 * padding;
  View whole = {{}, row_major(sizes)};
  whole.at = draft_.storage({whole.elements()});
  View zeros = {draft_.tensor(zero), whole.axes};
  for (Axis& axis : zeros.axes) axis.stride = 0;
  draft_.copy(zeros, whole);
  const View rows = slice(whole, height, padding, picture.axes[height].size);
  draft_.copy(picture, slice(rows, width, padding, picture.axes[width].size));
  return whole;
}

void Planner::add_convolve(const Operation& operation) {
  const std::ptrdiff_t stride = operation.numbers[0], padding = operation.numbers[1];
  View x = operand(operation, 0);
  x.axes = channels_last(x.axes);
  if (padding > 0) x = padded(x, padding, operation.tensors[1]);

  std::vector<Axis> out = row_major(program_.shape(operation.out));
  const std::vector<Axis> lead(x.axes.begin(), x.axes.end() - 3);
  const Axis height = x.axes.end()[-3], width = x.axes.end()[-2], channels = x.axes.end()[-1];
  View patches = {x.at, lead};
  append({{out.end()[-2].size, stride * height.stride}, {out.end()[-1].size, stride * width.stride}}, &patches.axes);
  append({{operation.numbers[2], height.stride}, {operation.numbers[3], width.stride}, channels}, &patches.axes);
  const View rows = draft_.copied(patches);
  const std::ptrdiff_t features = operation.numbers[2] * operation.numbers[3] * channels.size;

  std::vector<std::ptrdiff_t> sizes = sizes_of(lead);
  for (const std::ptrdiff_t size : {out.end()[-2].size, out.end()[-1].size, out.end()[-3].size}) sizes.push_back(size);
  View result = {{}, row_major(sizes)};
  result.at = draft_.storage({result.elements()});
  draft_.multiply({rows.at, rows.elements() / features, features}, *program_.weight(operation.weights[0]),
                  draft_.tensor(operation.tensors[0]), result.at);
  result.axes = channels_first(result.axes);
  define(operation, result);
}

}  // namespace whorl
