// The inner loops of the affine product with weights in bf16; see quantised.h. CMake compiles this file once per
// instruction set.
//
// A weight is the upper half of a float32, so putting it there is all that it takes to have the float32 back. Weights
// are read two input features at a time; the chain of an output element still takes them one by one, in order.
#include "quantised.h"
#include "simd.h"

namespace whorl::WHORL_SIMD_NAMESPACE {
namespace {

constexpr ptrdiff_t group = features_per_group(Format::bf16);

#if defined(__AVX512F__)

constexpr int tile_rows = 6, tile_panels = 4, row_panels = 8;

using Pairs = __m512i;

inline Pairs load_pairs(const uint16_t* from) { return _mm512_loadu_si512(from); }
inline Lanes first_of(Pairs pairs) { return {_mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16))}; }
inline Lanes second_of(Pairs pairs) {
  return {_mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-0x10000)))};
}

#elif defined(__AVX2__) && defined(__FMA__)

constexpr int tile_rows = 4, tile_panels = 1, row_panels = 4;

struct Pairs {
  __m256i low, high;
};

inline Pairs load_pairs(const uint16_t* from) {
  const auto* halves = reinterpret_cast<const __m256i*>(from);
  return {_mm256_loadu_si256(halves), _mm256_loadu_si256(halves + 1)};
}
inline Lanes first_of(Pairs pairs) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(pairs.low, 16)),
          _mm256_castsi256_ps(_mm256_slli_epi32(pairs.high, 16))};
}
inline Lanes second_of(Pairs pairs) {
  const __m256i upper = _mm256_set1_epi32(-0x10000);
  return {_mm256_castsi256_ps(_mm256_and_si256(pairs.low, upper)),
          _mm256_castsi256_ps(_mm256_and_si256(pairs.high, upper))};
}

#else

constexpr int tile_rows = 2, tile_panels = 1, row_panels = 2;

struct Pairs {
  uint16_t v[panel_width * group];
};

inline Pairs load_pairs(const uint16_t* from) {
  Pairs pairs;
  memcpy(pairs.v, from, sizeof pairs.v);
  return pairs;
}
inline Lanes each_of(const Pairs& pairs, ptrdiff_t which) {
  Lanes result;
  for (ptrdiff_t i = 0; i < panel_width; ++i) {
    const uint32_t bits = static_cast<uint32_t>(pairs.v[i * group + which]) << 16U;
    memcpy(&result.v[i], &bits, sizeof bits);
  }
  return result;
}
inline Lanes first_of(const Pairs& pairs) { return each_of(pairs, 0); }
inline Lanes second_of(const Pairs& pairs) { return each_of(pairs, 1); }

#endif

struct Tile {
  const float* x;          // first row
  const uint16_t* packed;  // first panel
  const float* bias;       // of the first panel's first column; null: start from 0
  float* out;
  ptrdiff_t in_features;
  ptrdiff_t x_stride, panel_stride, out_stride;
  ptrdiff_t columns;  // out_features left from the first panel's first column on
  bool resume;        // go on from what stands in `out`
};

Lanes load_columns(const float* from, ptrdiff_t columns) {
  return columns >= panel_width ? load(from) : load_first(from, columns);
}

// One multiply-add of every chain of a tile.
template <int Rows, int Panels>
inline void add_feature(const float* x, ptrdiff_t x_stride, const Lanes (&weight)[Panels], Lanes (&sum)[Rows][Panels]) {
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    const Lanes feature = broadcast(x[r * x_stride]);
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) sum[r][p] = multiply_add(feature, weight[p], sum[r][p]);
  }
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
  const uint16_t* packed = t.packed;
  const ptrdiff_t x_stride = t.x_stride, panel_stride = t.panel_stride;
  Lanes weight[Panels];
  for (ptrdiff_t k = 0; k + 1 < t.in_features; k += group) {
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) weight[p] = first_of(load_pairs(packed + p * panel_stride));
    add_feature(x, x_stride, weight, sum);
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) weight[p] = second_of(load_pairs(packed + p * panel_stride));
    add_feature(x + 1, x_stride, weight, sum);
    x += group;
    packed += panel_width * group;
  }
  if (t.in_features % group != 0) {
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) weight[p] = first_of(load_pairs(packed + p * panel_stride));
    add_feature(x, x_stride, weight, sum);
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

// Calls compute_tile for numbers of rows and panels known only now.
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

// Rows that pass by a few panels before the next panels come.
constexpr ptrdiff_t row_block = 240;

}  // namespace

void affine_bf16(const AffineJob& job) {
  const Matrix& weight = *job.weight;
  const auto* packed = static_cast<const uint16_t*>(weight.values);
  const ptrdiff_t panel_stride = (weight.in_features + 1) / group * group * panel_width;
  const bool single = job.row_end - job.row_begin == 1;
  const ptrdiff_t panels_at_once = single ? row_panels : tile_panels;

  for (ptrdiff_t row_start = job.row_begin; row_start < job.row_end; row_start += row_block) {
    const ptrdiff_t row_stop = smaller(row_start + row_block, job.row_end);
    for (ptrdiff_t panel = job.panel_begin; panel < job.panel_end; panel += panels_at_once) {
      const ptrdiff_t panels = smaller(panels_at_once, job.panel_end - panel);
      const ptrdiff_t column = panel * panel_width;
      for (ptrdiff_t row = row_start; row < row_stop; row += tile_rows) {
        const Tile tile = {job.x + row * job.x_stride,
                           packed + panel * panel_stride,
                           job.bias != nullptr ? job.bias + column : nullptr,
                           job.out + row * job.out_stride + column,
                           weight.in_features,
                           job.x_stride,
                           panel_stride,
                           job.out_stride,
                           weight.out_features - column,
                           job.resume};
        if (single)
          compute_panels<1, row_panels>(tile, panels);
        else
          compute_rows<tile_rows>(tile, smaller(tile_rows, row_stop - row), panels);
      }
    }
  }
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
