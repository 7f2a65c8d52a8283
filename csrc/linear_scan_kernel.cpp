// The loop over time of recurrences that are linear in their state. CMake compiles this file once per instruction set.
#include "functions.h"
#include "linear_scan.h"

namespace whorl::WHORL_SIMD_NAMESPACE {
namespace {

Lanes to_power_of_e(Lanes x) {
  const Exponential e = exponential(within(x, 87.0F));
  return multiply_add(e.scale, e.p, e.scale);
}

// g(x) = x + 1/2 from 0 on, sigmoid(x) below; and its slope.
struct Candidate {
  explicit Candidate(Lanes x) : half(sigmoid(minimum(zero_lanes(), x))), value(relu(x) + half), x_(x) {}
  Lanes slope() const {
    const Lanes one = broadcast(1.0F);
    const Lanes below = where_positive(zero_lanes() - x_, one);
    return multiply_add(half, one - half, broadcast(0.75F) * (one - below));
  }
  Lanes half, value;

 private:
  Lanes x_;
};

// Steps ahead of which numbers are asked for. A processor foresees what follows in the same page of memory, which is a
// step or two.
constexpr ptrdiff_t ahead = 3;

// As for_lanes; `back` begins with the last numbers. A loop that goes from later steps to earlier ones takes the
// numbers of each step back, too: memory is then walked in one direction, which a processor foresees, and not up and
// down.
template <class Body>
void for_lanes_along(bool back, ptrdiff_t size, const Body& body) {
  if (!back) return for_lanes(size, body);
  ptrdiff_t start = size - size % num_lanes;
  if (start < size) body(start, FirstLanes{size - start});
  while (start > 0) body(start -= num_lanes, AllLanes{});
}

void ask_for(const float* from) { __builtin_prefetch(from, 0, 3); }
void ask_to_write(const float* to) { __builtin_prefetch(to, 1, 3); }

// Each cell has: gates; open(a), from gates as they come; next(h), the state after one whose state was h; and
// back(h, d_h, d_a), the gradients of the gates and, returned, of h.

struct MinGru {
  static constexpr int gates = 2;
  explicit MinGru(const Lanes* a) : z(sigmoid(a[0])), c(a[1]) {}
  Lanes next(Lanes h) const { return multiply_add(z, c.value - h, h); }
  Lanes back(Lanes h, Lanes d_h, Lanes* d_a) const {
    const Lanes one = broadcast(1.0F), written = d_h * z;
    d_a[0] = written * (one - z) * (c.value - h);
    d_a[1] = written * c.slope();
    return d_h - written;
  }
  Lanes z;
  Candidate c;
};

// The share that is kept, f / (f + i) of gates f = 1 / (1 + e^-f') and i = 1 / (1 + e^-i'), is
// (1 + e^-i') / (2 + e^-i' + e^-f'). Of gates that are both as good as shut it goes by their quotient, which stays as
// it is where both are raised alike, so that nothing overflows.
struct MinLstm {
  static constexpr int gates = 3;
  explicit MinLstm(const Lanes* a) : c(a[2]) {
    const Lanes one = broadcast(1.0F);
    const Lanes raised = minimum(zero_lanes(), maximum(a[0], a[1]) + broadcast(40.0F));
    const Lanes i = to_power_of_e(raised - a[0]), f = to_power_of_e(raised - a[1]);
    const Lanes share = one / ((one + i) + (one + f));
    kept = (one + i) * share;
    written = (one + f) * share;
    shut_i = i * share;
    shut_f = f * share;
  }
  Lanes next(Lanes h) const { return multiply_add(written, c.value - h, h); }
  Lanes back(Lanes h, Lanes d_h, Lanes* d_a) const {
    const Lanes moved = d_h * (h - c.value);
    d_a[0] = (zero_lanes() - moved) * written * shut_i;
    d_a[1] = moved * kept * shut_f;
    d_a[2] = d_h * written * c.slope();
    return d_h * kept;
  }
  Candidate c;
  Lanes kept, written, shut_i, shut_f;
};

template <class C, class At>
C opened(const float* gates, ptrdiff_t hidden, ptrdiff_t i, const At& lanes) {
  Lanes a[C::gates];
#pragma GCC unroll 3
  for (int g = 0; g < C::gates; ++g) a[g] = lanes.load(gates + g * hidden + i);
  return C(a);
}

// The number of the step that is read as the k-th.
ptrdiff_t step_at(const LinearScan& job, ptrdiff_t k, ptrdiff_t real) { return job.reverse ? real - 1 - k : k; }

void clear(float* from, ptrdiff_t count) {
  for_lanes(count, [&](ptrdiff_t i, auto lanes) { lanes.store(from + i, zero_lanes()); });
}

// Stores gradients of gates.
template <class At>
void write(const LinearBackward& job, const At& lanes, float* to, Lanes a) {
  if (job.passes_caches)
    lanes.store_past(to, a);
  else
    lanes.store(to, a);
}

void write_zeros(const LinearBackward& job, float* to, ptrdiff_t count) {
  for_lanes(count, [&](ptrdiff_t i, auto lanes) { write(job, lanes, to + i, zero_lanes()); });
}

// The last state of a row becomes the first of what follows. States are read where they were written, one step ago.
void hand_over(const float* last, float* state, ptrdiff_t count) {
  if (last != state) for_lanes(count, [&](ptrdiff_t i, auto lanes) { lanes.store(state + i, lanes.load(last + i)); });
}

template <class C>
void forward(const LinearForward& job, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end) {
  const ptrdiff_t real = job.real_steps(row), count = end - begin;
  float* const state = job.state + row * job.hidden + begin;
  const float* before = state;
  for (ptrdiff_t k = 0; k < real; ++k) {
    const ptrdiff_t t = step_at(job, k, real);
    const bool is_cut = job.is_cut(row, t, real);
    const float* const gates = job.gates.of(t, row) + begin;
    float* const out = job.out.of(t, row) + begin;
    const ptrdiff_t soon = step_at(job, smaller(k + ahead, real - 1), real);
    const float* const next_gates = job.gates.of(soon, row) + begin;
    const float* const next_out = job.out.of(soon, row) + begin;
    for_lanes_along(job.reverse, count, [&](ptrdiff_t i, auto lanes) {
#pragma GCC unroll 3
      for (int g = 0; g < C::gates; ++g) ask_for(next_gates + g * job.hidden + i);
      ask_to_write(next_out + i);
      const Lanes h = is_cut ? zero_lanes() : lanes.load(before + i);
      lanes.store(out + i, opened<C>(gates, job.hidden, i, lanes).next(h));
    });
    before = out;
  }
  hand_over(before, state, count);
  for (ptrdiff_t t = real; t < job.num_steps; ++t) clear(job.out.of(t, row) + begin, count);
}

template <class C>
void backward(const LinearBackward& job, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end) {
  const ptrdiff_t real = job.real_steps(row), count = end - begin;
  float* const d_state = job.d_state + row * job.hidden + begin;
  for (ptrdiff_t k = real; k-- > 0;) {
    const ptrdiff_t t = step_at(job, k, real);
    const bool is_cut = job.is_cut(row, t, real);
    const float* const before =
        k > 0 ? job.out.of(step_at(job, k - 1, real), row) + begin : job.first + row * job.hidden + begin;
    const float* const gates = job.gates.of(t, row) + begin;
    const float* const d_out = job.d_out.at != nullptr ? job.d_out.of(t, row) + begin : nullptr;
    float* const d_gates = job.d_gates.of(t, row) + begin;
    const ptrdiff_t soon = step_at(job, k > ahead ? k - ahead : 0, real);
    const float* const next_gates = job.gates.of(soon, row) + begin;
    const float* const next_out = job.out.of(soon, row) + begin;
    const float* const next_d_out = d_out != nullptr ? job.d_out.of(soon, row) + begin : next_out;
    const float* const next_d_gates = job.d_gates.of(soon, row) + begin;
    for_lanes_along(!job.reverse, count, [&](ptrdiff_t i, auto lanes) {
#pragma GCC unroll 3
      for (int g = 0; g < C::gates; ++g) {
        ask_for(next_gates + g * job.hidden + i);
        if (!job.passes_caches) ask_to_write(next_d_gates + g * job.hidden + i);
      }
      ask_for(next_out + i);
      ask_for(next_d_out + i);
      Lanes d_h = lanes.load(d_state + i), d_a[C::gates];
      if (d_out != nullptr) d_h = d_h + lanes.load(d_out + i);
      const Lanes h = is_cut ? zero_lanes() : lanes.load(before + i);
      const Lanes past = opened<C>(gates, job.hidden, i, lanes).back(h, d_h, d_a);
#pragma GCC unroll 3
      for (int g = 0; g < C::gates; ++g) write(job, lanes, d_gates + g * job.hidden + i, d_a[g]);
      lanes.store(d_state + i, is_cut ? zero_lanes() : past);
    });
  }
  for (ptrdiff_t t = real; t < job.num_steps; ++t) {
    for (int g = 0; g < C::gates; ++g) write_zeros(job, job.d_gates.of(t, row) + g * job.hidden + begin, count);
  }
}

// Of the complex cell, whose halves lie `hidden` apart.

void forward_lru(const LinearForward& job, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end) {
  const ptrdiff_t real = job.real_steps(row), count = end - begin, other = job.hidden;
  float* const state = job.state + row * 2 * other + begin;
  const float* before = state;
  const float* const decay = job.decay + begin;
  for (ptrdiff_t k = 0; k < real; ++k) {
    const ptrdiff_t t = step_at(job, k, real);
    const bool is_cut = job.is_cut(row, t, real);
    const float* const added = job.gates.of(t, row) + begin;
    float* const out = job.out.of(t, row) + begin;
    const ptrdiff_t soon = step_at(job, smaller(k + ahead, real - 1), real);
    const float* const next_added = job.gates.of(soon, row) + begin;
    const float* const next_out = job.out.of(soon, row) + begin;
    for_lanes_along(job.reverse, count, [&](ptrdiff_t i, auto lanes) {
      ask_for(next_added + i);
      ask_for(next_added + other + i);
      ask_to_write(next_out + i);
      ask_to_write(next_out + other + i);
      const Lanes a = lanes.load(decay + i), b = lanes.load(decay + other + i);
      const Lanes x = is_cut ? zero_lanes() : lanes.load(before + i);
      const Lanes y = is_cut ? zero_lanes() : lanes.load(before + other + i);
      lanes.store(out + i, multiply_add(a, x, multiply_add(zero_lanes() - b, y, lanes.load(added + i))));
      lanes.store(out + other + i, multiply_add(a, y, multiply_add(b, x, lanes.load(added + other + i))));
    });
    before = out;
  }
  hand_over(before, state, count);
  hand_over(before + other, state + other, count);
  for (ptrdiff_t t = real; t < job.num_steps; ++t) {
    clear(job.out.of(t, row) + begin, count);
    clear(job.out.of(t, row) + other + begin, count);
  }
}

void backward_lru(const LinearBackward& job, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end) {
  const ptrdiff_t real = job.real_steps(row), count = end - begin, other = job.hidden;
  float* const d_state = job.d_state + row * 2 * other + begin;
  float* const d_decay = job.d_decay + row * 2 * other + begin;
  const float* const decay = job.decay + begin;
  clear(d_decay, count);
  clear(d_decay + other, count);
  for (ptrdiff_t k = real; k-- > 0;) {
    const ptrdiff_t t = step_at(job, k, real);
    const bool is_cut = job.is_cut(row, t, real);
    const float* const before =
        k > 0 ? job.out.of(step_at(job, k - 1, real), row) + begin : job.first + row * 2 * other + begin;
    const float* const d_out = job.d_out.at != nullptr ? job.d_out.of(t, row) + begin : nullptr;
    float* const d_added = job.d_gates.of(t, row) + begin;
    const ptrdiff_t soon = step_at(job, k > ahead ? k - ahead : 0, real);
    const float* const next_out = job.out.of(soon, row) + begin;
    const float* const next_d_out = d_out != nullptr ? job.d_out.of(soon, row) + begin : next_out;
    const float* const next_d_added = job.d_gates.of(soon, row) + begin;
    for_lanes_along(!job.reverse, count, [&](ptrdiff_t i, auto lanes) {
      ask_for(next_out + i);
      ask_for(next_out + other + i);
      ask_for(next_d_out + i);
      ask_for(next_d_out + other + i);
      if (!job.passes_caches) {
        ask_to_write(next_d_added + i);
        ask_to_write(next_d_added + other + i);
      }
      Lanes d_re = lanes.load(d_state + i), d_im = lanes.load(d_state + other + i);
      if (d_out != nullptr) {
        d_re = d_re + lanes.load(d_out + i);
        d_im = d_im + lanes.load(d_out + other + i);
      }
      write(job, lanes, d_added + i, d_re);
      write(job, lanes, d_added + other + i, d_im);
      if (is_cut) {
        lanes.store(d_state + i, zero_lanes());
        lanes.store(d_state + other + i, zero_lanes());
        return;
      }
      const Lanes a = lanes.load(decay + i), b = lanes.load(decay + other + i);
      const Lanes x = lanes.load(before + i), y = lanes.load(before + other + i), none = zero_lanes();
      lanes.store(d_decay + i, multiply_add(d_re, x, multiply_add(d_im, y, lanes.load(d_decay + i))));
      lanes.store(d_decay + other + i,
                  multiply_add(d_im, x, multiply_add(none - d_re, y, lanes.load(d_decay + other + i))));
      lanes.store(d_state + i, multiply_add(a, d_re, b * d_im));
      lanes.store(d_state + other + i, multiply_add(a, d_im, none - b * d_re));
    });
  }
  for (ptrdiff_t t = real; t < job.num_steps; ++t) {
    write_zeros(job, job.d_gates.of(t, row) + begin, count);
    write_zeros(job, job.d_gates.of(t, row) + other + begin, count);
  }
}

}  // namespace

void linear_forward(const LinearForward& job, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end) {
  switch (job.cell) {
    case LinearCell::min_gru:
      return forward<MinGru>(job, row, begin, end);
    case LinearCell::min_lstm:
      return forward<MinLstm>(job, row, begin, end);
    case LinearCell::lru:
      return forward_lru(job, row, begin, end);
  }
}

void linear_backward(const LinearBackward& job, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t end) {
  switch (job.cell) {
    case LinearCell::min_gru:
      backward<MinGru>(job, row, begin, end);
      break;
    case LinearCell::min_lstm:
      backward<MinLstm>(job, row, begin, end);
      break;
    case LinearCell::lru:
      backward_lru(job, row, begin, end);
      break;
  }
  if (job.passes_caches) settle();
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
