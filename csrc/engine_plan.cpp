#include "engine_plan.h"

#include "engine_planner.h"

namespace whorl {

Plan::Plan(const Program& program, const BlockSize& size, int num_threads) : size_(size), num_threads_(num_threads) {
  Planner(program, this).run();
}

void Plan::run(float* arena, const float* const* inputs, float* output, std::byte* const* states,
               const std::int64_t* lengths) {
  const std::size_t num_arena = arena_offsets_.size(), first = bases_.size() - num_arena;
  if (arena != arena_) {
    for (std::size_t n = 0; n < num_arena; ++n) bases_[first + n] = arena + arena_offsets_[n];
    arena_ = arena;
  }
  bases_[0] = output;
  // The table of bases holds what is written beside what is only read.
  for (int n = 0; n < num_inputs_; ++n) bases_[static_cast<std::size_t>(n) + 1] = const_cast<float*>(inputs[n]);
  const Frame frame = {bases_.data(), states, lengths};
  for (const auto& instruction : instructions_) instruction->run(frame);
}

}  // namespace whorl
