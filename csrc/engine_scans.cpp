// A scan of elements: how it becomes an instruction, and what that does.
#include <algorithm>
#include <cstring>

#include "dispatch.h"
#include "engine_planner.h"

namespace whorl {
namespace {

void copy_floats(const void* from, std::ptrdiff_t count, void* to) {
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

// The elements of a step side by side.
Spread in_one_piece(const View& x, Draft* draft) {
  const Spread found = draft->spread(x);
  return found.element == 1 ? found : draft->spread(draft->copied(x));
}

ElementScan of_rows(const Operation& operation, std::ptrdiff_t size) {
  ElementScan job = {};
  job.complex = operation.word == "complex";
  job.reverse = operation.numbers[1] != 0;
  job.size = size;
  return job;
}

}  // namespace

void Planner::add_elements_of_stream(const Operation& operation) {
  const Shape& shape = program_.shape(operation.out);
  const std::ptrdiff_t size = elements(shape);
  const Spread a = in_one_piece(view(operation.operands[0]), &draft_);
  const Spread b = in_one_piece(view(operation.operands[1]), &draft_);
  const View out = fresh(shape, size_.num_steps);
  auto* scan = draft_.emit<ScanElements>(2 * out.elements());
  scan->job = of_rows(operation, shape.back());
  scan->job.a_step = a.step;
  scan->job.b_step = b.step;
  scan->job.out_step = size_.num_sequences * size;
  scan->a = a;
  scan->b = b;
  scan->num_steps = size_.num_steps;
  scan->num_sequences = size_.num_sequences;
  scan->lead = size / shape.back();
  scan->state_offset = program_.state_offset(number_);
  if (is_started(operation)) {  // from a static input: the same at every step, its numbers side by side
    const View initial = view(operation.operands[2]);
    scan->initial = draft_.touched(initial.at);
    scan->initial_stride = initial.axes[1].stride;
  }
  draft_.touched(a.at);
  draft_.touched(b.at);
  scan->out = draft_.touched(out.at);
  define(operation, late_ ? from_start(out) : out);
}

void Planner::add_elements_of_value(const Operation& operation) {
  const Shape& shape = program_.shape(operation.out);
  const std::ptrdiff_t size = shape.back(), length = shape[shape.size() - 2];
  const Spread a = in_one_piece(operand(operation, 0), &draft_);
  const Spread b = in_one_piece(operand(operation, 1), &draft_);
  const bool started = is_started(operation);
  const Spread initial = started ? in_one_piece(operand(operation, 2), &draft_) : Spread{{}, 0, 0, 1};
  const View out = fresh(shape);
  define(operation, out);
  if (out.elements() == 0) return;
  auto* scan = draft_.emit<ScanRows>(2 * out.elements());
  scan->job = of_rows(operation, size);
  scan->job.num_steps = length;
  scan->job.a_step = scan->job.b_step = scan->job.out_step = size;
  scan->a = a;
  scan->b = b;
  scan->initial = initial;
  scan->num_steps = num_steps_;
  scan->num_sequences = size_.num_sequences;
  scan->lead = elements(shape) / (length * size);
  draft_.touched(a.at);
  draft_.touched(b.at);
  if (started) draft_.touched(initial.at);
  scan->out = draft_.touched(out.at);
  scan->h = draft_.storage({size});
}

// A sequence at its first step takes over the state that was given for it; a flag behind its own says so.
void ScanElements::begin(const Frame& frame, std::ptrdiff_t sequence) const {
  const std::ptrdiff_t size = lead * job.size;
  std::byte* const state = frame.states[sequence] + state_offset;
  std::byte* const flag = state + size * static_cast<std::ptrdiff_t>(sizeof(float));
  float begun = 0.0F;
  copy_floats(flag, 1, &begun);
  // A sequence of length 0 has not begun.
  if (begun > 0.0F || (frame.lengths != nullptr && frame.lengths[sequence] == 0)) return;
  copy_floats(frame.at(initial) + sequence * initial_stride, size, state);
  begun = 1.0F;
  copy_floats(&begun, 1, flag);
}

void ScanElements::run(const Frame& frame) const {
  const std::ptrdiff_t size = lead * job.size;
  for (std::ptrdiff_t n = 0; n < num_sequences; ++n) {
    if (initial.exists() && lead > 0) begin(frame, n);
    ElementScan now = job;
    now.num_steps = frame.lengths != nullptr ? frame.lengths[n] : num_steps;
    for (std::ptrdiff_t row = 0; row < lead; ++row) {
      now.a = frame.at(a.at) + n * a.sequence + row * job.size;
      now.b = frame.at(b.at) + n * b.sequence + row * job.size;
      now.h = reinterpret_cast<float*>(frame.states[n] + state_offset) + row * job.size;
      now.out = frame.at(out) + n * size + row * job.size;
      kernels().values->scan(now);
    }
    for (std::ptrdiff_t t = now.num_steps; t < num_steps; ++t)
      std::fill_n(frame.at(out) + n * size + t * job.out_step, size, 0.0F);
  }
}

void ScanRows::run(const Frame& frame) const {
  ElementScan now = job;
  now.h = frame.at(h);
  now.out = frame.at(out);
  for (std::ptrdiff_t t = 0; t < num_steps; ++t) {
    for (std::ptrdiff_t n = 0; n < num_sequences; ++n) {
      for (std::ptrdiff_t row = 0; row < lead; ++row) {
        now.a = frame.at(a.at) + t * a.step + n * a.sequence + row * job.num_steps * job.size;
        now.b = frame.at(b.at) + t * b.step + n * b.sequence + row * job.num_steps * job.size;
        const float* const start = frame.at(initial.at);
        if (start == nullptr)
          std::fill_n(now.h, job.size, 0.0F);
        else
          copy_floats(start + t * initial.step + n * initial.sequence + row * job.size, job.size, now.h);
        kernels().values->scan(now);
        now.out += job.num_steps * job.size;
      }
    }
  }
}

}  // namespace whorl
