// A program laid out for a block of so many steps of so many sequences: which instruction reads and writes where.
//
// Rearrangements are views: the same memory seen with other strides. Only where an instruction needs its operand in one
// piece is it copied. Memory is shared between values that are not alive at the same time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine_instructions.h"
#include "program.h"

namespace whorl {

struct BlockSize {
  std::ptrdiff_t num_steps, num_sequences;
  std::ptrdiff_t start;         // the first step whose answer is wanted
  std::ptrdiff_t input_steps;   // steps from one sequence to the next in the memory of the inputs
  std::ptrdiff_t output_steps;  // and of the output

  bool operator==(const BlockSize& other) const {
    return num_steps == other.num_steps && num_sequences == other.num_sequences && start == other.start &&
           input_steps == other.input_steps && output_steps == other.output_steps;
  }
};

class Plan {
 public:
  Plan(const Program& program, const BlockSize& size, int num_threads);

  const BlockSize& size() const { return size_; }
  std::ptrdiff_t arena_floats() const { return arena_floats_; }
  double estimated_us() const { return estimated_us_; }

  // Runs the block. `arena` holds arena_floats(); `inputs` are those that come at every step, in order.
  void run(float* arena, const float* const* inputs, float* output, std::byte* const* states,
           const std::int64_t* lengths);

 private:
  friend class Draft;

  BlockSize size_;
  int num_threads_, num_inputs_ = 0;
  std::vector<std::unique_ptr<Instruction>> instructions_;
  // Where places begin: the output, the inputs, the tensors, then what lies in the arena.
  std::vector<float*> bases_;
  std::vector<std::ptrdiff_t> arena_offsets_;
  std::ptrdiff_t arena_floats_ = 0;
  float* arena_ = nullptr;
  double estimated_us_ = 0.0;
};

}  // namespace whorl
