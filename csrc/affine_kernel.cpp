// The inner loops of the affine product. CMake compiles this file once per instruction set.
#include "affine.h"
#include "simd.h"

namespace whorl::WHORL_SIMD_NAMESPACE {
namespace {

// Register blocks: `tile_rows` x `tile_panels` accumulators for many rows, 1 x `row_panels` for a single one, where the
// latency of the multiply-add is hidden by more chains side by side.
#if defined(__AVX512F__)
constexpr int tile_rows = 6, tile_panels = 4, row_panels = 8;
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int tile_rows = 6, tile_panels = 1, row_panels = 4;
#else
constexpr int tile_rows = 2, tile_panels = 1, row_panels = 2;
#endif

// Cache blocks: `depth_block` features of a few panels stay in L2 while `row_block` rows pass by. Between two depth
// blocks an accumulator rests in the output buffer; float32 to float32, so its bits do not change.
constexpr ptrdiff_t depth_block = 512, row_block = 240;

struct Tile {
  const float* x;       // first row, first feature of the depth block
  const float* packed;  // first panel, first feature of the depth block
  const float* bias;    // of the first panel's first column; null: start from 0
  float* out;
  ptrdiff_t depth;
  ptrdiff_t x_stride, panel_stride, out_stride;
  ptrdiff_t columns;  // out_features left from the first panel's first column on
  bool resume;        // go on from what stands in `out`
};

Lanes load_columns(const float* from, ptrdiff_t columns) {
  return columns >= panel_width ? load(from) : load_first(from, columns);
}

template <int Rows, int Panels>
void compute_tile(const Tile& t) {
  Lanes sum[Rows][Panels];
#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) {
    const ptrdiff_t left = t.columns - p * panel_width;
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const float* start = t.resume ? t.out + r * t.out_stride : t.bias;
      sum[r][p] = start != nullptr ? load_columns(start + p * panel_width, left) : zero_lanes();
    }
  }

  const float* x = t.x;
  const float* packed = t.packed;
  const ptrdiff_t x_stride = t.x_stride, panel_stride = t.panel_stride;
  for (ptrdiff_t k = 0; k < t.depth; ++k) {
    Lanes weight[Panels];
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) weight[p] = load(packed + p * panel_stride);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const float feature = x[r * x_stride];
#pragma GCC unroll 8
      for (int p = 0; p < Panels; ++p) sum[r][p] = multiply_add(feature, weight[p], sum[r][p]);
    }
    x += 1;
    packed += panel_width;
  }

#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) {
    const ptrdiff_t left = t.columns - p * panel_width;
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      float* to = t.out + r * t.out_stride + p * panel_width;
      if (left >= panel_width)
        store(to, sum[r][p]);
      else
        store_first(to, sum[r][p], left);
    }
  }
}

// Calls compute_tile<Rows, panels> for a number of panels known only now.
template <int Rows, int Panels>
void compute_panels(const Tile& t, ptrdiff_t panels) {
  if constexpr (Panels > 1) {
    if (panels < Panels) return compute_panels<Rows, Panels - 1>(t, panels);
  }
  compute_tile<Rows, Panels>(t);
}

template <int Rows>
void compute_rows(const Tile& t, ptrdiff_t rows, ptrdiff_t panels) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return compute_rows<Rows - 1>(t, rows, panels);
  }
  compute_panels<Rows, tile_panels>(t, panels);
}

ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

}  // namespace

void affine(const AffineJob& job) {
  const ptrdiff_t panel_stride = job.in_features * panel_width;
  const ptrdiff_t rows_in_job = job.row_end - job.row_begin;
  const ptrdiff_t group = rows_in_job == 1 ? row_panels : tile_panels;

  for (ptrdiff_t row_start = job.row_begin; row_start < job.row_end; row_start += row_block) {
    const ptrdiff_t row_stop = smaller(row_start + row_block, job.row_end);
    ptrdiff_t depth_start = 0;
    do {  // runs once for zero features: then the answer is the bias
      const ptrdiff_t depth = smaller(depth_block, job.in_features - depth_start);
      for (ptrdiff_t panel = job.panel_begin; panel < job.panel_end; panel += group) {
        const ptrdiff_t panels = smaller(group, job.panel_end - panel);
        const ptrdiff_t column = panel * panel_width;
        for (ptrdiff_t row = row_start; row < row_stop; row += tile_rows) {
          const ptrdiff_t rows = smaller(tile_rows, row_stop - row);
          const Tile tile = {job.x + row * job.in_features + depth_start,
                             job.packed + panel * panel_stride + depth_start * panel_width,
                             job.bias != nullptr ? job.bias + column : nullptr,
                             job.out + row * job.out_features + column,
                             depth,
                             job.in_features,
                             panel_stride,
                             job.out_features,
                             job.out_features - column,
                             depth_start > 0};
          if (rows_in_job == 1)
            compute_panels<1, row_panels>(tile, panels);
          else
            compute_rows<tile_rows>(tile, rows, panels);
        }
      }
      depth_start += depth_block;
    } while (depth_start < job.in_features);
  }
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
