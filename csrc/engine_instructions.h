// What a plan is made of. An instruction knows all sizes and strides; where its operands begin it learns from the frame
// at run time, so that the same plan serves other inputs, other outputs and other sequences.
#pragma once

#include <cstddef>
#include <cstdint>

#include "affine.h"
#include "engine_kernels.h"
#include "program.h"
#include "scan.h"

namespace whorl {

// A place in memory: so many floats behind one of the frame's bases.
struct Place {
  int base = -1;
  std::ptrdiff_t offset = 0;
  bool exists() const { return base >= 0; }
};

struct Frame {
  float* const* bases;
  std::byte* const* states;     // of each sequence
  const std::int64_t* lengths;  // real steps of each sequence in this block; null: all

  float* at(const Place& place) const { return place.exists() ? bases[place.base] + place.offset : nullptr; }
};

class Instruction {
 public:
  Instruction() = default;
  virtual ~Instruction() = default;
  Instruction(const Instruction&) = delete;
  Instruction& operator=(const Instruction&) = delete;
  virtual void run(const Frame& frame) const = 0;
};

// Elements of a value at all steps of all sequences.
struct Spread {
  Place at;
  std::ptrdiff_t step, sequence, element;  // strides
};

struct Copy : Instruction {
  Loops loops;
  Place to, from;
  void run(const Frame& frame) const override;
};

struct Activate : Instruction {
  Activation function;
  Loops loops;
  Place to, from;
  void run(const Frame& frame) const override;
};

struct Combine : Instruction {
  Combination function;
  Loops loops;
  Place to, a, b;
  void run(const Frame& frame) const override;
};

struct Reduce : Instruction {
  Reduction function;
  Loops loops;
  std::ptrdiff_t size, stride;
  Place to, from;
  void run(const Frame& frame) const override;
};

struct Normalise : Instruction {
  Normalisation job = {};
  Place x, out, gain, bias;
  void run(const Frame& frame) const override;
};

struct Affine : Instruction {
  AffineJob job = {};
  int num_threads;
  Place x, out, bias;
  void run(const Frame& frame) const override;
};

// Rows of a table; out rows of `size` floats stand side by side.
struct Embed : Instruction {
  std::ptrdiff_t num_rows, code_stride, num_codes, size;
  Place codes, table, out;
  void run(const Frame& frame) const override;
};

// Tensors of a recurrence beside its matrices.
struct CellPlaces {
  Place bias, norm_gain, norm_c_gain, norm_c_bias;
  void settle(const Frame& frame, Layer* layer) const;
};

// Over the stream: h and c of `lead` rows of each sequence come from its state and go back.
struct ScanStream : Instruction {
  Forward job = {};
  CellPlaces tensors;
  Place gates, h, c, out, scratch, row_lengths;
  Place initial;  // of each sequence, `initial_stride` apart; none where sequences start from zero
  std::ptrdiff_t lead, state_offset, initial_stride = 0;
  int parts;  // of the rows
  void run(const Frame& frame) const override;

 private:
  void begin(const Frame& frame) const;
  void exchange(const Frame& frame, float* all_h, float* all_c, bool back) const;
};

struct Attend : Instruction {
  Attention job = {};
  Place query, keys, values, length, vector, out, scratch;
  void run(const Frame& frame) const override;
};

// Over an axis of a value: h and c are what they begin with, and become the final state.
struct ScanValue : Instruction {
  Forward job = {};
  CellPlaces tensors;
  Place gates, h, c, out, scratch;
  bool from_zero;
  int parts;  // of the rows
  void run(const Frame& frame) const override;
};

// Over the stream: the state of each sequence lies where it is kept.
struct ScanElements : Instruction {
  ElementScan job = {};  // of one of `lead` rows of a sequence
  Spread a, b;
  Place out, initial;  // initial: of each sequence, `initial_stride` apart; none where sequences start from zero
  std::ptrdiff_t num_steps, num_sequences, lead, state_offset, initial_stride = 0;
  void run(const Frame& frame) const override;

 private:
  void begin(const Frame& frame, std::ptrdiff_t sequence) const;
};

// Over an axis of a value, at each step of each sequence.
struct ScanRows : Instruction {
  ElementScan job = {};  // of one of `lead` rows of a value
  Spread a, b, initial;
  Place out, h;
  std::ptrdiff_t num_steps, num_sequences, lead;
  void run(const Frame& frame) const override;
};

struct StepCell : Instruction {
  CellStep job = {};
  CellPlaces tensors;
  Place norm_bias, out, gates, state, u, scratch;
  void run(const Frame& frame) const override;
};

// Numbers of single precision that lie in a sequence's state, for all sequences side by side.
struct LoadState : Instruction {
  std::ptrdiff_t num_sequences, size, state_offset;
  Place to;
  void run(const Frame& frame) const override;
};

// Rows of this step, one for each sequence, into the states of those that are not at their end.
struct Keep : Instruction {
  Spread x;
  std::ptrdiff_t num_sequences, size, state_offset;
  void run(const Frame& frame) const override;
};

// Each sequence has a buffer: the rows kept from before, and behind them those of this block.
struct Window : Instruction {
  Loops loops;  // from x to the buffers
  Place x, buffers;
  std::ptrdiff_t num_steps, num_sequences, num_kept, size, state_offset;
  void run(const Frame& frame) const override;
};

struct Running : Instruction {
  Spread x;
  Place out;
  std::ptrdiff_t num_steps, num_sequences, size, state_offset;
  double decay, floor;
  void run(const Frame& frame) const override;

 private:
  void run_element(std::ptrdiff_t steps, std::ptrdiff_t real, const float* from, std::byte* state,
                   std::ptrdiff_t element, float* to) const;
};

struct Pool : Instruction {
  Spread x;
  Place out;
  std::ptrdiff_t num_steps, num_sequences, size, state_offset;  // size: of the result
  bool softmax;                                                 // else the largest
  void run(const Frame& frame) const override;

 private:
  void largest(std::ptrdiff_t real, const float* from, std::byte* state, float* to) const;
  void softmax_mean(std::ptrdiff_t real, const float* from, std::byte* state, float* to) const;
};

struct First : Instruction {
  Spread x;
  Place out;
  std::ptrdiff_t num_sequences, size, state_offset;
  void run(const Frame& frame) const override;
};

}  // namespace whorl
