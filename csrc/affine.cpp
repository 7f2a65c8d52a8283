#include "affine.h"

#include <algorithm>

#include "dispatch.h"
#include "rounding.h"
#include "threads.h"

namespace whorl {
namespace {

// Waking a helper costs tens of microseconds.
constexpr double min_us_per_thread = 50.0;

// Row borders between threads are multiples of every kernel's tile height, so that no thread works on a cut tile.
constexpr std::ptrdiff_t row_multiple = 12;

void run(const AffineJob& job) {
  const Rounding rounding(Subnormals::keep);
  kernels().affine(job);
}

}  // namespace

void pack_panels(const float* weight, std::ptrdiff_t out_features, std::ptrdiff_t in_features, float* packed) {
  for (std::ptrdiff_t first = 0; first < out_features; first += panel_width) {
    const std::ptrdiff_t columns = std::min(panel_width, out_features - first);
    for (std::ptrdiff_t k = 0; k < in_features; ++k) {
      for (std::ptrdiff_t c = 0; c < columns; ++c) packed[c] = weight[(first + c) * in_features + k];
      std::fill(packed + columns, packed + panel_width, 0.0F);
      packed += panel_width;
    }
  }
}

void pack_panels_transposed(const float* weight, std::ptrdiff_t out_features, std::ptrdiff_t in_features,
                            float* packed) {
  for (std::ptrdiff_t first = 0; first < out_features; first += panel_width) {
    const std::ptrdiff_t columns = std::min(panel_width, out_features - first);
    for (std::ptrdiff_t k = 0; k < in_features; ++k) {
      std::copy_n(weight + k * out_features + first, columns, packed);
      std::fill(packed + columns, packed + panel_width, 0.0F);
      packed += panel_width;
    }
  }
}

AffineJob whole_product(const float* x, std::ptrdiff_t rows, const Matrix& weight, const float* bias, float* out) {
  AffineJob job = {};
  job.x = x;
  job.x_stride = weight.in_features;
  job.weight = &weight;
  job.bias = bias;
  job.out = out;
  job.out_stride = weight.out_features;
  job.row_end = rows;
  job.panel_end = num_panels(weight.out_features);
  return job;
}

double estimated_us(const AffineJob& whole) {
  const double speedup = whole.weight->format == Format::int8 ? 3.0 : 1.0;  // between 1.3 and 5, by instruction set
  return static_cast<double>(whole.row_end) * static_cast<double>(whole.weight->in_features) *
         static_cast<double>(whole.weight->out_features) / (kernels().multiply_adds_per_us * speedup);
}

void affine(const AffineJob& whole, int num_threads) {
  const int parts = worthwhile_parts(estimated_us(whole), min_us_per_thread, num_threads);
  if (parts == 1) return run(whole);

  const bool by_rows = whole.row_end >= parts * row_multiple;
  run_parts(parts, [&](int index) {
    AffineJob job = whole;
    if (by_rows) {
      job.row_begin = cut(whole.row_end, index, parts, row_multiple);
      job.row_end = cut(whole.row_end, index + 1, parts, row_multiple);
    } else {
      job.panel_begin = cut(whole.panel_end, index, parts);
      job.panel_end = cut(whole.panel_end, index + 1, parts);
    }
    run(job);
  });
}

}  // namespace whorl
