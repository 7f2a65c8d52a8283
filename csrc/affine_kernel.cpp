// The inner loops of the affine product. CMake compiles this file once per instruction set.
#include "affine.h"
#include "dispatch.h"
#include "simd.h"

namespace whorl::WHORL_SIMD_NAMESPACE {

void affine_bf16(const AffineJob& job);

namespace {

// Register blocks: up to most_rows(panels) x `most_panels` accumulators for many rows, 1 x `row_panels` for a single
// one, where the latency of the multiply-add is hidden by more chains side by side.
#if defined(__AVX512F__)
constexpr int most_panels = 4, row_panels = 8;
constexpr int most_rows(int panels) { return panels == 4 ? 6 : panels > 4 ? 1 : 8; }
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int most_panels = 1, row_panels = 4;
constexpr int most_rows(int panels) { return panels == 1 ? 6 : 1; }
#else
constexpr int most_panels = 1, row_panels = 2;
constexpr int most_rows(int panels) { return panels == 1 ? 2 : 1; }
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
  ptrdiff_t x_stride, panel_stride, out_stride;  // from row to row, from panel to panel
  ptrdiff_t x_step, packed_step;                 // from feature to feature
  ptrdiff_t columns;                             // out_features left from the first panel's first column on
  bool resume;                                   // go on from what stands in `out`
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
  const ptrdiff_t x_step = t.x_step, packed_step = t.packed_step;
  for (ptrdiff_t k = 0; k < t.depth; ++k) {
    Lanes weight[Panels];
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) weight[p] = load(packed + p * panel_stride);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Lanes feature = broadcast(x[r * x_stride]);
#pragma GCC unroll 8
      for (int p = 0; p < Panels; ++p) sum[r][p] = multiply_add(feature, weight[p], sum[r][p]);
    }
    x += x_step;
    packed += packed_step;
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

// Calls compute_tile<rows, Panels> for a number of rows known only now.
template <int Panels, int Rows = most_rows(Panels)>
void compute_rows(const Tile& t, ptrdiff_t rows) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return compute_rows<Panels, Rows - 1>(t, rows);
  }
  compute_tile<Rows, Panels>(t);
}

// All rows of a group of panels, in tiles of even height.
template <int Panels>
void compute_group(Tile tile, ptrdiff_t rows) {
  const ptrdiff_t num_tiles = (rows + most_rows(Panels) - 1) / most_rows(Panels);
  for (ptrdiff_t tiles = num_tiles; tiles > 0; --tiles) {
    const ptrdiff_t height = (rows + tiles - 1) / tiles;
    compute_rows<Panels>(tile, height);
    tile.x += height * tile.x_stride;
    tile.out += height * tile.out_stride;
    rows -= height;
  }
}

template <int Panels = row_panels>
void compute_panels(const Tile& tile, ptrdiff_t rows, ptrdiff_t panels) {
  if constexpr (Panels > 1) {
    if (panels < Panels) return compute_panels<Panels - 1>(tile, rows, panels);
  }
  compute_group<Panels>(tile, rows);
}

// Panels of the next group, so that none is left alone at the end.
ptrdiff_t next_group(ptrdiff_t rows, ptrdiff_t panels) {
  if (rows == 1) return panels < row_panels ? panels : row_panels;
  if (most_panels < 4) return most_panels;
  return panels % 3 == 0 ? 3 : panels % 4 == 0 || panels % 3 == 1 ? (panels < 4 ? panels : 4) : panels < 3 ? panels : 3;
}

ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

}  // namespace

void affine(const AffineJob& job) {
  if (job.weight->format == Format::bf16) return affine_bf16(job);
  if (job.weight->format == Format::int8) return kernels().affine_int8(job);
  const ptrdiff_t in_features = job.weight->in_features;
  const float* packed = static_cast<const float*>(job.weight->values);
  const ptrdiff_t panel_stride = in_features * panel_width;

  for (ptrdiff_t row = job.row_begin; row < job.row_end; row += row_block) {
    const ptrdiff_t rows = smaller(row_block, job.row_end - row);
    ptrdiff_t depth_start = 0;
    do {  // runs once for zero features: then the answer is the bias
      const ptrdiff_t depth = smaller(depth_block, in_features - depth_start);
      ptrdiff_t group = 0;
      for (ptrdiff_t panel = job.panel_begin; panel < job.panel_end; panel += group) {
        group = next_group(rows, job.panel_end - panel);
        const ptrdiff_t column = panel * panel_width;
        compute_panels(
            {job.x + row * job.x_stride + depth_start, packed + panel * panel_stride + depth_start * panel_width,
             job.bias != nullptr ? job.bias + column : nullptr, job.out + row * job.out_stride + column, depth,
             job.x_stride, panel_stride, job.out_stride, 1, panel_width, job.weight->out_features - column,
             job.resume || depth_start > 0},
            rows, group);
      }
      depth_start += depth_block;
    } while (depth_start < in_features);
  }
}

void add_outer(const OuterJob& job) {
  ptrdiff_t group = 0;
  for (ptrdiff_t column = 0; column < job.columns; column += group * panel_width) {
    group = next_group(job.rows, num_panels(job.columns - column));
    compute_panels({job.left, job.right + column, nullptr, job.out + column, job.depth, 1, panel_width, job.out_stride,
                    job.left_stride, job.right_stride, job.columns - column, true},
                   job.rows, group);
  }
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
