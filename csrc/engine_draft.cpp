#include "engine_draft.h"

#include "sizes.h"

namespace whorl {
namespace {

constexpr double min_us_for_threads = 500.0;

constexpr std::size_t index(int value) { return static_cast<std::size_t>(value); }

}  // namespace

Draft::Draft(const Program& program, int num_inputs, Plan* plan)
    : program_(program),
      plan_(*plan),
      first_tensor_(1 + num_inputs),
      first_storage_(first_tensor_ + static_cast<int>(program.tensors().size())) {
  plan_.num_inputs_ = num_inputs;
}

void Draft::finish() {
  arena_.lay_out();
  plan_.arena_offsets_ = arena_.offsets();
  plan_.arena_floats_ = arena_.floats();
  plan_.bases_.assign(index(first_storage_) + plan_.arena_offsets_.size(), nullptr);
  for (std::size_t n = 0; n < program_.tensors().size(); ++n) {
    // Only read; one table of bases serves what is read and what is written.
    plan_.bases_[index(first_tensor_) + n] = const_cast<float*>(program_.tensors()[n].data());
  }
}

Place Draft::storage(std::initializer_list<std::ptrdiff_t> sizes) {
  std::ptrdiff_t floats = 1;
  for (const std::ptrdiff_t size : sizes) floats = times(floats, size);
  return {first_storage_ + arena_.take(floats, plan_.instructions_.size()), 0};
}

Place Draft::touched(Place place) {
  if (place.base >= first_storage_) arena_.touch(place.base - first_storage_, plan_.instructions_.size());
  return place;
}

int Draft::threads_for(double us) {
  plan_.estimated_us_ += us;
  return us < min_us_for_threads ? 1 : plan_.num_threads_;
}

void Draft::copy(const View& from, const View& to) {
  if (to.elements() == 0) return;
  auto* copy = emit<Copy>(to.elements());
  copy->loops = loops_over(to.axes, &from.axes, nullptr);
  copy->to = touched(to.at);
  copy->from = touched(from.at);
}

void Draft::multiply(const Rows& x, const Matrix& weight, Place bias, Place out) {
  if (x.count == 0) return;
  auto* affine = emit<Affine>(0);
  affine->job = whole_product(nullptr, x.count, weight, nullptr, nullptr);
  affine->job.x_stride = x.stride;
  affine->x = touched(x.at);
  affine->out = touched(out);
  affine->bias = bias;
  affine->num_threads = threads_for(whorl::estimated_us(affine->job));
}

void Draft::normalise(const Rows& x, std::ptrdiff_t size, Place gain, Place bias, float eps, Place out) {
  if (x.count == 0) return;
  auto* normalise = emit<Normalise>(3 * x.count * size);
  normalise->job.x_stride = x.stride;
  normalise->job.num_rows = x.count;
  normalise->job.size = size;
  normalise->job.eps = eps;
  normalise->job.out_stride = size;
  normalise->gain = gain;
  normalise->bias = bias;
  normalise->x = touched(x.at);
  normalise->out = touched(out);
}

View Draft::copied(const View& from) {
  const View to = dense(storage({from.elements()}), sizes_with_last(from, from.axes.back().size));
  copy(from, to);
  return to;
}

Rows Draft::rows(const View& x) {
  const std::ptrdiff_t size = x.axes.back().size;
  if (size == 0) return {x.at, 0, 0};
  const std::ptrdiff_t count = x.elements() / size;
  const std::vector<Axis> lead = merged({x.axes.begin(), x.axes.end() - 1}, 0);
  const bool in_one_piece = size == 1 || x.axes.back().stride == 1;
  if (in_one_piece && lead.size() <= 1) return {x.at, count, lead.empty() ? size : lead[0].stride};
  return {copied(x).at, count, size};
}

Rows Draft::whole_rows(const View& x) {
  const Rows found = rows(x);
  const std::ptrdiff_t size = x.axes.back().size;
  return found.stride == size || found.count <= 1 ? found : Rows{copied(x).at, found.count, size};
}

Spread Draft::spread(const View& x) {
  const std::vector<Axis> inner = merged(x.axes, value_axes);
  const View seen = inner.size() <= 1 ? x : copied(x);
  const std::vector<Axis> axes = merged(seen.axes, value_axes);
  return {seen.at, seen.axes[0].stride, seen.axes[1].stride, axes.empty() ? 1 : axes[0].stride};
}

}  // namespace whorl
