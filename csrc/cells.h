// One step of each cell on sixteen units, forward and backward. The equations stand in whorl/nn/cells. A new cell is
// one more struct here and its name in `Cells`.
//
// a: input products, overwritten by the activated gates; u: recurrent products; h, c: the state entering the step;
// shown: c on its way to h, after its layer norm if there is one. d_x is the gradient of x. A cell has:
//
// type: see cell.h. A cell with c may not mix in the old h.
// update(a, u, c): activates the gates, and gives the new c; without c what it gives is not used.
// remember(a, c), where there is c: the new c once more, from activated gates, since it is not saved.
// output(a, h, shown): the new h. `h` is given where `keeps_h`, `shown` where there is c. With c only the last gate of
//   `a` may be read: under layer norm of c, which waits for the whole row, the others are gone.
// output_back(a, h, shown, d_h, d_a, d_past_h, d_shown): the gradients of what `output` reads: d_a of its gates before
//   their activation, d_past_h where `keeps_h`, d_shown where there is c. With c it reads and writes the last gate
//   alone.
// update_back(a, u, c, d_c, d_a): the rest of d_a, and `Past`. `u` is that of the last gate, given where `splits`.
//
// Each recurrent product but that of the last gate is added to its input product and nothing else, so that the two have
// one gradient, d_a; for the last gate too where the cell does not split, and then `Past::d_u` is d_a of that gate.
#pragma once

#include "cell.h"
#include "functions.h"

namespace whorl::WHORL_SIMD_NAMESPACE {

inline Lanes sigmoid_slope(Lanes y) { return multiply_add(zero_lanes() - y, y, y); }
inline Lanes tanh_slope(Lanes y) { return multiply_add(zero_lanes() - y, y, broadcast(1.0F)); }

// What the second half of a backward step gives: the gradients of u's last gate and of the c entering the step.
struct Past {
  Lanes d_u, d_c;
};

struct ElmanTanh {
  static constexpr CellType type = {"rnn_tanh", 1, false, false, false};
  static Lanes update(Lanes* a, const Lanes* u, Lanes) { return a[0] = tanh(a[0] + u[0]); }
  static Lanes output(const Lanes* a, Lanes, Lanes) { return a[0]; }
  static void output_back(const Lanes* a, Lanes, Lanes, Lanes d_h, Lanes* d_a, Lanes&, Lanes&) {
    d_a[0] = d_h * tanh_slope(a[0]);
  }
  static Past update_back(const Lanes*, Lanes, Lanes, Lanes, Lanes* d_a) { return {d_a[0], zero_lanes()}; }
};

struct ElmanRelu : ElmanTanh {
  static constexpr CellType type = {"rnn_relu", 1, false, false, false};
  static Lanes update(Lanes* a, const Lanes* u, Lanes) { return a[0] = relu(a[0] + u[0]); }
  static void output_back(const Lanes* a, Lanes, Lanes, Lanes d_h, Lanes* d_a, Lanes&, Lanes&) {
    d_a[0] = where_positive(a[0], d_h);
  }
};

// Gates r, z, n.
struct Gru {
  static constexpr CellType type = {"gru", 3, false, true, true};
  static Lanes update(Lanes* a, const Lanes* u, Lanes) {
    a[0] = sigmoid(a[0] + u[0]);
    a[1] = sigmoid(a[1] + u[1]);
    return a[2] = tanh(multiply_add(a[0], u[2], a[2]));
  }
  static Lanes output(const Lanes* a, Lanes h, Lanes) { return multiply_add(a[1], h - a[2], a[2]); }
  static void output_back(const Lanes* a, Lanes h, Lanes, Lanes d_h, Lanes* d_a, Lanes& d_past_h, Lanes&) {
    const Lanes through_z = a[1] * d_h;
    d_a[1] = d_h * (h - a[2]) * sigmoid_slope(a[1]);
    d_a[2] = (d_h - through_z) * tanh_slope(a[2]);
    d_past_h = through_z;
  }
  static Past update_back(const Lanes* a, Lanes u, Lanes, Lanes, Lanes* d_a) {
    d_a[0] = d_a[2] * u * sigmoid_slope(a[0]);
    return {d_a[2] * a[0], zero_lanes()};
  }
};

// Gates i, f, g, o.
struct Lstm {
  static constexpr CellType type = {"lstm", 4, true, false, false};
  static Lanes update(Lanes* a, const Lanes* u, Lanes c) {
    a[0] = sigmoid(a[0] + u[0]);
    a[1] = sigmoid(a[1] + u[1]);
    a[2] = tanh(a[2] + u[2]);
    a[3] = sigmoid(a[3] + u[3]);
    return remember(a, c);
  }
  static Lanes remember(const Lanes* a, Lanes c) { return multiply_add(a[1], c, a[0] * a[2]); }
  static Lanes output(const Lanes* a, Lanes, Lanes shown) { return a[3] * tanh(shown); }
  static void output_back(const Lanes* a, Lanes, Lanes shown, Lanes d_h, Lanes* d_a, Lanes&, Lanes& d_shown) {
    const Lanes t = tanh(shown);
    d_a[3] = d_h * t * sigmoid_slope(a[3]);
    d_shown = d_h * a[3] * tanh_slope(t);
  }
  static Past update_back(const Lanes* a, Lanes, Lanes c, Lanes d_c, Lanes* d_a) {
    d_a[0] = d_c * a[2] * sigmoid_slope(a[0]);
    d_a[1] = d_c * c * sigmoid_slope(a[1]);
    d_a[2] = d_c * a[0] * tanh_slope(a[2]);
    return {d_a[3], d_c * a[1]};
  }
};

template <class... C>
struct CellList {};
using Cells = CellList<ElmanTanh, ElmanRelu, Gru, Lstm>;

// What the passes take for granted.
template <class... C>
constexpr bool all_sound(CellList<C...>) {
  return (... && !(C::type.has_c && C::type.keeps_h));
}
static_assert(all_sound(Cells{}), "a cell with c may not mix in the old h");

// Calls `run` with an object of the cell's struct.
template <class Run, class First, class... Rest>
void with_cell(Cell cell, const Run& run, CellList<First, Rest...>) {
  if constexpr (sizeof...(Rest) > 0) {
    if (static_cast<int>(cell) > 0)
      return with_cell(static_cast<Cell>(static_cast<int>(cell) - 1), run, CellList<Rest...>{});
  }
  run(First{});
}
template <class Run>
void with_cell(Cell cell, const Run& run) {
  with_cell(cell, run, Cells{});
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
