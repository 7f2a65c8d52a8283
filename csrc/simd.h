// Sixteen float lanes, for the instruction set that the including file is compiled for.
//
// Everything lives in a namespace of its own per instruction set: an inline function compiled for AVX-512 must never be
// the copy that the linker keeps for a machine without it. For the same reason no C++ library header comes in here.
#pragma once

#include <stddef.h>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#else
#include <math.h>
#endif

#if defined(__AVX512F__)
#define WHORL_SIMD_NAMESPACE avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define WHORL_SIMD_NAMESPACE avx2
#else
#define WHORL_SIMD_NAMESPACE portable
#endif

namespace whorl::WHORL_SIMD_NAMESPACE {

#if defined(__AVX512F__)

struct Lanes {
  __m512 v;
};

inline Lanes zero_lanes() { return {_mm512_setzero_ps()}; }
inline Lanes load(const float* from) { return {_mm512_loadu_ps(from)}; }
inline void store(float* to, Lanes a) { _mm512_storeu_ps(to, a.v); }

inline Lanes load_first(const float* from, ptrdiff_t count) {
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), from)};
}
inline void store_first(float* to, Lanes a, ptrdiff_t count) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1U), a.v);
}

// c + a * b in every lane, rounded once.
inline Lanes multiply_add(float a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(_mm512_set1_ps(a), b.v, c.v)}; }

#elif defined(__AVX2__) && defined(__FMA__)

struct Lanes {
  __m256 low, high;
};

inline Lanes zero_lanes() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline Lanes load(const float* from) { return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
inline void store(float* to, Lanes a) {
  _mm256_storeu_ps(to, a.low);
  _mm256_storeu_ps(to + 8, a.high);
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

inline Lanes multiply_add(float a, Lanes b, Lanes c) {
  const __m256 all = _mm256_set1_ps(a);
  return {_mm256_fmadd_ps(all, b.low, c.low), _mm256_fmadd_ps(all, b.high, c.high)};
}

#else

struct Lanes {
  float v[16];
};

inline Lanes zero_lanes() { return {}; }
inline Lanes load_first(const float* from, ptrdiff_t count) {
  Lanes a = {};
  for (ptrdiff_t i = 0; i < count; ++i) a.v[i] = from[i];
  return a;
}
inline void store_first(float* to, const Lanes& a, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) to[i] = a.v[i];
}
inline Lanes load(const float* from) { return load_first(from, 16); }
inline void store(float* to, const Lanes& a) { store_first(to, a, 16); }

// fmaf rounds once on every machine, in hardware or not; a * b + c would round twice and break the promise of equal
// bits.
inline Lanes multiply_add(float a, const Lanes& b, const Lanes& c) {
  Lanes sum;
  for (int i = 0; i < 16; ++i) sum.v[i] = fmaf(a, b.v[i], c.v[i]);
  return sum;
}

#endif

}  // namespace whorl::WHORL_SIMD_NAMESPACE
