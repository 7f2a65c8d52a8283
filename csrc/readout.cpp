#include "readout.h"

#include <algorithm>

namespace whorl {

namespace {

// Numbers that make the loops over a block long enough to pay.
constexpr std::ptrdiff_t enough = 256;

// As numpy has it: a minimum or maximum with NaN is NaN, and sorting puts NaN last. Bitwise operators on purpose: the
// loops that these stand in have no branch and become vectors.
float least(float a, float b) { return (a < b) | (a != a) ? a : b; }
float most(float a, float b) { return (a > b) | (a != a) ? a : b; }

void put_in_order(float* first, float* second, std::ptrdiff_t count) {
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const float a = first[i], b = second[i];
    const bool swap = (b < a) | ((a != a) & (b == b));
    first[i] = swap ? b : a;
    second[i] = swap ? a : b;
  }
}

void sort_levels(float* levels, std::ptrdiff_t num_levels, std::ptrdiff_t count) {
  for (std::ptrdiff_t last = num_levels - 1; last > 0; --last) {
    for (std::ptrdiff_t q = 0; q < last; ++q) put_in_order(levels + q * count, levels + (q + 1) * count, count);
  }
}

// Every level of a row, `times` beside each other.
template <class T>
std::vector<T> repeated(const std::vector<T>& levels, std::ptrdiff_t numbers, std::ptrdiff_t times) {
  std::vector<T> made;
  made.reserve(levels.size() * static_cast<std::size_t>(times));
  for (auto level = levels.begin(); level != levels.end(); level += numbers) {
    for (std::ptrdiff_t n = 0; n < times; ++n) made.insert(made.end(), level, level + numbers);
  }
  return made;
}

void in_units(const float* from, const double* scale, const double* center, std::ptrdiff_t count, double* to) {
  for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = static_cast<double>(from[i]) * scale[i] + center[i];
}

}  // namespace

QuantileReadout::QuantileReadout(std::ptrdiff_t levels, const Calibration& row)
    : numbers_(static_cast<std::ptrdiff_t>(row.scale.size())), levels_(levels), width_(0) {
  if (numbers_ == 0) return;
  const std::ptrdiff_t rows = std::max<std::ptrdiff_t>(1, enough / numbers_);
  width_ = rows * numbers_;
  block_.shifts = repeated(row.shifts, numbers_, rows);
  block_.floors = repeated(row.floors, numbers_, rows);
  block_.scale = repeated(row.scale, numbers_, rows);
  block_.center = repeated(row.center, numbers_, rows);
}

void QuantileReadout::bound(const Block& block) const {
  const std::ptrdiff_t count = block.count, half = levels_ / 2;
  sort_levels(block.quantiles, levels_, count);
  if (!block_.shifts.empty()) {
    for (std::ptrdiff_t q = 0; q < levels_; ++q) {
      const float* const own = block.quantiles + q * count;
      const float* const partner = block.quantiles + (levels_ - 1 - q) * count;
      const float* const shifts = block_.shifts.data() + q * width_;
      const float* const floors = block_.floors.data() + q * width_;
      float* const moved = block.moved + q * count;
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float apart = own[i] - partner[i];
        moved[i] = own[i] + shifts[i] * most(apart < 0 ? -apart : apart, floors[i]);
      }
    }
    sort_levels(block.moved, levels_, count);
    // Bounds may be drawn in as far as the median, which stays where it is.
    const float* const median = levels_ % 2 == 1 ? block.quantiles + half * count : nullptr;
    for (std::ptrdiff_t q = 0; q < levels_; ++q) {
      const float* const moved = block.moved + q * count;
      float* const bounded = block.quantiles + q * count;
      if (bounded == median) continue;
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float edge = median == nullptr ? moved[i] : median[i];
        bounded[i] = q < half ? least(moved[i], edge) : most(moved[i], edge);
      }
    }
  }
  // A value is never outside of its own interval.
  float* const lowest = block.quantiles;
  float* const highest = block.quantiles + (levels_ - 1) * count;
  for (std::ptrdiff_t i = 0; i < count; ++i) lowest[i] = least(lowest[i], block.value[i]);
  for (std::ptrdiff_t i = 0; i < count; ++i) highest[i] = most(highest[i], block.value[i]);
}

void QuantileReadout::answer(const float* outputs, std::ptrdiff_t rows, double* answers, std::ptrdiff_t stride) const {
  const std::ptrdiff_t size = rows * numbers_, outputs_each = 1 + levels_;
  const std::ptrdiff_t widest = std::min(width_, size);
  std::vector<float> scratch(static_cast<std::size_t>((1 + 2 * levels_) * widest));
  for (std::ptrdiff_t at = 0; at < size; at += width_) {
    const std::ptrdiff_t count = std::min(width_, size - at);
    float* const values = scratch.data();
    const Block block = {values, values + count, values + (1 + levels_) * count, count};
    for (std::ptrdiff_t n = 0; n < outputs_each; ++n) {
      const float* const output = outputs + at * outputs_each + n;
      for (std::ptrdiff_t i = 0; i < count; ++i) values[n * count + i] = output[i * outputs_each];
    }
    bound(block);
    for (std::ptrdiff_t n = 0; n < outputs_each; ++n) {
      in_units(values + n * count, block_.scale.data(), block_.center.data(), count, answers + n * stride + at);
    }
  }
}

}  // namespace whorl
