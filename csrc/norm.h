// Layer norm of one row, forward and backward. Sums are taken lane by lane and then over the lanes, so that a row's
// bits depend on that row alone.
#pragma once

#include "simd.h"

namespace whorl::WHORL_SIMD_NAMESPACE {

// y = gain * normed + bias of normed = (x - mean) * scale, with scale = 1 / sqrt(variance + eps), which is returned.
// `bias` may be null, and so may `normed`, where that is kept. y may be x.
inline float normalise(const float* x, ptrdiff_t size, float eps, const float* gain, const float* bias, float* normed,
                       float* y) {
  Lanes total = zero_lanes();
  for_lanes(size, [&](ptrdiff_t i, auto lanes) { total = total + lanes.load(x + i); });
  const float count = static_cast<float>(size);
  const Lanes mean = broadcast(sum_of_lanes(total) / count);
  Lanes squares = zero_lanes();
  for_lanes(size, [&](ptrdiff_t i, auto lanes) {
    const Lanes centred = lanes.only(lanes.load(x + i) - mean);  // absent lanes stay 0
    squares = multiply_add(centred, centred, squares);
  });
  const Lanes variance = broadcast(sum_of_lanes(squares) / count + eps);
  const Lanes scale = broadcast(1.0F) / square_root(variance);
  for_lanes(size, [&](ptrdiff_t i, auto lanes) {
    const Lanes value = (lanes.load(x + i) - mean) * scale;
    if (normed != nullptr) lanes.store(normed + i, value);
    const Lanes start = bias != nullptr ? lanes.load(bias + i) : zero_lanes();
    lanes.store(y + i, multiply_add(lanes.load(gain + i), value, start));
  });
  return first_lane(scale);
}

// The gradient of what was normalised, from d_y of y = gain * normed + bias. May work in place. What gain and bias
// learn is added to `d_gain` and `d_bias`.
inline void normalise_back(const float* d_y, const float* gain, const float* normed, float scale, ptrdiff_t size,
                           float* d_x, float* d_gain, float* d_bias) {
  Lanes total = zero_lanes(), along = zero_lanes();
  for_lanes(size, [&](ptrdiff_t i, auto lanes) {
    const Lanes d = lanes.load(d_y + i), x = lanes.load(normed + i);
    lanes.store(d_gain + i, multiply_add(d, x, lanes.load(d_gain + i)));
    lanes.store(d_bias + i, d + lanes.load(d_bias + i));
    const Lanes d_normed = d * lanes.load(gain + i);
    total = total + d_normed;
    along = multiply_add(d_normed, x, along);
  });
  const float count = static_cast<float>(size);
  const Lanes mean = broadcast(sum_of_lanes(total) / count), slope = broadcast(sum_of_lanes(along) / count);
  for_lanes(size, [&](ptrdiff_t i, auto lanes) {
    const Lanes d_normed = lanes.load(d_y + i) * lanes.load(gain + i);
    lanes.store(d_x + i, (d_normed - mean - lanes.load(normed + i) * slope) * broadcast(scale));
  });
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
