// The affine product: out = x * weight^T + bias.
//
// Every output element is one chain: it starts from the bias (or from 0, or from what stands in `out`) and takes one
// fused multiply-add per input feature, in the order k = 0, 1, 2, ... Nothing else is allowed to touch it. So the bits
// of a row depend on that row, the weight and the bias alone: not on the number of rows, the position of the row, its
// neighbours, the number of threads or the instruction set. Speed comes from computing many chains at once, never from
// splitting one. Weights of eight bits keep the promise in another way; see quantised_kernel.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "multiples.h"

namespace whorl {

// Columns that travel together. The packed layout is the same for every instruction set:
// [ceil(out_features / panel_width)][in_features][panel_width], the last panel filled up with zeros.
constexpr std::ptrdiff_t panel_width = 16;

[[gnu::always_inline]] constexpr std::ptrdiff_t num_panels(std::ptrdiff_t out_features) {
  return ceil_divide(out_features, panel_width);
}

// How the numbers of a weight matrix are kept. Inputs, outputs and biases are always float32.
enum class Format { fp32, bf16, int8 };

// A packed weight matrix, borrowed.
struct Matrix {
  const void* values = nullptr;
  std::ptrdiff_t in_features = 0, out_features = 0;
  Format format = Format::fp32;
  const float* scales = nullptr;       // int8: of each output feature
  const std::int32_t* sums = nullptr;  // int8: of the weights of each output feature
};

// A rectangle of the output: some rows times some panels. Rectangles of one product may run on different threads.
struct AffineJob {
  const float* x;  // rows of in_features, `x_stride` floats apart
  std::ptrdiff_t x_stride;
  const Matrix* weight;
  const float* bias;  // (out_features,) or null
  float* out;         // rows of out_features, `out_stride` floats apart
  std::ptrdiff_t out_stride;
  bool resume;  // chains go on from what stands in `out`, without the bias
  std::ptrdiff_t row_begin, row_end;
  std::ptrdiff_t panel_begin, panel_end;
};

// out (rows, columns) += sum over k < depth of left[k][row] * right[k][column]: what a weight learns from `depth`
// steps. `right` is read in whole panels, so up to panel_width - 1 floats beyond its last column must be there to read.
struct OuterJob {
  const float* left;
  std::ptrdiff_t left_stride;
  const float* right;
  std::ptrdiff_t right_stride;
  std::ptrdiff_t depth;
  float* out;
  std::ptrdiff_t out_stride;
  std::ptrdiff_t rows, columns;
};

// The whole product of contiguous rows.
AffineJob whole_product(const float* x, std::ptrdiff_t rows, const Matrix& weight, const float* bias, float* out);

// Writes `weight` (out_features, in_features), C-contiguous, into `packed`.
void pack_panels(const float* weight, std::ptrdiff_t out_features, std::ptrdiff_t in_features, float* packed);

// The same of the transpose: `weight` is (in_features, out_features), C-contiguous.
void pack_panels_transposed(const float* weight, std::ptrdiff_t out_features, std::ptrdiff_t in_features,
                            float* packed);

// Runs the whole product, on up to `num_threads` threads.
void affine(const AffineJob& whole, int num_threads);

// Roughly how long `affine` will take on one thread; used to decide whether other Python threads may run meanwhile.
double estimated_us(const AffineJob& whole);

}  // namespace whorl
