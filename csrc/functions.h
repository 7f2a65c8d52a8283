// Functions of sixteen lanes, to about one unit in the last place. NaN comes out where NaN goes in.
#pragma once

#include "simd.h"

namespace whorl::WHORL_SIMD_NAMESPACE {

// e^x - 1 = scale * p + (scale - 1), with scale a power of two and |p| < 0.42; for |x| < 87.
struct Exponential {
  Lanes scale, p;
};

inline Exponential exponential(Lanes x) {
  // x = k ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
  const Lanes magic = broadcast(12582912.0F);
  const Lanes shifted = multiply_add(x, broadcast(1.44269504F), magic);
  const Lanes k = shifted - magic;
  // ln 2 in two parts, so that k times the first is exact.
  const Lanes r = multiply_add(k, broadcast(2.12194440e-4F), multiply_add(k, broadcast(-0.693359375F), x));
  // e^r - 1 = r + r^2 q(r); q is the minimax polynomial, relative error 1.4e-8.
  Lanes q = broadcast(1.39464729e-3F);
  q = multiply_add(q, r, broadcast(8.36659782e-3F));
  q = multiply_add(q, r, broadcast(4.16662805e-2F));
  q = multiply_add(q, r, broadcast(1.66665435e-1F));
  q = multiply_add(q, r, broadcast(0.5F));
  return {shift_into_exponent(shifted), multiply_add(r * r, q, r)};
}

inline Lanes within(Lanes x, float limit) { return maximum(broadcast(-limit), minimum(broadcast(limit), x)); }

// 1 / (1 + e^-x)
inline Lanes sigmoid(Lanes x) {
  const Lanes one = broadcast(1.0F);
  const Exponential e = exponential(within(zero_lanes() - x, 87.0F));
  return one / (one + multiply_add(e.scale, e.p, e.scale));
}

// (e^2x - 1) / (e^2x + 1), accurate near 0 too because e^2x - 1 is.
inline Lanes tanh(Lanes x) {
  const Exponential e = exponential(within(x + x, 20.0F));
  const Lanes excess = multiply_add(e.scale, e.p, e.scale - broadcast(1.0F));
  return excess / (excess + broadcast(2.0F));
}

inline Lanes relu(Lanes x) { return maximum(zero_lanes(), x); }

}  // namespace whorl::WHORL_SIMD_NAMESPACE
