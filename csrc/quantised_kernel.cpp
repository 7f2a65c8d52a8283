// The inner loops of the affine product with weights of eight bits; see quantised.h. CMake compiles this file once per
// instruction set.
//
// A row of x becomes whole numbers q in [-127, 127] and one scale, max|x| / 127. Sums of q * q are exact, so they may
// be split and ordered freely; what is rounded (the scale, q, and one multiply-add per output element) is the same
// everywhere. So the bits of a row depend on that row, the weight and the bias alone, here too.
#include "quantised.h"
#include "recycled.h"
#include "simd.h"

namespace whorl::WHORL_SIMD_NAMESPACE {
namespace {

// Four input features of one panel, and what is made of them. `group` bytes of a row meet `panel_width * group` of a
// panel.
constexpr ptrdiff_t group = features_per_group(Format::int8);

// Below this the factor 127 / max|x| would overflow; such a row counts as zero.
constexpr float smallest_row = 1e-36F;

#if defined(__AVX512VNNI__)

constexpr int tile_rows = 6, tile_panels = 4;

// vpdpbusd multiplies unsigned by signed bytes: features are kept as q + 128, and sums start from -128 * (the sum of
// the weights).
constexpr uint8_t zero_point = 128;

// Sixteen int32: with __m512i, which is eight int64 to GCC 12, it copies every accumulator at every step.
struct Sums {
  int32_t v __attribute__((vector_size(64)));
};
using Weights = __m512i;
using Features = __m512i;

inline Sums first_sums(const int32_t* weight_sums) {
  const __m512i offset = _mm512_mullo_epi32(_mm512_loadu_si512(weight_sums), _mm512_set1_epi32(-zero_point));
  return {reinterpret_cast<decltype(Sums::v)>(offset)};
}
inline Weights load_weights(const int8_t* from) { return _mm512_loadu_si512(from); }
inline Features broadcast_features(const uint8_t* from) {
  int32_t four;
  __builtin_memcpy(&four, from, sizeof four);
  return _mm512_set1_epi32(four);
}
inline Sums add_products(Features x, Weights w, Sums sums) {
  return {reinterpret_cast<decltype(Sums::v)>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sums.v), x, w))};
}
inline Lanes to_floats(Sums sums) { return {_mm512_cvtepi32_ps(reinterpret_cast<__m512i>(sums.v))}; }

// The bits of max|x|: those of non-negative floats are ordered as the floats are, with infinity and then NaN above.
inline uint32_t largest_magnitude(const float* x, ptrdiff_t size) {
  __m512i largest = _mm512_setzero_si512();
  for_lanes(size, [&](ptrdiff_t i, auto lanes) {
    const __m512i bits = _mm512_castps_si512(lanes.load(x + i).v);
    largest = _mm512_max_epu32(largest, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
  });
  return _mm512_reduce_max_epu32(largest);
}

inline void store_rounded(Lanes scaled, uint8_t* to) {
  const __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(scaled.v), _mm512_set1_epi32(zero_point));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(q));
}

#elif defined(__AVX2__)

constexpr int tile_rows = 4, tile_panels = 1;
constexpr uint8_t zero_point = 0;

struct Sums {
  __m256i low, high;
};
struct Weights {
  __m256i low, high;
};
using Features = __m256i;

inline Sums first_sums(const int32_t*) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline Weights load_weights(const int8_t* from) {
  const auto* halves = reinterpret_cast<const __m256i*>(from);
  return {_mm256_loadu_si256(halves), _mm256_loadu_si256(halves + 1)};
}
inline Features broadcast_features(const uint8_t* from) {
  int32_t four;
  __builtin_memcpy(&four, from, sizeof four);
  return _mm256_set1_epi32(four);
}
// vpmaddubsw multiplies unsigned by signed bytes and adds two products in 16 bits, where they saturate: not here, since
// |w| times the feature with the sign of w is at most 127 * 127, twice that 32258.
inline __m256i add_products(__m256i x, __m256i w, __m256i sums) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
inline Sums add_products(Features x, Weights w, Sums sums) {
  return {add_products(x, w.low, sums.low), add_products(x, w.high, sums.high)};
}
inline Lanes to_floats(Sums sums) { return {_mm256_cvtepi32_ps(sums.low), _mm256_cvtepi32_ps(sums.high)}; }

inline uint32_t largest_magnitude(const float* x, ptrdiff_t size) {
  __m256i largest = _mm256_setzero_si256();
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  for_lanes(size, [&](ptrdiff_t i, auto lanes) {
    const Lanes v = lanes.load(x + i);
    largest = _mm256_max_epu32(largest, _mm256_and_si256(_mm256_castps_si256(v.low), magnitude));
    largest = _mm256_max_epu32(largest, _mm256_and_si256(_mm256_castps_si256(v.high), magnitude));
  });
  uint32_t each[8];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(each), largest);
  uint32_t all = 0;
  for (const uint32_t bits : each) all = bits > all ? bits : all;
  return all;
}

inline void store_rounded(Lanes scaled, uint8_t* to) {
  const __m256i pairs = _mm256_packs_epi32(_mm256_cvtps_epi32(scaled.low), _mm256_cvtps_epi32(scaled.high));
  const __m256i words = _mm256_permute4x64_epi64(pairs, 0xd8);  // packs interleaves the halves of 128 bits
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
}

#else

constexpr int tile_rows = 2, tile_panels = 1;
constexpr uint8_t zero_point = 0;

struct Sums {
  int32_t v[16];
};
using Weights = const int8_t*;
struct Features {
  int8_t v[group];
};

inline Sums first_sums(const int32_t*) { return {}; }
inline Weights load_weights(const int8_t* from) { return from; }
inline Features broadcast_features(const uint8_t* from) {
  Features four;
  memcpy(four.v, from, sizeof four.v);
  return four;
}
inline Sums add_products(Features x, Weights w, Sums sums) {
  for (ptrdiff_t i = 0; i < panel_width; ++i) {
    for (ptrdiff_t k = 0; k < group; ++k) sums.v[i] += x.v[k] * w[i * group + k];
  }
  return sums;
}
inline Lanes to_floats(const Sums& sums) {
  Lanes result;
  for (ptrdiff_t i = 0; i < panel_width; ++i) result.v[i] = static_cast<float>(sums.v[i]);
  return result;
}

inline uint32_t largest_magnitude(const float* x, ptrdiff_t size) {
  uint32_t largest = 0;
  for (ptrdiff_t i = 0; i < size; ++i) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    bits &= 0x7fffffffU;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

inline void store_rounded(const Lanes& scaled, uint8_t* to) {
  for (ptrdiff_t i = 0; i < num_lanes; ++i) {
    // Adding 1.5 * 2^23 rounds to the nearest whole number, to even at ties, as the vector instructions do.
    const float q = (scaled.v[i] + 12582912.0F) - 12582912.0F;
    to[i] = static_cast<uint8_t>(static_cast<int8_t>(q));
  }
}

#endif

// Writes q (+ zero_point) of a row, and whatever up to the next multiple of `num_lanes`, where weights are zero.
// Returns the scale: NaN if the row holds one or an infinity.
float quantise(const float* x, ptrdiff_t size, uint8_t* to) {
  const uint32_t bits = largest_magnitude(x, size);
  float largest;
  __builtin_memcpy(&largest, &bits, sizeof largest);
  const bool finite = bits < 0x7f800000U;
  if (!finite || largest < smallest_row) {
    __builtin_memset(to, zero_point, static_cast<size_t>(round_up(size, num_lanes)));
    return finite ? 0.0F : __builtin_nanf("");
  }
  const Lanes factor = broadcast(127.0F / largest);
  for_lanes(size, [&](ptrdiff_t i, auto lanes) { store_rounded(lanes.load(x + i) * factor, to + i); });
  return largest / 127.0F;
}

struct Tile {
  const uint8_t* x;       // first row
  const float* x_scales;  // of the rows
  const int8_t* packed;   // first panel
  const float* scales;    // of the first panel's columns
  const int32_t* sums;
  const float* bias;  // of the first panel's first column; null: start from 0
  float* out;
  ptrdiff_t num_groups;
  ptrdiff_t x_stride, panel_stride, out_stride;
  ptrdiff_t columns;  // out_features left from the first panel's first column on
  bool resume;        // add to what stands in `out`
};

template <int Rows, int Panels>
void compute_tile(const Tile& t) {
  Sums sum[Rows][Panels];
#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) {
    const Sums first = first_sums(t.sums + p * panel_width);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) sum[r][p] = first;
  }

  const uint8_t* x = t.x;
  const int8_t* packed = t.packed;
  const ptrdiff_t x_stride = t.x_stride, panel_stride = t.panel_stride;
  for (ptrdiff_t k = 0; k < t.num_groups; ++k) {
    Weights weight[Panels];
#pragma GCC unroll 8
    for (int p = 0; p < Panels; ++p) weight[p] = load_weights(packed + p * panel_stride);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Features features = broadcast_features(x + r * x_stride);
#pragma GCC unroll 8
      for (int p = 0; p < Panels; ++p) sum[r][p] = add_products(features, weight[p], sum[r][p]);
    }
    x += group;
    packed += panel_width * group;
  }

#pragma GCC unroll 8
  for (int p = 0; p < Panels; ++p) {
    const ptrdiff_t left = t.columns - p * panel_width;
    const Lanes scale = load(t.scales + p * panel_width);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      float* to = t.out + r * t.out_stride;
      const float* start = t.resume ? to : t.bias;
      const Lanes from = start != nullptr ? load_up_to(left, start + p * panel_width) : zero_lanes();
      const Lanes result = multiply_add(to_floats(sum[r][p]), broadcast(t.x_scales[r]) * scale, from);
      store_up_to(left, to + p * panel_width, result);
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

// Rows that are quantised at once: as many as stay in L2 while the panels pass by.
constexpr ptrdiff_t row_block = 240, scratch_bytes = 1 << 17;

}  // namespace

void affine_int8(const AffineJob& job) {
  const Matrix& weight = *job.weight;
  const auto* packed = static_cast<const int8_t*>(weight.values);
  const ptrdiff_t num_groups = round_up(weight.in_features, group) / group;
  const ptrdiff_t panel_stride = num_groups * group * panel_width;
  const ptrdiff_t x_stride = round_up(weight.in_features, num_lanes);
  const ptrdiff_t rows_in_job = job.row_end - job.row_begin;
  if (rows_in_job <= 0) return;

  ptrdiff_t block = smaller(row_block, scratch_bytes / (x_stride + 1) / tile_rows * tile_rows);
  if (block < tile_rows) block = tile_rows;
  const ptrdiff_t num_blocks = (rows_in_job + block - 1) / block;
  block = (rows_in_job + num_blocks - 1) / num_blocks;  // even blocks, and below even tiles, waste no registers
  const ptrdiff_t scales_bytes = round_up(block * static_cast<ptrdiff_t>(sizeof(float)), line_bytes);
  uint8_t* scratch = thread_scratch(Use::int8, static_cast<size_t>(scales_bytes + block * x_stride));
  auto* x_scales = reinterpret_cast<float*>(scratch);
  uint8_t* x = scratch + scales_bytes;

  for (ptrdiff_t row_start = job.row_begin; row_start < job.row_end; row_start += block) {
    const ptrdiff_t count = smaller(block, job.row_end - row_start);
    for (ptrdiff_t n = 0; n < count; ++n) {
      x_scales[n] = quantise(job.x + (row_start + n) * job.x_stride, weight.in_features, x + n * x_stride);
    }
    for (ptrdiff_t panel = job.panel_begin; panel < job.panel_end; panel += tile_panels) {
      const ptrdiff_t panels = smaller(tile_panels, job.panel_end - panel);
      const ptrdiff_t column = panel * panel_width;
      ptrdiff_t height = 0;
      for (ptrdiff_t n = 0; n < count; n += height) {
        const ptrdiff_t tiles = (count - n + tile_rows - 1) / tile_rows;
        height = (count - n + tiles - 1) / tiles;
        const Tile tile = {x + n * x_stride,
                           x_scales + n,
                           packed + panel * panel_stride,
                           weight.scales + column,
                           weight.sums + column,
                           job.bias != nullptr ? job.bias + column : nullptr,
                           job.out + (row_start + n) * job.out_stride + column,
                           num_groups,
                           x_stride,
                           panel_stride,
                           job.out_stride,
                           weight.out_features - column,
                           job.resume};
        compute_rows<tile_rows>(tile, height, panels);
      }
    }
  }
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
