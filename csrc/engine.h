// Runs a program over sequences whose states lie in one slab, a row for each slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "engine_plan.h"
#include "program.h"

namespace whorl {

// Bytes on a border of a cache line.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t size = 0);
  ~AlignedBytes();
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;

  std::byte* data() const { return memory_; }
  std::size_t size() const { return size_; }
  void swap(AlignedBytes& other);
  // At least so many bytes; what was in them is lost.
  void reserve(std::size_t size);

 private:
  static constexpr std::align_val_t alignment{64};
  std::byte* memory_;
  std::size_t size_;
};

struct CallSize {
  std::ptrdiff_t num_steps, num_sequences;
  std::ptrdiff_t start;  // the first step whose answer is wanted
};

struct Call {
  const float* const* inputs;   // (B, T, ...) each, those that come at every step, in order
  float* output;                // (B, T - start, ...)
  const std::int64_t* lengths;  // (B,) real steps; null: all
  std::ptrdiff_t first_sequence = 0;
};

// What one step of one sequence costs, found once for a program.
struct RowCost {
  std::ptrdiff_t floats;  // of memory that a block needs for it
  double us;
};

// How a workspace goes about its work; the same for all workspaces of an engine.
struct Policy {
  int num_threads;
  std::ptrdiff_t block_floats;  // about as many numbers as may be kept at a time, beside weights and states
  RowCost row;
};

// Plans and memory for some sequences of a call, block after block.
class Runner {
 public:
  Runner(const Program& program, const Policy& policy, int num_threads);

  // Makes everything that a call of this size needs; returns roughly how long it will take. Later nothing is allocated
  // but what threads keep from call to call: helpers (threads.h), and memory for rows in int8 (recycled.h), the first
  // time that so many or so much is wanted.
  double prepare(const CallSize& size);
  void run(const Call& call, std::byte* const* states);

 private:
  // Steps that are run by the same plan, block after block.
  struct Stretch {
    std::ptrdiff_t begin, end, block;
    Plan *whole, *rest;  // rest: what is left at the end; null if nothing
  };

  Plan* plan(const BlockSize& size);
  Stretch stretch(std::ptrdiff_t begin, std::ptrdiff_t end, bool answers);
  void run_block(const Call& call, std::byte* const* states, std::ptrdiff_t first, Plan* plan);
  void clear_padding(const Call& call) const;

  const Program& program_;
  const Policy& policy_;
  const int num_threads_;
  CallSize size_ = {};
  std::vector<Stretch> stretches_;
  std::vector<std::unique_ptr<Plan>> plans_;  // the one used last stands last
  AlignedBytes arena_;
  std::vector<const float*> inputs_;
  std::vector<std::ptrdiff_t> input_sizes_;
  std::vector<std::int64_t> lengths_;
};

// What one call at a time needs. Sequences are shared among threads: each goes through all steps of its own ones.
class Workspace {
 public:
  Workspace(const Program& program, const Policy& policy) : program_(program), policy_(policy) {}

  // See `Runner::prepare`; the time is that of one thread.
  double prepare(const CallSize& size);

  // Where the states of the sequences lie; a row each, set by the caller between `prepare` and `run`.
  std::vector<std::byte*>& states() { return states_; }
  // Points the states at memory of the workspace's own, one row for each sequence.
  void own_states();

  void run(const Call& call);

 private:
  void run_share(const Call& call, int index);

  const Program& program_;
  const Policy& policy_;
  CallSize size_ = {};
  int num_shares_ = 1;
  std::unique_ptr<Runner> alone_;  // may use all threads within an operation
  std::vector<std::unique_ptr<Runner>> shares_;
  AlignedBytes own_states_;
  std::vector<std::byte*> states_;
};

class Engine {
 public:
  Engine(Program program, int num_threads, std::ptrdiff_t block_floats);

  const Program& program() const { return program_; }

  // Slots. `opening` tells two users of the same slot apart; 0 where it is not open.
  std::ptrdiff_t open();
  std::ptrdiff_t fork(std::ptrdiff_t slot);
  void close(std::ptrdiff_t slot);
  std::uint64_t opening(std::ptrdiff_t slot) const;
  std::byte* state(std::ptrdiff_t slot) const { return slab_.data() + slot * program_.row_bytes(); }

  std::unique_ptr<Workspace> take_workspace();
  void give_back(std::unique_ptr<Workspace> workspace) noexcept;

 private:
  void grow();

  const Program program_;
  const Policy policy_;
  AlignedBytes slab_;
  std::vector<std::uint64_t> openings_;
  std::vector<std::ptrdiff_t> free_slots_;
  std::uint64_t num_openings_ = 0;
  std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace whorl
