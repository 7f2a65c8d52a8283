// A saved program as the engine takes it: operations on numbered values, in the order in which they run. What each
// operation means stands in whorl/runtime/operations.py; whorl/runtime/lowering.py describes checked programs this way.
//
// A value has a fixed shape; at each step of each sequence there is one of it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "quantised.h"
#include "scan.h"

namespace whorl {

using Shape = std::vector<std::ptrdiff_t>;

std::ptrdiff_t elements(const Shape& shape);  // throws TooLarge

// What stands beside each kind is what `Operation` holds for it; -1 is a tensor or weight that is not there.
enum class Kind {
  input,      // numbers: 1 where the value is given once for each sequence, else 0
  constant,   // tensors: value
  affine,     // weights: weight; tensors: bias
  convolve,   // numbers: stride, padding, height and width of a kernel; weights: kernels; tensors: bias, a zero
  embed,      // tensors: table
  activate,   // word: function
  combine,    // word: function
  normalise,  // tensors: gain, bias; reals: eps
  recurrent,  // word: cell; numbers: over the stream, reverse; reals: zoneout; weights: ih, hh, hr;
              // tensors: bias_ih, bias_hh, then gain and bias of each layer norm; operands: x, initial state (optional)
  scan,       // word: real or complex; numbers: over the stream, reverse; operands: a, b, initial state (optional)
  step,       // word: cell; weights: hh; tensors: bias_hh, then as above; operands: gates, state
  window,     // numbers: length
  running,    // reals: decay, floor
  pool,       // word: function
  previous,
  keep,    // operands: x, the value that gives it at the next step
  attend,  // word: function; tensors: vector; operands: query, keys, values, length
  first,
  slice,  // numbers: axis, start
  take,   // numbers: axis, indices...
  reshape,
  transpose,  // numbers: axes...
  concat,     // numbers: axis
  repeat,     // numbers: axis
  reduce,     // word: function; numbers: axis
};

Kind kind_named(const std::string& name);  // throws std::invalid_argument

struct Operation {
  Kind kind;
  std::string word;
  std::vector<int> operands;
  std::vector<int> weights, tensors;
  std::vector<std::ptrdiff_t> numbers;
  std::vector<double> reals;
  int out = 0;     // the value it makes
  int final = -1;  // a recurrence over a value: its final state
};

// An input of which the caller gives a value at every step.
inline bool comes_at_every_step(const Operation& operation) {
  return operation.kind == Kind::input && operation.numbers[0] == 0;
}

// An input that is given once for each sequence.
inline bool is_static(const Operation& operation) { return operation.kind == Kind::input && operation.numbers[0] != 0; }

// A recurrence or a scan that starts from a given state.
inline bool is_started(const Operation& operation) {
  const std::size_t read = operation.operands.size();
  return (operation.kind == Kind::recurrent && read > 1) || (operation.kind == Kind::scan && read > 2);
}

// What goes through the stream backwards needs the whole sequence.
inline bool reads_backwards(const Operation& operation) {
  const bool recurs = operation.kind == Kind::recurrent || operation.kind == Kind::scan;
  return recurs && operation.numbers[0] != 0 && operation.numbers[1] != 0;
}

// How a recurrence is built; the same for `recurrent` and `step`.
struct Units {
  Cell cell;
  std::ptrdiff_t hidden, width;  // width of h: less than hidden with a projection
  std::ptrdiff_t gates() const { return type_of(cell).gates * hidden; }
  std::ptrdiff_t state() const { return width + (type_of(cell).has_c ? hidden : 0); }
};

class Program {
 public:
  Program() = default;
  Program(Program&&) = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int add_tensor(const float* values, std::ptrdiff_t size);
  int add_weight(const float* values, std::ptrdiff_t out_features, std::ptrdiff_t in_features, Format format);
  // Returns the number of the value it makes; a final state has the next number.
  int add(Operation operation, const Shape& shape, const Shape* final_shape);
  // No more operations come. Finds what the rest of the engine asks for. Throws std::invalid_argument, and so does
  // `add` afterwards.
  void finish(int output);

  // False for a program that was moved away, too.
  bool is_finished() const { return !late_.empty(); }

  const std::vector<Operation>& operations() const { return operations_; }
  const Shape& shape(int value) const { return shapes_[static_cast<std::size_t>(value)]; }
  int output() const { return output_; }
  const Matrix* weight(int number) const;  // null for -1
  const std::vector<std::vector<float>>& tensors() const { return tensors_; }
  Units units(const Operation& operation) const;

  // Values that no carried state depends on: they may be left out at steps whose answer is not wanted.
  bool is_late(int value) const { return late_[static_cast<std::size_t>(value)]; }
  bool carries(const Operation& operation) const;
  // False where an operation needs the whole sequence at once.
  bool streams() const { return streams_; }
  // True where a step needs what the step before it said last, so that steps run one after the other.
  bool loops() const { return loops_; }
  // The number of the operation that makes a value.
  std::size_t maker(int value) const;

  // The state of a sequence, bytes: what operation number n keeps begins at `state_offset(n)`; what is given once for
  // a sequence stands behind what is kept.
  std::ptrdiff_t state_offset(std::size_t operation) const { return offsets_[operation]; }
  std::ptrdiff_t state_bytes() const { return state_bytes_; }
  std::ptrdiff_t row_bytes() const { return row_bytes_; }

 private:
  std::ptrdiff_t state_bytes_of(const Operation& operation) const;
  void find_late();
  void lay_out_state();

  std::vector<Operation> operations_;
  std::vector<Shape> shapes_;
  std::vector<std::vector<float>> tensors_;
  std::vector<PackedMatrix> weights_;
  std::vector<bool> late_;
  std::vector<std::ptrdiff_t> offsets_;
  std::ptrdiff_t state_bytes_ = 0, row_bytes_ = 0;
  int output_ = -1;
  bool streams_ = true, loops_ = false;
};

}  // namespace whorl
