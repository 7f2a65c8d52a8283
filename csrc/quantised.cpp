#include "quantised.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

namespace whorl {
namespace {

constexpr std::align_val_t alignment{64};

std::ptrdiff_t bytes_per_value(Format format) { return format == Format::fp32 ? 4 : format == Format::bf16 ? 2 : 1; }

// Positions of a panel, the padding of its last group included.
std::ptrdiff_t panel_values(const Matrix& matrix) {
  return round_up(matrix.in_features, features_per_group(matrix.format)) * panel_width;
}

void check_size(const Matrix& matrix) {
  constexpr std::ptrdiff_t limit = std::numeric_limits<std::ptrdiff_t>::max() / 64;
  if (matrix.in_features > 0 && matrix.out_features > limit / matrix.in_features - panel_width) {
    throw std::length_error("`weight` is too large to pack: (" + std::to_string(matrix.out_features) + ", " +
                            std::to_string(matrix.in_features) + ").");
  }
  if (matrix.format == Format::int8 && matrix.in_features > max_int8_features) {
    throw std::length_error("`weight` must have at most " + std::to_string(max_int8_features) +
                            " input features in int8, but has " + std::to_string(matrix.in_features) +
                            ". Keep it in fp32 or bf16.");
  }
}

// The upper half of a float32, rounded to nearest even; NaN stays NaN.
std::uint16_t to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16U) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
}

// Calls put(place, value) for each weight, `place` counted in values from the start of the packed matrix.
template <class Put>
void for_each_place(const float* weight, const Matrix& matrix, const Put& put) {
  const std::ptrdiff_t group = features_per_group(matrix.format);
  for (std::ptrdiff_t n = 0; n < matrix.out_features; ++n) {
    const std::ptrdiff_t column = n / panel_width * panel_values(matrix) + n % panel_width * group;
    for (std::ptrdiff_t k = 0; k < matrix.in_features; ++k) {
      put(column + k / group * group * panel_width + k % group, n, weight[n * matrix.in_features + k]);
    }
  }
}

// max|w| / 127 of each output feature; NaN where a weight is not finite.
void find_scales(const float* weight, const Matrix& matrix, float* scales) {
  for (std::ptrdiff_t n = 0; n < matrix.out_features; ++n) {
    float largest = 0.0F;
    for (std::ptrdiff_t k = 0; k < matrix.in_features; ++k) {
      const float size = std::fabs(weight[n * matrix.in_features + k]);
      if (!std::isfinite(size)) largest = std::numeric_limits<float>::quiet_NaN();
      if (size > largest) largest = size;
    }
    scales[n] = largest / 127.0F;
  }
}

std::int8_t to_int8(float value, float scale) {
  if (!(scale > 0.0F)) return 0;  // all are zero, or one is NaN
  const double steps = std::nearbyint(static_cast<double>(value) / static_cast<double>(scale));
  return static_cast<std::int8_t>(std::max(-127.0, std::min(127.0, steps)));  // a subnormal scale is rounded coarsely
}

}  // namespace

Format format_named(const char* name) {
  for (const Format format : {Format::fp32, Format::bf16, Format::int8}) {
    if (std::strcmp(name, name_of(format)) == 0) return format;
  }
  throw std::invalid_argument("a weight format must be 'fp32', 'bf16' or 'int8', but is '" + std::string(name) + "'.");
}

const char* name_of(Format format) {
  return format == Format::int8 ? "int8" : format == Format::bf16 ? "bf16" : "fp32";
}

PackedMatrix::PackedMatrix(const float* weight, std::ptrdiff_t out_features, std::ptrdiff_t in_features,
                           Format format) {
  matrix_.in_features = in_features;
  matrix_.out_features = out_features;
  matrix_.format = format;
  check_size(matrix_);
  const std::ptrdiff_t columns = num_panels(out_features) * panel_width;
  const auto bytes_of_values =
      static_cast<std::size_t>(num_panels(out_features) * panel_values(matrix_) * bytes_per_value(format));
  const auto bytes_of_columns = static_cast<std::size_t>(columns) * sizeof(float);
  nbytes_ = bytes_of_values + (format == Format::int8 ? 2 * bytes_of_columns : 0);
  memory_ = ::operator new(std::max<std::size_t>(nbytes_, 1), alignment);
  std::memset(memory_, 0, nbytes_);
  matrix_.values = memory_;

  switch (format) {
    case Format::fp32:
      pack_panels(weight, out_features, in_features, static_cast<float*>(memory_));
      break;
    case Format::bf16: {
      auto* values = static_cast<std::uint16_t*>(memory_);
      for_each_place(weight, matrix_,
                     [&](std::ptrdiff_t at, std::ptrdiff_t, float value) { values[at] = to_bf16(value); });
      break;
    }
    case Format::int8: {
      auto* values = static_cast<std::int8_t*>(memory_);
      auto* scales = reinterpret_cast<float*>(values + bytes_of_values);
      auto* sums = reinterpret_cast<std::int32_t*>(values + bytes_of_values + bytes_of_columns);
      find_scales(weight, matrix_, scales);
      for_each_place(weight, matrix_, [&](std::ptrdiff_t at, std::ptrdiff_t n, float value) {
        values[at] = to_int8(value, scales[n]);
        sums[n] += values[at];
      });
      matrix_.scales = scales;
      matrix_.sums = sums;
      break;
    }
  }
}

PackedMatrix::~PackedMatrix() {
  if (memory_ != nullptr) ::operator delete(memory_, alignment);
}

PackedMatrix::PackedMatrix(PackedMatrix&& other) noexcept
    : matrix_(other.matrix_), nbytes_(other.nbytes_), memory_(other.memory_) {
  other.memory_ = nullptr;
}

}  // namespace whorl
