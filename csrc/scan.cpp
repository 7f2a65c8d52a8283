#include "scan.h"

#include <algorithm>

#include "dispatch.h"
#include "rounding.h"
#include "threads.h"

namespace whorl {
namespace {

// Waking a helper that sleeps costs tens of microseconds.
constexpr double min_us_per_thread = 40.0;
constexpr double cell_us_per_unit = 0.001;  // gates of one unit at one step, roughly

// Calls kernel(begin, end, index) for the rows of each part.
template <class Kernel>
void run(const Sequences& sequences, int parts, const Kernel& kernel) {
  const auto run_part = [&](int index) {
    const Rounding rounding(Subnormals::flush);
    kernel(cut(sequences.num_rows, index, parts), cut(sequences.num_rows, index + 1, parts), index);
  };
  if (parts == 1) return run_part(0);
  run_parts(parts, run_part);
}

// Calls visit(part, floats) for each part of `Gradients`.
template <class Visit>
void for_each_part(const Layer& layer, bool has_projection, const Visit& visit) {
  const std::ptrdiff_t gates = type_of(layer.cell).gates * layer.hidden;
  visit(&Gradients::input, gates * layer.features);
  visit(&Gradients::recurrent, gates * layer.width);
  visit(&Gradients::input_bias, gates);
  visit(&Gradients::bias, gates);
  visit(&Gradients::projection, has_projection ? layer.width * layer.hidden : 0);
  visit(&Gradients::norm_x_gain, gates);
  visit(&Gradients::norm_gain, gates);
  visit(&Gradients::norm_c_gain, layer.hidden);
  visit(&Gradients::norm_c_bias, layer.hidden);
}

// Memory of a thread for the gradients that it finds: a multiple of 16 floats.
std::ptrdiff_t gradient_floats(const Layer& layer, bool has_projection) {
  std::ptrdiff_t size = 0;
  for_each_part(layer, has_projection, [&](auto, std::ptrdiff_t floats) { size += floats; });
  return round_up(size, line_floats);
}

// Calls visit(part, floats of a row at a step) for each part of `Saved` that the layer has. Parts of one float come
// last, so that the others keep their borders.
template <class Visit>
void for_each_part(const SavedLayout& layout, const Visit& visit) {
  const auto& [cell, hidden, width, normed, normed_c, projected] = layout;
  const std::ptrdiff_t gates = cell.gates * hidden;
  visit(&Saved::gates, gates);
  visit(&Saved::h, width);
  if (cell.has_c) visit(&Saved::c, hidden);
  if (cell.splits) visit(&Saved::u, hidden);
  if (projected) visit(&Saved::raw_h, hidden);
  if (normed) visit(&Saved::normed, gates);
  if (normed) visit(&Saved::normed_x, gates);
  if (normed_c) visit(&Saved::normed_c, hidden);
  if (normed) visit(&Saved::norm_scale, 1);
  if (normed) visit(&Saved::norm_x_scale, 1);
  if (normed_c) visit(&Saved::norm_scale_c, 1);
}

// Zeros in `memory`; the first thread works where the whole is wanted.
Gradients own_gradients(const Backward& job, bool has_projection, int index, float* memory) {
  Gradients own = {};
  for_each_part(job.layer, has_projection, [&](auto part, std::ptrdiff_t floats) {
    own.*part = index == 0 && job.gradients.*part != nullptr ? job.gradients.*part : memory;
    std::fill_n(own.*part, floats, 0.0F);
    memory += floats;
  });
  return own;
}

}  // namespace

std::ptrdiff_t SavedLayout::floats() const {
  std::ptrdiff_t total = 0;
  for_each_part(*this, [&](auto, std::ptrdiff_t floats) { total += floats; });
  return total;
}

Saved SavedLayout::in(float* memory, std::ptrdiff_t num_places) const {
  Saved saved = {};
  for_each_part(*this, [&](auto part, std::ptrdiff_t floats) {
    saved.*part = memory;
    memory += floats * num_places;
  });
  return saved;
}

std::ptrdiff_t scratch_floats(const Layer& layer) { return kernels().scan_scratch(layer); }

std::ptrdiff_t backward_scratch_floats(const Layer& layer, bool has_projection) {
  return gradient_floats(layer, has_projection) + kernels().scan_backward_scratch(layer, has_projection);
}

void scan(const Forward& job, int parts, float* scratch) {
  run(job.sequences, parts, [&](std::ptrdiff_t begin, std::ptrdiff_t end, int index) {
    float* own = index > 0 ? scratch + index * scratch_floats(job.layer) : scratch;
    kernels().scan_forward(job, begin, end, own);
  });
}

void scan(const Backward& job, int parts, float* scratch) {
  const bool has_projection = job.projection_back != nullptr;
  const std::ptrdiff_t scratch_size = backward_scratch_floats(job.layer, has_projection);
  const std::ptrdiff_t gradients_size = gradient_floats(job.layer, has_projection);
  run(job.sequences, parts, [&](std::ptrdiff_t begin, std::ptrdiff_t end, int index) {
    float* memory = scratch + index * scratch_size;
    const Gradients gradients = own_gradients(job, has_projection, index, memory);
    kernels().scan_backward(job, begin, end, gradients, memory + gradients_size);
  });
  for (int index = 1; index < parts; ++index) {
    const float* other = scratch + index * scratch_size;
    for_each_part(job.layer, has_projection, [&](auto part, std::ptrdiff_t floats) {
      float* whole = job.gradients.*part;
      for (std::ptrdiff_t i = 0; whole != nullptr && i < floats; ++i) whole[i] += other[i];
      other += floats;
    });
  }
}

int num_parts(const Layer& layer, const Sequences& sequences, int num_threads) {
  return worthwhile_parts(estimated_us(layer, sequences), min_us_per_thread,
                          std::min<std::ptrdiff_t>(num_threads, sequences.num_rows));
}

double estimated_us(const Layer& layer, const Sequences& sequences) {
  const auto gates = static_cast<double>(type_of(layer.cell).gates * layer.hidden);
  const auto depth = static_cast<double>(layer.width + layer.features);
  const double step =
      gates * depth / kernels().multiply_adds_per_us + cell_us_per_unit * static_cast<double>(layer.hidden);
  return step * static_cast<double>(sequences.num_steps) * static_cast<double>(sequences.num_rows);
}

}  // namespace whorl
