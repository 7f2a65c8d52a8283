// Weight matrices in fewer bits than float32, and the owner of a packed matrix of any format.
//
// bf16: the upper half of a float32, rounded to nearest even. It is expanded to float32 in registers, so a product is
// the chain of affine.h on the rounded weights.
//
// int8: w = scale * q with q in [-127, 127] and one scale, max|w| / 127, for each output feature. Each row of x is
// quantised the same way when its product is taken. q.q adds up in whole numbers, exactly, so the order does not
// matter; one multiply-add in float32 brings the sum to its scale and adds the bias.
#pragma once

#include <cstddef>
#include <cstdint>

#include "affine.h"

namespace whorl {

// 'fp32', 'bf16' or 'int8'; throws std::invalid_argument for another word.
Format format_named(const char* name);
const char* name_of(Format format);

// Input features that lie side by side in a panel: [panel][ceil(in_features / group)][panel_width][group], the last
// group filled up with zeros.
[[gnu::always_inline]] constexpr std::ptrdiff_t features_per_group(Format format) {
  return format == Format::int8 ? 4 : format == Format::bf16 ? 2 : 1;
}

// Beyond this many input features a sum of products of eight bits could leave the range of int32.
constexpr std::ptrdiff_t max_int8_features = 65536;

// Owns a packed weight. Immutable; copying is not needed.
class PackedMatrix {
 public:
  // `weight` holds out_features rows of in_features. A weight that is NaN or infinite makes its whole output feature
  // NaN in int8. Throws std::length_error if the matrix is too large for its format.
  PackedMatrix(const float* weight, std::ptrdiff_t out_features, std::ptrdiff_t in_features,
               Format format = Format::fp32);
  ~PackedMatrix();
  PackedMatrix(const PackedMatrix&) = delete;
  PackedMatrix& operator=(const PackedMatrix&) = delete;
  PackedMatrix(PackedMatrix&& other) noexcept;

  // Borrows from this object, which must live longer (moving it is fine).
  const Matrix& matrix() const { return matrix_; }
  std::size_t nbytes() const { return nbytes_; }  // padding and scales included

 private:
  Matrix matrix_;
  std::size_t nbytes_ = 0;
  void* memory_ = nullptr;  // values, then scales, then sums
};

}  // namespace whorl
