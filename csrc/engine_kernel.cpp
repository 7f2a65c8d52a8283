// Loops over strided values. CMake compiles this file once per instruction set.
//
// The innermost loop is the only one that is fast: it works on whole lanes where its operands stand side by side or
// stay in place, and otherwise on short runs that are copied together first.
#include <math.h>

#include "cells.h"
#include "engine_kernels.h"
#include "functions.h"
#include "norm.h"

namespace whorl::WHORL_SIMD_NAMESPACE {
namespace {

constexpr ptrdiff_t run_length = 64;

// Calls body(size, strides, p...) for every innermost loop.
template <class Body>
void nest(const Loops& loops, int depth, float* to, const float* a, const float* b, const Body& body) {
  if (depth + 1 >= loops.depth) {
    static constexpr ptrdiff_t alone[3] = {1, 1, 1};
    if (loops.depth == 0) return body(ptrdiff_t{1}, alone, to, a, b);
    const ptrdiff_t strides[3] = {loops.strides[0][depth], loops.strides[1][depth], loops.strides[2][depth]};
    return body(loops.sizes[depth], strides, to, a, b);
  }
  for (ptrdiff_t i = 0; i < loops.sizes[depth]; ++i) {
    nest(loops, depth + 1, to, a, b, body);
    to += loops.strides[0][depth];
    a += loops.strides[1][depth];
    b += loops.strides[2][depth];
  }
}

// Elements `stride` apart, side by side: themselves if they are, else copied to `space`.
const float* together(const float* from, ptrdiff_t stride, ptrdiff_t count, float* space) {
  if (stride == 1) return from;
  for (ptrdiff_t i = 0; i < count; ++i) space[i] = from[i * stride];
  return space;
}

void apart(const float* from, ptrdiff_t stride, ptrdiff_t count, float* to) {
  for (ptrdiff_t i = 0; i < count; ++i) to[i * stride] = from[i];
}

void copy_run(ptrdiff_t size, const ptrdiff_t* strides, float* to, const float* from) {
  if (strides[0] == 1 && strides[1] == 1) {
    for_lanes(size, [&](ptrdiff_t i, auto lanes) { lanes.store(to + i, lanes.load(from + i)); });
  } else if (strides[0] == 1 && strides[1] == 0) {
    const Lanes all = broadcast(*from);
    for_lanes(size, [&](ptrdiff_t i, auto lanes) { lanes.store(to + i, all); });
  } else {
    for (ptrdiff_t i = 0; i < size; ++i) to[i * strides[0]] = from[i * strides[1]];
  }
}

// `function` maps lanes to lanes.
template <class Function>
void map(const Loops& loops, float* target, const float* source, const Function& function) {
  nest(loops, 0, target, source, source,
       [&](ptrdiff_t size, const ptrdiff_t* strides, float* to, const float* from, const float*) {
         for (ptrdiff_t start = 0; start < size; start += run_length) {
           const ptrdiff_t count = smaller(run_length, size - start);
           float before[run_length], after[run_length];
           const float* x = together(from + start * strides[1], strides[1], count, before);
           float* y = strides[0] == 1 ? to + start : after;
           for_lanes(count, [&](ptrdiff_t i, auto lanes) { lanes.store(y + i, function(lanes.load(x + i))); });
           if (y == after) apart(after, strides[0], count, to + start * strides[0]);
         }
       });
}

// The same for a function of a single float.
template <class Function>
void map_each(const Loops& loops, float* target, const float* source, const Function& function) {
  nest(loops, 0, target, source, source,
       [&](ptrdiff_t size, const ptrdiff_t* strides, float* to, const float* from, const float*) {
         for (ptrdiff_t i = 0; i < size; ++i) to[i * strides[0]] = function(from[i * strides[1]]);
       });
}

template <class Function>
void map_pairs(const Loops& loops, float* target, const float* first, const float* second, const Function& function) {
  nest(loops, 0, target, first, second,
       [&](ptrdiff_t size, const ptrdiff_t* strides, float* to, const float* a, const float* b) {
         if (strides[0] == 1 && strides[1] == 1 && strides[2] == 0) {
           const Lanes all = broadcast(*b);
           for_lanes(size, [&](ptrdiff_t i, auto lanes) { lanes.store(to + i, function(lanes.load(a + i), all)); });
           return;
         }
         for (ptrdiff_t start = 0; start < size; start += run_length) {
           const ptrdiff_t count = smaller(run_length, size - start);
           float before_a[run_length], before_b[run_length], after[run_length];
           const float* x = together(a + start * strides[1], strides[1], count, before_a);
           const float* y = together(b + start * strides[2], strides[2], count, before_b);
           float* z = strides[0] == 1 ? to + start : after;
           for_lanes(count, [&](ptrdiff_t i, auto lanes) {
             lanes.store(z + i, function(lanes.load(x + i), lanes.load(y + i)));
           });
           if (z == after) apart(after, strides[0], count, to + start * strides[0]);
         }
       });
}

// NaN where either is NaN.
float larger(float a, float b) { return a > b || a != a ? a : b; }

template <Reduction function>
void reduce_run(ptrdiff_t count, const ptrdiff_t* strides, ptrdiff_t size, ptrdiff_t stride, float* to,
                const float* from) {
  constexpr ptrdiff_t abreast = 8;  // chains of additions side by side
  for (ptrdiff_t start = 0; start < count; start += abreast) {
    const ptrdiff_t width = smaller(abreast, count - start);
    double total[abreast];
    for (ptrdiff_t i = 0; i < width; ++i) total[i] = static_cast<double>(from[i * strides[1]]);
    for (ptrdiff_t k = 1; k < size; ++k) {
      const float* next = from + k * stride;
      for (ptrdiff_t i = 0; i < width; ++i) {
        const auto x = static_cast<double>(next[i * strides[1]]);
        if (function == Reduction::mean)
          total[i] += x;
        else
          total[i] = x > total[i] || x != x ? x : total[i];
      }
    }
    for (ptrdiff_t i = 0; i < width; ++i) {
      const double result = function == Reduction::mean ? total[i] / static_cast<double>(size) : total[i];
      to[i * strides[0]] = static_cast<float>(result);
    }
    to += abreast * strides[0];
    from += abreast * strides[1];
  }
}

template <class C>
void step_row(const CellStep& job, float* out, const float* gates, const float* u_row, const float* state) {
  const ptrdiff_t hidden = job.hidden;
  const bool norm_c = C::type.has_c && job.norm_c_gain != nullptr;
  const auto finish = [&](ptrdiff_t i, auto lanes, const Lanes* a, Lanes shown) {
    lanes.store(out + i, C::output(a, lanes.load(state + i), shown));
  };
  for_lanes(hidden, [&](ptrdiff_t i, auto lanes) {
    Lanes a[C::type.gates], u[C::type.gates];
#pragma GCC unroll 4
    for (int g = 0; g < C::type.gates; ++g) {
      a[g] = lanes.load(gates + g * hidden + i);
      u[g] = lanes.load(u_row + g * hidden + i);
    }
    const Lanes fresh = C::update(a, u, C::type.has_c ? lanes.load(state + hidden + i) : zero_lanes());
    if (C::type.has_c) lanes.store(out + hidden + i, fresh);
    if (norm_c)
      lanes.store(out + i, a[C::type.gates - 1]);  // rests here until the whole of c is known
    else
      finish(i, lanes, a, fresh);
  });
  if (!norm_c) return;
  normalise(out + hidden, hidden, norm_eps, job.norm_c_gain, job.norm_c_bias, nullptr, job.scratch);
  for_lanes(hidden, [&](ptrdiff_t i, auto lanes) {
    Lanes a[C::type.gates] = {};
    a[C::type.gates - 1] = lanes.load(out + i);
    finish(i, lanes, a, lanes.load(job.scratch + i));
  });
}

void copy(const Loops& loops, float* to, const float* from) {
  nest(loops, 0, to, from, from, [](ptrdiff_t size, const ptrdiff_t* strides, float* t, const float* f, const float*) {
    copy_run(size, strides, t, f);
  });
}

void activate(Activation function, const Loops& loops, float* to, const float* from) {
  switch (function) {
    case Activation::tanh:
      return map(loops, to, from, [](Lanes x) { return tanh(x); });
    case Activation::relu:
      return map(loops, to, from, [](Lanes x) { return relu(x); });
    case Activation::sigmoid:
      return map(loops, to, from, [](Lanes x) { return sigmoid(x); });
    case Activation::softplus:
      return map_each(loops, to, from, [](float x) { return larger(x, 0.0F) + log1pf(expf(-fabsf(x))); });
    case Activation::exp:
      return map_each(loops, to, from, [](float x) { return expf(x); });
    case Activation::sqrt:
      return map(loops, to, from, [](Lanes x) { return square_root(x); });
    case Activation::square:
      return map(loops, to, from, [](Lanes x) { return x * x; });
  }
}

void combine(Combination function, const Loops& loops, float* to, const float* a, const float* b) {
  switch (function) {
    case Combination::add:
      return map_pairs(loops, to, a, b, [](Lanes x, Lanes y) { return x + y; });
    case Combination::subtract:
      return map_pairs(loops, to, a, b, [](Lanes x, Lanes y) { return x - y; });
    case Combination::multiply:
      return map_pairs(loops, to, a, b, [](Lanes x, Lanes y) { return x * y; });
    case Combination::divide:
      return map_pairs(loops, to, a, b, [](Lanes x, Lanes y) { return x / y; });
    case Combination::maximum:
      nest(loops, 0, to, a, b, [](ptrdiff_t size, const ptrdiff_t* strides, float* z, const float* x, const float* y) {
        for (ptrdiff_t i = 0; i < size; ++i) z[i * strides[0]] = larger(x[i * strides[1]], y[i * strides[2]]);
      });
  }
}

void reduce(Reduction function, const Loops& loops, ptrdiff_t size, ptrdiff_t stride, float* to, const float* from) {
  nest(loops, 0, to, from, from,
       [&](ptrdiff_t count, const ptrdiff_t* strides, float* t, const float* f, const float*) {
         const auto run = function == Reduction::mean ? reduce_run<Reduction::mean> : reduce_run<Reduction::max>;
         run(count, strides, size, stride, t, f);
       });
}

void normalise_rows(const Normalisation& job) {
  for (ptrdiff_t row = 0; row < job.num_rows; ++row) {
    float* out = job.out + row * job.out_stride;
    normalise(job.x + row * job.x_stride, job.size, job.eps, job.gain, job.bias, nullptr, out);
  }
}

void cell_step(const CellStep& job) {
  const ptrdiff_t gates = type_of(job.cell).gates * job.hidden;
  const ptrdiff_t state_size = job.hidden * (type_of(job.cell).has_c ? 2 : 1);
  if (job.norm_gain != nullptr) {
    for (ptrdiff_t row = 0; row < job.num_states; ++row) {
      float* u = job.u + row * gates;
      normalise(u, gates, norm_eps, job.norm_gain, job.norm_bias, nullptr, u);
    }
  }
  // The third operand walks over rows of the state: its address counts them.
  const float* const origin = job.state;
  with_cell(job.cell, [&](auto cell) {
    nest(job.rows, 0, job.out, job.gates, origin,
         [&](ptrdiff_t size, const ptrdiff_t* strides, float* out, const float* a, const float* at) {
           for (ptrdiff_t i = 0; i < size; ++i) {
             const ptrdiff_t row = at - origin + i * strides[2];
             step_row<decltype(cell)>(job, out + i * strides[0], a + i * strides[1], job.u + row * gates,
                                      job.state + row * state_size);
           }
         });
  });
}

// How many rows there are; what is no number is 0.
ptrdiff_t rows_within(float length, ptrdiff_t most) {
  if (!(length > 0.0F)) return 0;
  return length < static_cast<float>(most) ? static_cast<ptrdiff_t>(length) : most;
}

float fit(const float* query, const float* key, const float* vector, ptrdiff_t size) {
  Lanes sum = zero_lanes();
  for_lanes(size, [&](ptrdiff_t i, auto lanes) {
    const Lanes q = lanes.load(query + i), k = lanes.load(key + i);
    sum = vector == nullptr ? multiply_add(q, k, sum) : multiply_add(lanes.load(vector + i), tanh(q + k), sum);
  });
  return sum_of_lanes(sum);
}

void attend(const Attention& job) {
  for (ptrdiff_t t = 0; t < job.num_steps; ++t) {
    for (ptrdiff_t n = 0; n < job.num_sequences; ++n) {
      const auto at = [t, n](const AttendedRows& rows) { return rows.at + t * rows.step + n * rows.sequence; };
      const float *query = at(job.query), *keys = at(job.keys), *values = at(job.values);
      const ptrdiff_t count = rows_within(*at(job.length), job.num_rows);
      float* const weights = job.weights;
      float top = 0.0F;
      for (ptrdiff_t row = 0; row < count; ++row) {
        weights[row] = fit(query, keys + row * job.keys.row, job.vector, job.key_size);
        top = row == 0 ? weights[row] : larger(weights[row], top);
      }
      double total = 0.0;
      for (ptrdiff_t row = 0; row < count; ++row) {
        weights[row] = expf(weights[row] - top);
        total += static_cast<double>(weights[row]);
      }
      const auto share = static_cast<float>(1.0 / (count > 0 ? total : 1.0));
      float* const out = job.out + (t * job.num_sequences + n) * job.value_size;
      for_lanes(job.value_size, [&](ptrdiff_t i, auto lanes) {
        Lanes sum = zero_lanes();
        for (ptrdiff_t row = 0; row < count; ++row)
          sum = multiply_add(broadcast(weights[row]), lanes.load(values + row * job.values.row + i), sum);
        lanes.store(out + i, sum * broadcast(share));
      });
    }
  }
}

void scan_elements(const ElementScan& job) {
  const ptrdiff_t half = job.complex ? job.size / 2 : job.size;
  for (ptrdiff_t step = 0; step < job.num_steps; ++step) {
    const ptrdiff_t t = job.reverse ? job.num_steps - 1 - step : step;
    const float *a = job.a + t * job.a_step, *b = job.b + t * job.b_step;
    float *h = job.h, *out = job.out + t * job.out_step;
    for_lanes(half, [&](ptrdiff_t i, auto lanes) {
      const Lanes factor = lanes.load(a + i), before = lanes.load(h + i);
      Lanes now = multiply_add(factor, before, lanes.load(b + i));
      if (job.complex) {
        const Lanes turn = lanes.load(a + half + i), aside = lanes.load(h + half + i);
        now = multiply_add(zero_lanes() - turn, aside, now);
        const Lanes other = multiply_add(factor, aside, multiply_add(turn, before, lanes.load(b + half + i)));
        lanes.store(h + half + i, other);
        lanes.store(out + half + i, other);
      }
      lanes.store(h + i, now);
      lanes.store(out + i, now);
    });
  }
}

}  // namespace

extern const ValueKernels value_kernels;
const ValueKernels value_kernels = {copy, activate, combine, reduce, normalise_rows, cell_step, attend, scan_elements};

}  // namespace whorl::WHORL_SIMD_NAMESPACE
