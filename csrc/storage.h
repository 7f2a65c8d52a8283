// How weights lie in memory and come into registers as float32; see `Storage` in tile.h.
#pragma once

#include "quantised.h"
#include "simd.h"

namespace whorl::WHORL_SIMD_NAMESPACE {

struct Floats {
  using Value = float;
  static constexpr ptrdiff_t group = features_per_group(Format::fp32);
  template <int N>
  static Lanes part(const float* from) {
    return load(from);
  }
};

// bf16 is the upper half of a float32, so putting it there is all that it takes to have the float32 back.
struct Halves {
  using Value = uint16_t;
  static constexpr ptrdiff_t group = features_per_group(Format::bf16);

#if defined(__AVX512F__)
  template <int N>
  static Lanes part(const uint16_t* from) {
    const __m512i pairs = _mm512_loadu_si512(from);
    return {_mm512_castsi512_ps(N == 0 ? _mm512_slli_epi32(pairs, 16)
                                       : _mm512_and_si512(pairs, _mm512_set1_epi32(-0x10000)))};
  }
#elif defined(__AVX2__) && defined(__FMA__)
  template <int N>
  static __m256 half(const uint16_t* from) {
    const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm256_castsi256_ps(N == 0 ? _mm256_slli_epi32(pairs, 16)
                                      : _mm256_and_si256(pairs, _mm256_set1_epi32(-0x10000)));
  }
  template <int N>
  static Lanes part(const uint16_t* from) {
    return {half<N>(from), half<N>(from + panel_width)};
  }
#else
  template <int N>
  static Lanes part(const uint16_t* from) {
    Lanes result;
    for (ptrdiff_t i = 0; i < panel_width; ++i) {
      const uint32_t bits = static_cast<uint32_t>(from[i * group + N]) << 16U;
      memcpy(&result.v[i], &bits, sizeof bits);
    }
    return result;
  }
#endif
};

}  // namespace whorl::WHORL_SIMD_NAMESPACE
