// The affine product of the inference engine: out = x * weight^T + bias, in float32.
//
// Every output element is one chain: it starts from the bias (or from 0) and takes one fused multiply-add per input
// feature, in the order k = 0, 1, 2, ... Nothing else is allowed to touch it. So the bits of a row depend on that row,
// the weight and the bias alone: not on the number of rows, the position of the row, its neighbours, the number of
// threads or the instruction set. Speed comes from computing many chains at once, never from splitting one.
#pragma once

#include <cstddef>

namespace whorl {

// Columns that travel together. The packed layout is the same for every instruction set:
// [ceil(out_features / panel_width)][in_features][panel_width], the last panel filled up with zeros.
constexpr std::ptrdiff_t panel_width = 16;

constexpr std::ptrdiff_t num_panels(std::ptrdiff_t out_features) {
  return (out_features + panel_width - 1) / panel_width;
}

// A rectangle of the output: some rows times some panels. Rectangles of one product may run on different threads.
struct AffineJob {
  const float* x;       // (num_rows, in_features), C-contiguous
  const float* packed;  // see panel_width
  const float* bias;    // (out_features,) or null
  float* out;           // (num_rows, out_features), C-contiguous
  std::ptrdiff_t in_features;
  std::ptrdiff_t out_features;
  std::ptrdiff_t row_begin, row_end;
  std::ptrdiff_t panel_begin, panel_end;
};

// Writes `weight` (out_features, in_features), C-contiguous, into `packed`.
void pack_panels(const float* weight, std::ptrdiff_t out_features, std::ptrdiff_t in_features, float* packed);

// Runs the whole product, on up to `num_threads` threads.
void affine(const AffineJob& whole, int num_threads);

// Roughly how long `affine` will take on one thread; used to decide whether other Python threads may run meanwhile.
double estimated_us(const AffineJob& whole);

}  // namespace whorl
