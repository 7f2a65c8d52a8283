#include "engine_instructions.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "dispatch.h"

namespace whorl {
namespace {

constexpr std::ptrdiff_t float_bytes = sizeof(float);

// States lie in memory as they are stored, so doubles may stand at any multiple of four bytes.
template <class T>
T loaded(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void stored(T value, std::byte* to) {
  std::memcpy(to, &value, sizeof value);
}

void copy_floats(const void* from, std::ptrdiff_t count, void* to) {
  std::memcpy(to, from, static_cast<std::size_t>(count * float_bytes));
}

}  // namespace

void Copy::run(const Frame& frame) const { kernels().values->copy(loops, frame.at(to), frame.at(from)); }

void Activate::run(const Frame& frame) const {
  kernels().values->activate(function, loops, frame.at(to), frame.at(from));
}

void Combine::run(const Frame& frame) const {
  kernels().values->combine(function, loops, frame.at(to), frame.at(a), frame.at(b));
}

void Reduce::run(const Frame& frame) const {
  kernels().values->reduce(function, loops, size, stride, frame.at(to), frame.at(from));
}

void Normalise::run(const Frame& frame) const {
  Normalisation now = job;
  now.x = frame.at(x);
  now.out = frame.at(out);
  now.gain = frame.at(gain);
  now.bias = frame.at(bias);
  kernels().values->normalise(now);
}

void Affine::run(const Frame& frame) const {
  AffineJob now = job;
  now.x = frame.at(x);
  now.out = frame.at(out);
  now.bias = frame.at(bias);
  if (num_threads == 1) return kernels().affine(now);  // the rounding is set for the whole plan
  affine(now, num_threads);
}

void Embed::run(const Frame& frame) const {
  const float* code = frame.at(codes);
  const float* rows = frame.at(table);
  float* to = frame.at(out);
  for (std::ptrdiff_t row = 0; row < num_rows; ++row) {
    // Compared as a float: what is outside the range of whole numbers may not be converted. NaN is outside.
    const bool known = *code >= 0.0F && *code < static_cast<float>(num_codes);
    const std::ptrdiff_t number = known ? std::min(static_cast<std::ptrdiff_t>(*code), num_codes - 1) : 0;
    copy_floats(rows + number * size, size, to);
    code += code_stride;
    to += size;
  }
}

void CellPlaces::settle(const Frame& frame, Layer* layer) const {
  layer->bias = frame.at(bias);
  layer->norm_gain = frame.at(norm_gain);
  layer->norm_c_gain = frame.at(norm_c_gain);
  layer->norm_c_bias = frame.at(norm_c_bias);
}

void ScanStream::exchange(const Frame& frame, float* all_h, float* all_c, bool back) const {
  const Layer& layer = job.layer;
  const auto copy = [back](std::byte* state, float* part, std::ptrdiff_t count) {
    if (back)
      copy_floats(part, count, state);
    else
      copy_floats(state, count, part);
  };
  for (std::ptrdiff_t row = 0; row < job.sequences.num_rows; ++row) {
    const std::ptrdiff_t c_size = all_c != nullptr ? layer.hidden : 0;
    std::byte* state = frame.states[row / lead] + state_offset + row % lead * (layer.width + c_size) * float_bytes;
    copy(state, all_h + row * layer.width, layer.width);
    if (all_c != nullptr) copy(state + layer.width * float_bytes, all_c + row * c_size, c_size);
  }
}

// Sequences at their first step take over the state that was given for them; a flag behind their own says so.
void ScanStream::begin(const Frame& frame) const {
  if (lead == 0) return;  // rows of nothing have no state
  const std::ptrdiff_t size = lead * (job.layer.width + (c.exists() ? job.layer.hidden : 0));
  for (std::ptrdiff_t n = 0; n < job.sequences.num_rows / lead; ++n) {
    std::byte* const state = frame.states[n] + state_offset;
    std::byte* const begun = state + size * float_bytes;
    // A sequence of length 0 has not begun.
    if (loaded<float>(begun) > 0.0F || (frame.lengths != nullptr && frame.lengths[n] == 0)) continue;
    copy_floats(frame.at(initial) + n * initial_stride, size, state);
    stored(1.0F, begun);
  }
}

void ScanStream::run(const Frame& frame) const {
  if (initial.exists()) begin(frame);
  Forward now = job;
  tensors.settle(frame, &now.layer);
  now.gates = frame.at(gates);
  now.out = frame.at(out);
  now.sequences.lengths = frame.lengths;
  if (frame.lengths != nullptr && lead > 1) {
    auto* each = reinterpret_cast<std::int64_t*>(frame.at(row_lengths));
    for (std::ptrdiff_t row = 0; row < now.sequences.num_rows; ++row) each[row] = frame.lengths[row / lead];
    now.sequences.lengths = each;
  }
  const bool alone = now.sequences.num_rows == 1;
  if (alone) {  // works on the state where it is
    now.h = reinterpret_cast<float*>(frame.states[0] + state_offset);
    now.c = c.exists() ? now.h + now.layer.width : nullptr;
  } else {
    now.h = frame.at(h);
    now.c = frame.at(c);
    exchange(frame, now.h, now.c, false);
  }
  scan(now, parts, frame.at(scratch));
  if (!alone) exchange(frame, now.h, now.c, true);
}

void Attend::run(const Frame& frame) const {
  Attention now = job;
  now.query.at = frame.at(query);
  now.keys.at = frame.at(keys);
  now.values.at = frame.at(values);
  now.length.at = frame.at(length);
  now.vector = frame.at(vector);
  now.out = frame.at(out);
  now.weights = frame.at(scratch);
  kernels().values->attend(now);
}

void ScanValue::run(const Frame& frame) const {
  Forward now = job;
  tensors.settle(frame, &now.layer);
  now.gates = frame.at(gates);
  now.out = frame.at(out);
  now.h = frame.at(h);
  now.c = frame.at(c);
  if (from_zero) {
    std::fill_n(now.h, now.sequences.num_rows * now.layer.width, 0.0F);
    if (now.c != nullptr) std::fill_n(now.c, now.sequences.num_rows * now.layer.hidden, 0.0F);
  }
  scan(now, parts, frame.at(scratch));
}

void StepCell::run(const Frame& frame) const {
  CellStep now = job;
  now.out = frame.at(out);
  now.gates = frame.at(gates);
  now.state = frame.at(state);
  now.u = frame.at(u);
  now.norm_gain = frame.at(tensors.norm_gain);
  now.norm_bias = frame.at(norm_bias);
  now.norm_c_gain = frame.at(tensors.norm_c_gain);
  now.norm_c_bias = frame.at(tensors.norm_c_bias);
  now.scratch = frame.at(scratch);
  kernels().values->cell_step(now);
}

void Keep::run(const Frame& frame) const {
  for (std::ptrdiff_t n = 0; n < num_sequences; ++n) {
    if (frame.lengths != nullptr && frame.lengths[n] == 0) continue;
    const float* const from = frame.at(x.at) + n * x.sequence;
    for (std::ptrdiff_t i = 0; i < size; ++i)
      stored(from[i * x.element], frame.states[n] + state_offset + i * float_bytes);
  }
}

void LoadState::run(const Frame& frame) const {
  for (std::ptrdiff_t n = 0; n < num_sequences; ++n)
    copy_floats(frame.states[n] + state_offset, size, frame.at(to) + n * size);
}

void Window::run(const Frame& frame) const {
  float* const all = frame.at(buffers);
  const std::ptrdiff_t stride = (num_kept + num_steps) * size;
  for (std::ptrdiff_t n = 0; n < num_sequences; ++n)
    copy_floats(frame.states[n] + state_offset, num_kept * size, all + n * stride);
  kernels().values->copy(loops, all + num_kept * size, frame.at(x));
  for (std::ptrdiff_t n = 0; n < num_sequences; ++n) {
    const std::ptrdiff_t real = frame.lengths != nullptr ? frame.lengths[n] : num_steps;
    copy_floats(all + n * stride + real * size, num_kept * size, frame.states[n] + state_offset);
  }
}

void Running::run_element(std::ptrdiff_t steps, std::ptrdiff_t real, const float* from, std::byte* state,
                          std::ptrdiff_t element, float* to) const {
  constexpr std::ptrdiff_t double_bytes = sizeof(double);
  std::byte* const mean_at = state + (1 + element) * double_bytes;
  std::byte* const squares_at = state + (1 + size + element) * double_bytes;
  double weight = loaded<double>(state), mean = loaded<double>(mean_at), squares = loaded<double>(squares_at);
  for (std::ptrdiff_t t = 0; t < steps; ++t) {
    if (t < real) {
      weight = decay * weight + 1.0;
      const auto now = static_cast<double>(from[t * x.step]);
      const double delta = now - mean;
      mean += delta / weight;
      squares = decay * squares + delta * (now - mean);
    }
    float* row = to + t * num_sequences * 2 * size;
    row[0] = static_cast<float>(mean);
    row[size] = static_cast<float>(std::sqrt(squares / std::max(weight, 1.0) + floor * floor));
  }
  stored(mean, mean_at);
  stored(squares, squares_at);
  if (element + 1 == size) stored(weight, state);  // every element starts from the old one
}

void Running::run(const Frame& frame) const {
  for (std::ptrdiff_t n = 0; n < num_sequences; ++n) {
    const std::ptrdiff_t real = frame.lengths != nullptr ? frame.lengths[n] : num_steps;
    for (std::ptrdiff_t element = 0; element < size; ++element) {
      run_element(num_steps, real, frame.at(x.at) + n * x.sequence + element * x.element,
                  frame.states[n] + state_offset, element, frame.at(out) + n * 2 * size + element);
    }
  }
}

void Pool::largest(std::ptrdiff_t real, const float* from, std::byte* state, float* to) const {
  std::byte* const seen_at = state + size * float_bytes;
  const bool seen = loaded<float>(seen_at) > 0.0F;
  for (std::ptrdiff_t element = 0; element < size; ++element) {
    std::byte* const value_at = state + element * float_bytes;
    float value = loaded<float>(value_at);
    for (std::ptrdiff_t t = 0; t < num_steps; ++t) {
      if (t < real) {
        const float now = from[t * x.step + element * x.element];
        // NaN stays.
        if ((t == 0 && !seen) || now > value || now != now) value = now;
      }
      to[t * num_sequences * size + element] = value;
    }
    stored(value, value_at);
  }
  if (real > 0) stored(1.0F, seen_at);
}

void Pool::softmax_mean(std::ptrdiff_t real, const float* from, std::byte* state, float* to) const {
  constexpr std::ptrdiff_t double_bytes = sizeof(double);
  double top = loaded<double>(state), total = loaded<double>(state + double_bytes);
  std::byte* const sums = state + 2 * double_bytes;
  for (std::ptrdiff_t t = 0; t < num_steps; ++t) {
    const float* const now = from + t * x.step;
    double kept = 1.0, own = 0.0;
    if (t < real) {
      const auto score = static_cast<double>(now[size * x.element]);
      const bool begun = total > 0.0;
      // As numpy's maximum: NaN stays.
      const double new_top = !begun || score > top || score != score ? score : top;
      // What came before counts less by as much as the largest weight has grown.
      kept = begun ? std::exp(top - new_top) : 0.0;
      own = std::exp(score - new_top);
      top = new_top;
      total = total * kept + own;
    }
    float* const row = to + t * num_sequences * size;
    for (std::ptrdiff_t element = 0; element < size; ++element) {
      std::byte* const sum_at = sums + element * double_bytes;
      double sum = loaded<double>(sum_at);
      if (t < real) {
        sum = sum * kept + own * static_cast<double>(now[element * x.element]);
        stored(sum, sum_at);
      }
      row[element] = static_cast<float>(sum / (total > 0.0 ? total : 1.0));
    }
  }
  stored(top, state);
  stored(total, state + double_bytes);
}

void Pool::run(const Frame& frame) const {
  for (std::ptrdiff_t n = 0; n < num_sequences; ++n) {
    const std::ptrdiff_t real = frame.lengths != nullptr ? frame.lengths[n] : num_steps;
    const float* const from = frame.at(x.at) + n * x.sequence;
    std::byte* const state = frame.states[n] + state_offset;
    float* const to = frame.at(out) + n * size;
    if (softmax)
      softmax_mean(real, from, state, to);
    else
      largest(real, from, state, to);
  }
}

void First::run(const Frame& frame) const {
  for (std::ptrdiff_t n = 0; n < num_sequences; ++n) {
    std::byte* value = frame.states[n] + state_offset;
    std::byte* seen = value + size * float_bytes;
    float* to = frame.at(out) + n * size;
    if (loaded<float>(seen) > 0.0F) {
      copy_floats(value, size, to);
      continue;
    }
    const float* from = frame.at(x.at) + n * x.sequence;
    for (std::ptrdiff_t i = 0; i < size; ++i) to[i] = from[i * x.element];
    // A sequence of length 0 has not begun: what stands at its first step is padding.
    if (frame.lengths != nullptr && frame.lengths[n] == 0) continue;
    copy_floats(to, size, value);
    stored(1.0F, seen);
  }
}

}  // namespace whorl
