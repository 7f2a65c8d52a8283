#include "engine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "rounding.h"
#include "sizes.h"
#include "threads.h"

namespace whorl {
namespace {

// Plans that a workspace keeps: a run needs four, and calls of a few sizes often follow each other in turn.
constexpr std::size_t max_plans = 16;

// Workspaces that wait for the next call; more come together only where many threads or bound slots do.
constexpr std::size_t max_idle = 16;

// Blocks are multiples of this where they are long: a whole number of every kernel's tiles.
constexpr std::ptrdiff_t block_multiple = 24;

constexpr std::size_t bytes(std::ptrdiff_t count) { return static_cast<std::size_t>(count); }

// Sequences are shared among threads where each has at least so much to do; waking one costs tens of microseconds.
constexpr double min_us_per_share = 100.0;

// From the difference between blocks of two lengths, so that what a block needs once is left out.
RowCost cost_of_row(const Program& program) {
  constexpr std::ptrdiff_t more = 64;
  const Plan one(program, {1, 1, 0, 1, 1}, 1), many(program, {1 + more, 1, 0, 1 + more, 1 + more}, 1);
  return {std::max<std::ptrdiff_t>(1, (many.arena_floats() - one.arena_floats()) / more),
          (many.estimated_us() - one.estimated_us()) / static_cast<double>(more)};
}

}  // namespace

AlignedBytes::AlignedBytes(std::size_t size)
    : memory_(size > 0 ? static_cast<std::byte*>(::operator new(size, alignment)) : nullptr), size_(size) {}

AlignedBytes::~AlignedBytes() { ::operator delete(memory_, alignment); }

void AlignedBytes::swap(AlignedBytes& other) {
  std::swap(memory_, other.memory_);
  std::swap(size_, other.size_);
}

void AlignedBytes::reserve(std::size_t size) {
  if (size <= size_) return;
  AlignedBytes larger(size);
  swap(larger);
}

// Runner

Runner::Runner(const Program& program, const Policy& policy, int num_threads)
    : program_(program), policy_(policy), num_threads_(num_threads) {
  for (const Operation& operation : program.operations()) {
    if (comes_at_every_step(operation)) input_sizes_.push_back(elements(program.shape(operation.out)));
  }
  inputs_.resize(input_sizes_.size());
}

double Runner::prepare(const CallSize& size) {
  size_ = size;
  stretches_.clear();
  if (size.num_steps > 0 && size.num_sequences > 0) {
    if (!program_.streams()) {
      const BlockSize all = {size.num_steps, size.num_sequences, size.start, size.num_steps,
                             size.num_steps - size.start};
      stretches_.push_back({0, size.num_steps, size.num_steps, plan(all), nullptr});
    } else {
      if (size.start > 0) stretches_.push_back(stretch(0, size.start, false));
      if (size.start < size.num_steps) stretches_.push_back(stretch(size.start, size.num_steps, true));
    }
  }
  double us = 0.0;
  std::ptrdiff_t floats = 0;
  for (const Stretch& part : stretches_) {
    us += part.whole->estimated_us() * static_cast<double>((part.end - part.begin) / part.block);
    floats = std::max(floats, part.whole->arena_floats());
    if (part.rest == nullptr) continue;
    us += part.rest->estimated_us();
    floats = std::max(floats, part.rest->arena_floats());
  }
  arena_.reserve(bytes(floats) * sizeof(float));
  lengths_.resize(bytes(size.num_sequences));
  return us;
}

Plan* Runner::plan(const BlockSize& size) {
  for (auto found = plans_.rbegin(); found != plans_.rend(); ++found) {
    if (!((*found)->size() == size)) continue;
    if (found != plans_.rbegin()) std::rotate(found.base() - 1, found.base(), plans_.end());
    return plans_.back().get();
  }
  if (plans_.size() >= max_plans) plans_.erase(plans_.begin());
  plans_.push_back(std::make_unique<Plan>(program_, size, num_threads_));
  return plans_.back().get();
}

Runner::Stretch Runner::stretch(std::ptrdiff_t begin, std::ptrdiff_t end, bool answers) {
  std::ptrdiff_t block = policy_.block_floats / times(policy_.row.floats, size_.num_sequences);
  if (block > block_multiple) block -= block % block_multiple;
  block = program_.loops() ? 1 : std::clamp<std::ptrdiff_t>(block, 1, end - begin);
  const auto sized = [&](std::ptrdiff_t steps) {
    BlockSize wanted = {steps, size_.num_sequences, answers ? 0 : steps, size_.num_steps,
                        size_.num_steps - size_.start};
    // A single sequence has no next one: then the plan fits calls of any length.
    if (size_.num_sequences == 1) wanted.input_steps = wanted.output_steps = 0;
    return plan(wanted);
  };
  const std::ptrdiff_t rest = (end - begin) % block;
  return {begin, end, block, sized(block), rest > 0 ? sized(rest) : nullptr};
}

void Runner::run(const Call& call, std::byte* const* states) {
  const Rounding rounding(Subnormals::keep);
  for (const Stretch& part : stretches_) {
    std::ptrdiff_t first = part.begin;
    for (; first + part.block <= part.end; first += part.block) run_block(call, states, first, part.whole);
    if (part.rest != nullptr) run_block(call, states, first, part.rest);
  }
  if (call.lengths != nullptr) clear_padding(call);
}

void Runner::run_block(const Call& call, std::byte* const* states, std::ptrdiff_t first, Plan* plan) {
  const std::ptrdiff_t row = call.first_sequence * size_.num_steps + first;
  for (std::size_t n = 0; n < inputs_.size(); ++n) inputs_[n] = call.inputs[n] + row * input_sizes_[n];
  if (call.lengths != nullptr) {
    const std::int64_t* lengths = call.lengths + call.first_sequence;
    for (std::size_t n = 0; n < lengths_.size(); ++n)
      lengths_[n] = std::clamp<std::int64_t>(lengths[n] - first, 0, plan->size().num_steps);
  }
  const std::ptrdiff_t answered = std::max<std::ptrdiff_t>(0, first - size_.start);
  const std::ptrdiff_t answer = call.first_sequence * (size_.num_steps - size_.start) + answered;
  float* output = call.output + answer * elements(program_.shape(program_.output()));
  plan->run(reinterpret_cast<float*>(arena_.data()), inputs_.data(), output, states,
            call.lengths != nullptr ? lengths_.data() : nullptr);
}

void Runner::clear_padding(const Call& call) const {
  const std::ptrdiff_t size = elements(program_.shape(program_.output()));
  const std::ptrdiff_t num_answers = size_.num_steps - size_.start;
  for (std::ptrdiff_t n = 0; n < size_.num_sequences; ++n) {
    const std::ptrdiff_t sequence = call.first_sequence + n;
    const std::ptrdiff_t real = std::clamp<std::ptrdiff_t>(call.lengths[sequence] - size_.start, 0, num_answers);
    std::fill_n(call.output + (sequence * num_answers + real) * size, (num_answers - real) * size, 0.0F);
  }
}

// Workspace

double Workspace::prepare(const CallSize& size) {
  size_ = size;
  states_.resize(bytes(size.num_sequences));
  const double us = policy_.row.us * static_cast<double>(size.num_steps) * static_cast<double>(size.num_sequences);
  num_shares_ =
      worthwhile_parts(us, min_us_per_share, std::min<std::ptrdiff_t>(policy_.num_threads, size.num_sequences));
  if (num_shares_ == 1) {
    if (alone_ == nullptr) alone_ = std::make_unique<Runner>(program_, policy_, policy_.num_threads);
    return alone_->prepare(size);
  }
  double total = 0.0;
  for (int index = 0; index < num_shares_; ++index) {
    if (shares_.size() <= bytes(index)) shares_.push_back(std::make_unique<Runner>(program_, policy_, 1));
    const std::ptrdiff_t begin = cut(size.num_sequences, index, num_shares_);
    const std::ptrdiff_t end = cut(size.num_sequences, index + 1, num_shares_);
    total += shares_[bytes(index)]->prepare({size.num_steps, end - begin, size.start});
  }
  return total;
}

void Workspace::own_states() {
  own_states_.reserve(bytes(times(size_.num_sequences, program_.row_bytes())));
  for (std::size_t n = 0; n < states_.size(); ++n) states_[n] = own_states_.data() + n * bytes(program_.row_bytes());
}

void Workspace::run(const Call& call) {
  if (num_shares_ == 1) return alone_->run(call, states_.data());
  run_parts(num_shares_, [&](int index) { run_share(call, index); });
}

void Workspace::run_share(const Call& call, int index) {
  const std::ptrdiff_t begin = cut(size_.num_sequences, index, num_shares_);
  Call share = call;
  share.first_sequence = call.first_sequence + begin;
  shares_[bytes(index)]->run(share, states_.data() + begin);
}

// Engine

Engine::Engine(Program program, int num_threads, std::ptrdiff_t block_floats)
    : program_(std::move(program)), policy_{num_threads, block_floats, cost_of_row(program_)} {
  idle_.reserve(max_idle);
}

std::ptrdiff_t Engine::open() {
  if (free_slots_.empty()) grow();
  const std::ptrdiff_t slot = free_slots_.back();
  free_slots_.pop_back();
  openings_[bytes(slot)] = ++num_openings_;
  std::memset(state(slot), 0, bytes(program_.row_bytes()));
  return slot;
}

std::ptrdiff_t Engine::fork(std::ptrdiff_t slot) {
  const std::ptrdiff_t copy = open();
  std::memcpy(state(copy), state(slot), bytes(program_.row_bytes()));
  return copy;
}

void Engine::close(std::ptrdiff_t slot) {
  openings_[bytes(slot)] = 0;
  free_slots_.push_back(slot);
}

std::uint64_t Engine::opening(std::ptrdiff_t slot) const {
  return slot >= 0 && bytes(slot) < openings_.size() ? openings_[bytes(slot)] : 0;
}

std::unique_ptr<Workspace> Engine::take_workspace() {
  if (idle_.empty()) return std::make_unique<Workspace>(program_, policy_);
  std::unique_ptr<Workspace> workspace = std::move(idle_.back());
  idle_.pop_back();
  return workspace;
}

void Engine::give_back(std::unique_ptr<Workspace> workspace) noexcept {
  if (idle_.size() < max_idle) idle_.push_back(std::move(workspace));
}

void Engine::grow() {
  const std::size_t known = openings_.size(), capacity = std::max<std::size_t>(4, 2 * known);
  AlignedBytes larger(bytes(times(static_cast<std::ptrdiff_t>(capacity), program_.row_bytes())));
  openings_.reserve(capacity);
  free_slots_.reserve(capacity);  // closing a slot never allocates
  if (known > 0) std::memcpy(larger.data(), slab_.data(), known * bytes(program_.row_bytes()));
  slab_.swap(larger);
  openings_.resize(capacity, 0);
  for (std::size_t slot = capacity; slot-- > known;) free_slots_.push_back(static_cast<std::ptrdiff_t>(slot));
}

}  // namespace whorl
