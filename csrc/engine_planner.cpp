#include "engine_planner.h"

namespace whorl {

Planner::Planner(const Program& program, Plan* plan)
    : program_(program),
      plan_(*plan),
      size_(plan->size_),
      views_(program.operations().size() * 2),
      targets_(views_.size()) {
  for (const Operation& operation : program.operations()) {
    const bool comes = operation.kind == Kind::input && operation.numbers[0] == 0;
    input_bases_.push_back(comes ? 1 + plan_.num_inputs_++ : -1);
  }
  first_tensor_ = 1 + plan_.num_inputs_;
  first_storage_ = first_tensor_ + static_cast<int>(program.tensors().size());
}

void Planner::run() {
  choose_targets();
  const std::vector<Operation>& operations = program_.operations();
  for (std::size_t n = 0; n < operations.size(); ++n) {
    number_ = n;
    const Operation& operation = operations[n];
    late_ = program_.is_late(operation.out);
    num_steps_ = late_ ? size_.num_steps - size_.start : size_.num_steps;
    if (num_steps_ == 0 && !program_.carries(operation)) continue;
    add(operation);
  }
  if (size_.start < size_.num_steps) write_output();
  lay_out();
}

View Planner::output_view() const {
  const Shape& shape = program_.shape(program_.output());
  const std::ptrdiff_t size = elements(shape);
  View view = {{0, 0}, {{size_.num_steps - size_.start, size}, {size_.num_sequences, size_.output_steps * size}}};
  append(row_major(shape), &view.axes);
  return view;
}

View Planner::operand(const Operation& operation, std::size_t place) const {
  const int value = operation.operands[place];
  return late_ && !program_.is_late(value) ? from_start(view(value)) : view(value);
}

View Planner::from_start(View view) const {
  view.at.offset += size_.start * view.axes[0].stride;
  view.axes[0].size -= size_.start;
  return view;
}

View Planner::fresh(const Shape& shape, std::ptrdiff_t num_steps) {
  std::vector<std::ptrdiff_t> sizes = {num_steps, size_.num_sequences};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  return dense(storage(num_steps * size_.num_sequences * whorl::elements(shape)), sizes);
}

std::vector<std::ptrdiff_t> Planner::with_last(const View& view, std::ptrdiff_t size) {
  std::vector<std::ptrdiff_t> sizes;
  for (const Axis& axis : view.axes) sizes.push_back(axis.size);
  sizes.back() = size;
  return sizes;
}

View Planner::slice(View view, std::size_t axis, std::ptrdiff_t start, std::ptrdiff_t count) {
  view.at.offset += start * view.axes[axis].stride;
  view.axes[axis].size = count;
  return view;
}

View Planner::columns(const View& view, std::ptrdiff_t start, std::ptrdiff_t count) {
  return slice(view, view.axes.size() - 1, start, count);
}

std::vector<Axis> Planner::still_axes(const Shape& shape) const {
  std::vector<Axis> axes = {{num_steps_, 0}, {size_.num_sequences, 0}};
  append(row_major(shape), &axes);
  return axes;
}

void Planner::append(const std::vector<Axis>& more, std::vector<Axis>* axes) {
  axes->insert(axes->end(), more.begin(), more.end());
}

View Planner::copied(const View& from) {
  const std::vector<std::ptrdiff_t> sizes = with_last(from, from.axes.back().size);
  const View to = dense(storage(from.elements()), sizes);
  copy(from, to);
  return to;
}

Rows Planner::rows(const View& x) {
  const std::ptrdiff_t size = x.axes.back().size;
  if (size == 0) return {x.at, 0, 0};
  const std::ptrdiff_t count = x.elements() / size;
  const std::vector<Axis> lead = merged({x.axes.begin(), x.axes.end() - 1}, 0);
  const bool in_one_piece = size == 1 || x.axes.back().stride == 1;
  if (in_one_piece && lead.size() <= 1) return {x.at, count, lead.empty() ? size : lead[0].stride};
  return {copied(x).at, count, size};
}

Rows Planner::whole_rows(const View& x) {
  const Rows found = rows(x);
  const std::ptrdiff_t size = x.axes.back().size;
  return found.stride == size || found.count <= 1 ? found : Rows{copied(x).at, found.count, size};
}

Spread Planner::spread(const View& x) {
  const std::vector<Axis> inner = merged(x.axes, value_axes);
  const View seen = inner.size() <= 1 ? x : copied(x);
  const std::vector<Axis> axes = merged(seen.axes, value_axes);
  return {seen.at, seen.axes[0].stride, seen.axes[1].stride, axes.empty() ? 1 : axes[0].stride};
}

void Planner::choose_targets() {
  const std::vector<Operation>& operations = program_.operations();
  std::vector<int> num_readers(views_.size(), 0);
  std::vector<bool> elementwise(views_.size(), false);
  for (const Operation& operation : operations) {
    const Kind kind = operation.kind;
    elementwise[index(operation.out)] = kind == Kind::activate || kind == Kind::combine || kind == Kind::reduce;
    for (const int operand : operation.operands) ++num_readers[index(operand)];
  }
  for (const Operation& operation : operations) {
    if (operation.kind != Kind::concat) continue;
    std::ptrdiff_t start = 0;
    for (const int part : operation.operands) {
      const bool alone = num_readers[index(part)] == 1 && part != program_.output();
      if (elementwise[index(part)] && alone && program_.is_late(part) == program_.is_late(operation.out)) {
        targets_[index(part)] = {true, &operation, start};
      }
      start += program_.shape(part)[static_cast<std::size_t>(operation.numbers[0])];
    }
  }
  const int output = program_.output();
  if (elementwise[index(output)] && program_.is_late(output)) targets_[index(output)] = {true, nullptr, 0};
}

bool Planner::is_placed(int value) const {
  const Target& target = targets_[index(value)];
  return target.exists && target.concat != nullptr;
}

View Planner::result(const Operation& operation) {
  const Target& target = targets_[index(operation.out)];
  if (!target.exists) return fresh(program_.shape(operation.out));
  if (target.concat == nullptr) return output_view();
  const std::size_t axis = value_axes + static_cast<std::size_t>(target.concat->numbers[0]);
  const std::ptrdiff_t count = program_.shape(operation.out)[axis - value_axes];
  return slice(concat_view(*target.concat), axis, target.start, count);
}

View Planner::concat_view(const Operation& concat) {
  View& whole = views_[index(concat.out)];
  if (whole.axes.empty()) whole = fresh(program_.shape(concat.out));
  return whole;
}

std::size_t Planner::table_size(const Operation& operation) const {
  return program_.tensors()[index(operation.tensors[0])].size();
}

Place Planner::storage(std::ptrdiff_t floats) {
  return {first_storage_ + arena_.take(floats, plan_.instructions_.size()), 0};
}

Place Planner::touched(Place place) {
  if (place.base >= first_storage_) arena_.touch(place.base - first_storage_, plan_.instructions_.size());
  return place;
}

void Planner::lay_out() {
  arena_.lay_out();
  plan_.arena_offsets_ = arena_.offsets();
  plan_.arena_floats_ = arena_.floats();
  plan_.bases_.assign(index(first_storage_) + plan_.arena_offsets_.size(), nullptr);
  for (std::size_t n = 0; n < program_.tensors().size(); ++n) {
    // Only read; one table of bases serves what is read and what is written.
    plan_.bases_[index(first_tensor_) + n] = const_cast<float*>(program_.tensors()[n].data());
  }
}

}  // namespace whorl
