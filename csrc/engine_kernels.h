// What the engine does to values beside products and recurrences; engine_kernel.cpp is compiled once per instruction
// set. Every element's bits depend on what goes into it alone, not on where it stands in a loop.
#pragma once

#include <cstddef>

#include "scan.h"

namespace whorl {

// Steps, sequences, and the axes of a value.
constexpr int max_loops = 10;

// Nested loops over elements that lie in memory with strides, counted in floats; the outermost loop comes first.
// Operand 0 is what is written.
struct Loops {
  int depth = 0;
  std::ptrdiff_t sizes[max_loops] = {};
  std::ptrdiff_t strides[3][max_loops] = {};
};

enum class Activation { tanh, relu, sigmoid, softplus, exp, sqrt, square };
enum class Combination { add, subtract, multiply, divide, maximum };
enum class Reduction { mean, max };

// Layer norm of rows: gain * (x - mean) / sqrt(variance + eps) + bias.
struct Normalisation {
  const float* x;
  std::ptrdiff_t x_stride, num_rows, size;
  const float *gain, *bias;
  float eps;
  float* out;
  std::ptrdiff_t out_stride;
};

// One step of a cell for rows that may share their state. The loops go over rows: the new state (stride in floats), the
// input products (floats), and the state that a row starts from (rows of `state` and `u`).
struct CellStep {
  Cell cell;
  std::ptrdiff_t hidden;
  Loops rows;
  float* out;
  const float *gates, *state;
  float* u;  // recurrent products of each row of `state`; overwritten where `norm_gain` is there
  std::ptrdiff_t num_states;
  const float *norm_gain, *norm_bias, *norm_c_gain, *norm_c_bias;  // null without layer norm
  float* scratch;                                                  // `hidden` floats
};

// Rows at each step of each sequence, with strides in floats; the numbers of a row stand side by side.
struct AttendedRows {
  const float* at;
  std::ptrdiff_t step, sequence, row;
};

// For each step of each sequence the mean of the first rows of `values`, weighted by how well their keys fit the query.
struct Attention {
  std::ptrdiff_t num_steps, num_sequences, num_rows, key_size, value_size;
  AttendedRows query, keys, values, length;
  const float* vector;  // null: products of query and key; else v . tanh(query + key)
  float* out;           // steps, sequences, `value_size`, without gaps
  float* weights;       // space for `num_rows` floats
};

// h = a h + b at one step after the other, from the last to the first where `reverse` is; the steps of each operand
// have a stride in floats. Complex numbers are a half of real parts and a half of imaginary ones.
struct ElementScan {
  bool complex, reverse;
  std::ptrdiff_t num_steps, size;
  const float *a, *b;
  std::ptrdiff_t a_step, b_step;
  float* h;  // (size,): what it begins with becomes what it ends with
  float* out;
  std::ptrdiff_t out_step;
};

struct ValueKernels {
  void (*copy)(const Loops&, float* to, const float* from);
  void (*activate)(Activation, const Loops&, float* to, const float* from);
  void (*combine)(Combination, const Loops&, float* to, const float* a, const float* b);
  // Each element written is made of `size` elements, `stride` apart, from its start to its end.
  void (*reduce)(Reduction, const Loops&, std::ptrdiff_t size, std::ptrdiff_t stride, float* to, const float* from);
  void (*normalise)(const Normalisation&);
  void (*cell_step)(const CellStep&);
  void (*attend)(const Attention&);
  void (*scan)(const ElementScan&);
};

}  // namespace whorl
