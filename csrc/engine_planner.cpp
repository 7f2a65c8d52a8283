#include "engine_planner.h"

#include <algorithm>

namespace whorl {
namespace {

int count_inputs(const Program& program) {
  const std::vector<Operation>& all = program.operations();
  return static_cast<int>(std::count_if(all.begin(), all.end(), comes_at_every_step));
}

std::vector<int> number_inputs(const Program& program) {
  std::vector<int> numbers;
  int next = 0;
  for (const Operation& operation : program.operations())
    numbers.push_back(comes_at_every_step(operation) ? next++ : -1);
  return numbers;
}

}  // namespace

Planner::Planner(const Program& program, Plan* plan)
    : program_(program),
      size_(plan->size()),
      input_numbers_(number_inputs(program)),
      draft_(program, count_inputs(program), plan),
      views_(program.operations().size() * 2),
      targets_(views_.size()) {}

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
  draft_.finish();
}

View Planner::output_view() const {
  const Shape& shape = program_.shape(program_.output());
  const std::ptrdiff_t size = elements(shape);
  View view = {Draft::output(),
               {{size_.num_steps - size_.start, size}, {size_.num_sequences, size_.output_steps * size}}};
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

View Planner::still(Place at, std::ptrdiff_t sequence_stride, const Shape& shape) const {
  View view = {at, {{num_steps_, 0}, {size_.num_sequences, sequence_stride}}};
  append(row_major(shape), &view.axes);
  return view;
}

View Planner::fresh(const Shape& shape, std::ptrdiff_t num_steps) {
  std::vector<std::ptrdiff_t> sizes = {num_steps, size_.num_sequences};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  return dense(draft_.storage({num_steps, size_.num_sequences, elements(shape)}), sizes);
}

void Planner::write_output() {
  num_steps_ = size_.num_steps - size_.start;
  const int output = program_.output();
  if (targets_[index(output)].exists) return;
  draft_.copy(program_.is_late(output) ? view(output) : from_start(view(output)), output_view());
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
  const std::size_t axis = value_axis(target.concat->numbers[0]);
  const std::ptrdiff_t count = program_.shape(operation.out)[axis - value_axes];
  return slice(concat_view(*target.concat), axis, target.start, count);
}

View Planner::concat_view(const Operation& concat) {
  View& whole = views_[index(concat.out)];
  if (whole.axes.empty()) whole = fresh(program_.shape(concat.out));
  return whole;
}

}  // namespace whorl
