// The micro-kernel: a block of output elements held in registers while the input features pass by, one multiply-add per
// element and feature. Every float32 product of this library runs on it, whatever its weights are stored as.
#pragma once

#include "affine.h"
#include "simd.h"

namespace whorl::WHORL_SIMD_NAMESPACE {

// Register blocks: up to most_rows(panels) x `most_panels` accumulators for many rows, 1 x `row_panels` for a single
// one, where the latency of the multiply-add is hidden by more chains side by side.
#if defined(__AVX512F__)
constexpr int most_panels = 4, row_panels = 6;
constexpr int most_rows(int panels) { return panels == 4 ? 6 : panels > 4 ? 1 : 8; }
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int most_panels = 1, row_panels = 4;
constexpr int most_rows(int panels) { return panels == 1 ? 6 : 1; }
#else
constexpr int most_panels = 1, row_panels = 2;
constexpr int most_rows(int panels) { return panels == 1 ? 2 : 1; }
#endif

// `Storage` says how weights lie in memory: `Value` is what memory is made of, `group` the features that lie side by
// side for each column, and part<n>(from) sixteen columns of the n-th of them as floats.
template <class Storage>
struct Tile {
  const float* x;                         // first row, first feature
  const typename Storage::Value* packed;  // first panel, first feature
  const float* bias;                      // of the first panel's first column; null: start from 0
  float* out;
  ptrdiff_t depth;                               // features
  ptrdiff_t x_stride, panel_stride, out_stride;  // from row to row, from panel to panel
  ptrdiff_t x_step, packed_step;                 // from feature to feature, from group to group
  ptrdiff_t columns;                             // left from the first panel's first column on
  bool resume;                                   // go on from what stands in `out`
};

// The n-th feature of a group, for every chain of a tile.
template <int N, int Rows, int Panels, class Storage>
inline void add_feature(const Tile<Storage>& t, const float* x, const typename Storage::Value* packed,
                        Lanes (&sum)[Rows][Panels]) {
  Lanes weight[Panels];
#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) weight[p] = Storage::template part<N>(packed + p * t.panel_stride);
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    const Lanes feature = broadcast(x[N * t.x_step + r * t.x_stride]);
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) sum[r][p] = multiply_add(feature, weight[p], sum[r][p]);
  }
}

template <int Rows, int Panels, class Storage>
void compute_tile(const Tile<Storage>& given) {
  const Tile<Storage> t = given;  // a copy of its own stays in registers
  Lanes sum[Rows][Panels];
#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const float* start = t.resume ? t.out + r * t.out_stride : t.bias;
      sum[r][p] = start != nullptr ? load_up_to(t.columns - p * panel_width, start + p * panel_width) : zero_lanes();
    }
  }

  const float* x = t.x;
  const typename Storage::Value* packed = t.packed;
  ptrdiff_t left = t.depth;
  for (; left >= Storage::group; left -= Storage::group) {
    add_feature<0>(t, x, packed, sum);
    if constexpr (Storage::group == 2) add_feature<1>(t, x, packed, sum);
    x += Storage::group * t.x_step;
    packed += t.packed_step;
  }
  if (left > 0) add_feature<0>(t, x, packed, sum);

#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
      store_up_to(t.columns - p * panel_width, t.out + r * t.out_stride + p * panel_width, sum[r][p]);
  }
}

// Calls compute_tile<rows, Panels> for a number of rows known only now.
template <int Panels, class Storage, int Rows = most_rows(Panels)>
void compute_rows(const Tile<Storage>& t, ptrdiff_t rows) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return compute_rows<Panels, Storage, Rows - 1>(t, rows);
  }
  compute_tile<Rows, Panels>(t);
}

// All rows of a group of panels, in tiles of even height.
template <int Panels, class Storage>
void compute_group(Tile<Storage> tile, ptrdiff_t rows) {
  for (ptrdiff_t tiles = (rows + most_rows(Panels) - 1) / most_rows(Panels); tiles > 0; --tiles) {
    const ptrdiff_t height = (rows + tiles - 1) / tiles;
    compute_rows<Panels>(tile, height);
    tile.x += height * tile.x_stride;
    tile.out += height * tile.out_stride;
    rows -= height;
  }
}

template <class Storage, int Panels = row_panels>
void compute_panels(const Tile<Storage>& tile, ptrdiff_t rows, ptrdiff_t panels) {
  if constexpr (Panels > 1) {
    if (panels < Panels) return compute_panels<Storage, Panels - 1>(tile, rows, panels);
  }
  if (rows == 1) return compute_tile<1, Panels>(tile);
  compute_group<Panels>(tile, rows);
}

// Panels of the next group. Three fill the registers best, and one alone worst: a remainder of one joins a group of
// four.
inline ptrdiff_t next_group(ptrdiff_t rows, ptrdiff_t panels) {
  if (rows == 1) return smaller(panels, row_panels);
  if (most_panels < 4 || panels % 3 == 0) return smaller(3, most_panels);
  return smaller(panels, panels % 4 == 0 || panels % 3 == 1 ? 4 : 3);
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
