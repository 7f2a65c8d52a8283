// Sixteen float lanes, for the instruction set that the including file is compiled for.
//
// Everything lives in a namespace of its own per instruction set: an inline function compiled for AVX-512 must never be
// the copy that the linker keeps for a machine without it. For the same reason no C++ library header comes in here.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#else
#include <math.h>
#include <string.h>
#endif

#if defined(__AVX512VNNI__)
#define WHORL_SIMD_NAMESPACE avx512vnni
#elif defined(__AVX512F__)
#define WHORL_SIMD_NAMESPACE avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define WHORL_SIMD_NAMESPACE avx2
#else
#define WHORL_SIMD_NAMESPACE portable
#endif

namespace whorl::WHORL_SIMD_NAMESPACE {

constexpr ptrdiff_t num_lanes = 16;

#if defined(__AVX2__) || defined(__AVX512F__)
inline float sum_of_eight(__m256 a) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
#endif

#if defined(__AVX512F__)

struct Lanes {
  __m512 v;
};

inline Lanes broadcast(float a) { return {_mm512_set1_ps(a)}; }
inline Lanes load(const float* from) { return {_mm512_loadu_ps(from)}; }
inline void store(float* to, Lanes a) { _mm512_storeu_ps(to, a.v); }
// Past the caches, to where a cache line begins. `settle` comes before other threads may read.
inline void store_past(float* to, Lanes a) { _mm512_stream_ps(to, a.v); }

inline __mmask16 first_mask(ptrdiff_t count) { return static_cast<__mmask16>((1U << count) - 1U); }
inline Lanes load_first(const float* from, ptrdiff_t count) { return {_mm512_maskz_loadu_ps(first_mask(count), from)}; }
inline void store_first(float* to, Lanes a, ptrdiff_t count) { _mm512_mask_storeu_ps(to, first_mask(count), a.v); }

inline Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Lanes operator/(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Lanes square_root(Lanes a) { return {_mm512_sqrt_ps(a.v)}; }

// a * b + c in every lane, rounded once.
inline Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }

// The smaller (larger) of each pair; b where one is NaN.
inline Lanes minimum(Lanes a, Lanes b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Lanes maximum(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }

// a where `test` is positive or NaN, 0 elsewhere.
inline Lanes where_positive(Lanes test, Lanes a) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(test.v, _mm512_setzero_ps(), _CMP_NLE_UQ), a.v)};
}

// The sum of all lanes: each of the first half plus its fellow in the second, and so on, on every machine.
inline float sum_of_lanes(Lanes a) {
  const __m256 eight =
      _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.v), 1)));
  return sum_of_eight(eight);
}
inline float first_lane(Lanes a) { return _mm512_cvtss_f32(a.v); }

// The float whose bits are (bits(a) << 23) + bits(1).
inline Lanes shift_into_exponent(Lanes a) {
  const __m512i shifted = _mm512_slli_epi32(_mm512_castps_si512(a.v), 23);
  return {_mm512_castsi512_ps(_mm512_add_epi32(shifted, _mm512_set1_epi32(0x3f800000)))};
}

#elif defined(__AVX2__) && defined(__FMA__)

struct Lanes {
  __m256 low, high;
};

inline Lanes broadcast(float a) { return {_mm256_set1_ps(a), _mm256_set1_ps(a)}; }
inline Lanes load(const float* from) { return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
inline void store(float* to, Lanes a) {
  _mm256_storeu_ps(to, a.low);
  _mm256_storeu_ps(to + 8, a.high);
}
inline void store_past(float* to, Lanes a) {
  _mm256_stream_ps(to, a.low);
  _mm256_stream_ps(to + 8, a.high);
}

inline __m256i first_mask(ptrdiff_t count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
}
inline Lanes load_first(const float* from, ptrdiff_t count) {
  return {_mm256_maskload_ps(from, first_mask(count)),
          count > 8 ? _mm256_maskload_ps(from + 8, first_mask(count - 8)) : _mm256_setzero_ps()};
}
inline void store_first(float* to, Lanes a, ptrdiff_t count) {
  _mm256_maskstore_ps(to, first_mask(count), a.low);
  if (count > 8) _mm256_maskstore_ps(to + 8, first_mask(count - 8), a.high);
}

inline Lanes operator+(Lanes a, Lanes b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
inline Lanes operator/(Lanes a, Lanes b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
inline Lanes square_root(Lanes a) { return {_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)}; }

inline Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}

inline Lanes minimum(Lanes a, Lanes b) { return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)}; }
inline Lanes maximum(Lanes a, Lanes b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }

inline Lanes where_positive(Lanes test, Lanes a) {
  const __m256 zero = _mm256_setzero_ps();
  return {_mm256_and_ps(_mm256_cmp_ps(test.low, zero, _CMP_NLE_UQ), a.low),
          _mm256_and_ps(_mm256_cmp_ps(test.high, zero, _CMP_NLE_UQ), a.high)};
}

inline float sum_of_lanes(Lanes a) { return sum_of_eight(_mm256_add_ps(a.low, a.high)); }
inline float first_lane(Lanes a) { return _mm256_cvtss_f32(a.low); }

inline __m256 shift_into_exponent(__m256 a) {
  const __m256i shifted = _mm256_slli_epi32(_mm256_castps_si256(a), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(shifted, _mm256_set1_epi32(0x3f800000)));
}
inline Lanes shift_into_exponent(Lanes a) { return {shift_into_exponent(a.low), shift_into_exponent(a.high)}; }

#else

struct Lanes {
  float v[16];
};

// Every operation below is this loop; compilers turn it into vector instructions where the machine has them.
#define WHORL_EACH_LANE(result)                   \
  Lanes r;                                        \
  for (int i = 0; i < 16; ++i) r.v[i] = (result); \
  return r

inline Lanes broadcast(float a) { WHORL_EACH_LANE(a); }
inline Lanes load_first(const float* from, ptrdiff_t count) { WHORL_EACH_LANE(i < count ? from[i] : 0.0F); }
inline void store_first(float* to, const Lanes& a, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) to[i] = a.v[i];
}
inline Lanes load(const float* from) { WHORL_EACH_LANE(from[i]); }
inline void store(float* to, const Lanes& a) { store_first(to, a, 16); }
inline void store_past(float* to, const Lanes& a) { store(to, a); }

inline Lanes operator+(const Lanes& a, const Lanes& b) { WHORL_EACH_LANE(a.v[i] + b.v[i]); }
inline Lanes operator-(const Lanes& a, const Lanes& b) { WHORL_EACH_LANE(a.v[i] - b.v[i]); }
inline Lanes operator*(const Lanes& a, const Lanes& b) { WHORL_EACH_LANE(a.v[i] * b.v[i]); }
inline Lanes operator/(const Lanes& a, const Lanes& b) { WHORL_EACH_LANE(a.v[i] / b.v[i]); }
inline Lanes square_root(const Lanes& a) { WHORL_EACH_LANE(sqrtf(a.v[i])); }

// fmaf rounds once on every machine, in hardware or not; a * b + c would round twice and break the promise of equal
// bits.
inline Lanes multiply_add(const Lanes& a, const Lanes& b, const Lanes& c) {
  WHORL_EACH_LANE(fmaf(a.v[i], b.v[i], c.v[i]));
}

inline Lanes minimum(const Lanes& a, const Lanes& b) { WHORL_EACH_LANE(a.v[i] < b.v[i] ? a.v[i] : b.v[i]); }
inline Lanes maximum(const Lanes& a, const Lanes& b) { WHORL_EACH_LANE(a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }

inline Lanes where_positive(const Lanes& test, const Lanes& a) { WHORL_EACH_LANE(test.v[i] <= 0.0F ? 0.0F : a.v[i]); }

inline float sum_of_lanes(Lanes a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] += a.v[i + half];
  }
  return a.v[0];
}
inline float first_lane(const Lanes& a) { return a.v[0]; }

inline float shift_into_exponent(float a) {
  uint32_t bits;
  memcpy(&bits, &a, sizeof bits);
  bits = (bits << 23U) + 0x3f800000U;
  memcpy(&a, &bits, sizeof bits);
  return a;
}
inline Lanes shift_into_exponent(const Lanes& a) { WHORL_EACH_LANE(shift_into_exponent(a.v[i])); }

#undef WHORL_EACH_LANE

#endif

// What `store_past` wrote is seen by other threads no later than what this thread writes from here on.
inline void settle() {
#if defined(__AVX2__) || defined(__AVX512F__)
  _mm_sfence();
#endif
}

inline Lanes zero_lanes() { return broadcast(0.0F); }

inline ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

// The first sixteen of `count` numbers, or as many as there are.
inline Lanes load_up_to(ptrdiff_t count, const float* from) {
  return count >= num_lanes ? load(from) : load_first(from, count);
}
inline void store_up_to(ptrdiff_t count, float* to, Lanes a) {
  if (count >= num_lanes)
    store(to, a);
  else
    store_first(to, a, count);
}

// How a loop over numbers sees sixteen of them, or the rest that is left at the end; absent lanes read as 0.
struct AllLanes {
  Lanes load(const float* from) const { return WHORL_SIMD_NAMESPACE::load(from); }
  void store(float* to, Lanes a) const { WHORL_SIMD_NAMESPACE::store(to, a); }
  void store_past(float* to, Lanes a) const { WHORL_SIMD_NAMESPACE::store_past(to, a); }
  Lanes only(Lanes a) const { return a; }  // 0 in absent lanes
};
struct FirstLanes {
  ptrdiff_t count;
  Lanes load(const float* from) const { return load_first(from, count); }
  void store(float* to, Lanes a) const { store_first(to, a, count); }
  void store_past(float* to, Lanes a) const { store(to, a); }
  Lanes only(Lanes a) const {
    float present[num_lanes] = {};
    store(present, a);
    return WHORL_SIMD_NAMESPACE::load(present);
  }
};

// Calls body(start, lanes) for every sixteen of `size` numbers; `lanes` loads and stores those that exist.
template <class Body>
inline void for_lanes(ptrdiff_t size, const Body& body) {
  ptrdiff_t start = 0;
  for (; start + num_lanes <= size; start += num_lanes) body(start, AllLanes{});
  if (start < size) body(start, FirstLanes{size - start});
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
