// Recurrences that are linear in their state, forward and backward: gates of the input are opened and the state is
// moved in one pass, step after step, each unit by itself. Equations and meaning stand in whorl/ops/linear.py.
//
// Kernel files are compiled for one instruction set each, so that what they share in here is `always_inline`.
//
// Axes: T steps, B rows (sequences), H hidden, G gates times H, S numbers of a state: H, or H real and H imaginary
// parts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace whorl {

enum class LinearCell { min_gru, min_lstm, lru };

LinearCell linear_cell_named(const char* name);  // throws std::invalid_argument for another word

// Numbers of each step of each row, side by side; strides in floats.
template <class Float>
struct StepRows {
  Float* at;
  std::ptrdiff_t step, row;
  [[gnu::always_inline]] Float* of(std::ptrdiff_t t, std::ptrdiff_t n) const { return at + t * step + n * row; }
};

struct LinearScan {
  LinearCell cell;
  bool reverse;  // from the last real step to the first
  std::ptrdiff_t num_steps, num_rows, hidden;
  StepRows<const float> gates;  // (T, B, G) before they are opened; of an LRU what is added, (T, B, S)
  const float* decay;           // (S,) of an LRU, else null
  const std::int64_t* lengths;  // (B,) real steps; null: all
  const std::uint8_t* resets;   // (B, T) non-zero: the state is zero before that step, or, read backwards, after it

  [[gnu::always_inline]] std::ptrdiff_t real_steps(std::ptrdiff_t row) const {
    return lengths == nullptr ? num_steps : static_cast<std::ptrdiff_t>(lengths[row]);
  }
  // Whether the state before step `t`, in the order of reading, is zero.
  [[gnu::always_inline]] bool is_cut(std::ptrdiff_t row, std::ptrdiff_t t, std::ptrdiff_t real) const {
    const std::ptrdiff_t flag = reverse ? t + 1 : t;
    return resets != nullptr && flag < real && resets[row * num_steps + flag] != 0;
  }
};

struct LinearForward : LinearScan {
  float* state;         // (B, S): the initial state becomes the final one
  StepRows<float> out;  // (T, B, S), 0 at padding
};

struct LinearBackward : LinearScan {
  const float* first;           // (B, S), the initial state
  StepRows<const float> out;    // of the forward pass
  StepRows<const float> d_out;  // null for zeros
  float* d_state;               // (B, S): the gradient of the final state becomes that of the initial one
  StepRows<float> d_gates;      // as `gates`; 0 at padding
  float* d_decay;               // (B, S) of each row, of an LRU
  bool passes_caches;           // `d_gates` are written past the caches; `linear_scan` decides
};

// Rows, and units where rows are few, are shared among at most so many threads; no bit depends on how many.
void linear_scan(const LinearForward& job, int num_threads);
void linear_scan(LinearBackward job, int num_threads);

// Roughly how long it takes on one thread.
double estimated_us(const LinearScan& job);

}  // namespace whorl
