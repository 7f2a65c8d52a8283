#include "program.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "multiples.h"
#include "sizes.h"

namespace whorl {
namespace {

constexpr auto float_bytes = static_cast<std::ptrdiff_t>(sizeof(float));
constexpr auto double_bytes = static_cast<std::ptrdiff_t>(sizeof(double));

struct NamedKind {
  const char* name;
  Kind kind;
};

constexpr NamedKind named_kinds[] = {
    {"input", Kind::input},         {"constant", Kind::constant},   {"affine", Kind::affine},
    {"embed", Kind::embed},         {"activate", Kind::activate},   {"combine", Kind::combine},
    {"normalise", Kind::normalise}, {"recurrent", Kind::recurrent}, {"step", Kind::step},
    {"window", Kind::window},       {"running", Kind::running},     {"first", Kind::first},
    {"pool", Kind::pool},           {"previous", Kind::previous},   {"keep", Kind::keep},
    {"attend", Kind::attend},       {"slice", Kind::slice},         {"take", Kind::take},
    {"reshape", Kind::reshape},     {"transpose", Kind::transpose}, {"concat", Kind::concat},
    {"repeat", Kind::repeat},       {"reduce", Kind::reduce},       {"scan", Kind::scan},
    {"convolve", Kind::convolve},
};

}  // namespace

std::ptrdiff_t elements(const Shape& shape) {
  std::ptrdiff_t product = 1;
  for (const std::ptrdiff_t size : shape) product = times(product, size);
  return product;
}

Kind kind_named(const std::string& name) {
  for (const NamedKind& candidate : named_kinds) {
    if (candidate.name == name) return candidate.kind;
  }
  throw std::invalid_argument("the engine knows no operation '" + name + "'.");
}

int Program::add_tensor(const float* values, std::ptrdiff_t size) {
  tensors_.emplace_back(values, values + size);
  return static_cast<int>(tensors_.size()) - 1;
}

int Program::add_weight(const float* values, std::ptrdiff_t out_features, std::ptrdiff_t in_features, Format format) {
  weights_.emplace_back(values, out_features, in_features, format);
  return static_cast<int>(weights_.size()) - 1;
}

int Program::add(Operation operation, const Shape& shape, const Shape* final_shape) {
  if (is_finished()) throw std::invalid_argument("the program is finished: no operation can be added.");
  const auto known = static_cast<int>(shapes_.size());
  for (const int operand : operation.operands) {
    if (operand < 0 || operand >= known) throw std::invalid_argument("an operand is not defined before it is read.");
  }
  operation.out = known;
  shapes_.push_back(shape);
  if (final_shape != nullptr) {
    operation.final = known + 1;
    shapes_.push_back(*final_shape);
  }
  operations_.push_back(std::move(operation));
  return known;
}

void Program::finish(int output) {
  if (is_finished()) throw std::invalid_argument("the program is finished already.");
  if (output < 0 || output >= static_cast<int>(shapes_.size())) throw std::invalid_argument("the output is no value.");
  output_ = output;
  find_late();
  lay_out_state();
}

const Matrix* Program::weight(int number) const {
  return number < 0 ? nullptr : &weights_[static_cast<std::size_t>(number)].matrix();
}

Units Program::units(const Operation& operation) const {
  const bool recurrent = operation.kind == Kind::recurrent;
  const Matrix* own = weight(operation.weights[recurrent ? 1 : 0]);
  const Cell cell = cell_named(operation.word.c_str());
  return {cell, own->out_features / type_of(cell).gates, own->in_features};
}

std::size_t Program::maker(int value) const {
  const auto makes = [value](const Operation& operation) { return operation.out == value; };
  const auto found = std::find_if(operations_.begin(), operations_.end(), makes);
  return static_cast<std::size_t>(found - operations_.begin());
}

bool Program::carries(const Operation& operation) const {
  switch (operation.kind) {
    case Kind::window:
    case Kind::running:
    case Kind::pool:
    case Kind::previous:
    case Kind::keep:
    case Kind::first:
      return true;
    case Kind::recurrent:
    case Kind::scan:
      return operation.numbers[0] != 0;
    default:
      return false;
  }
}

std::ptrdiff_t Program::state_bytes_of(const Operation& operation) const {
  if (!carries(operation) || operation.kind == Kind::keep) return 0;  // what is kept is the state of `previous`
  if (operation.kind == Kind::previous) return elements(shape(operation.out)) * float_bytes;
  const Shape& x = shape(operation.operands[0]);
  switch (operation.kind) {
    case Kind::window:
      return (operation.numbers[0] - 1) * elements(x) * float_bytes;
    case Kind::running:  // weight, mean, squares
      return (1 + 2 * elements(x)) * double_bytes;
    case Kind::pool:
      // softmax: top, total, sums; max: value, seen
      return operation.word == "softmax" ? (1 + elements(x)) * double_bytes : (elements(x) + 1) * float_bytes;
    case Kind::first:  // value, seen
      return (elements(x) + 1) * float_bytes;
    case Kind::scan:  // then whether a given state was taken over
      return (elements(x) + (is_started(operation) ? 1 : 0)) * float_bytes;
    default: {  // h, and c behind it, of each row; then whether a given state was taken over
      const std::ptrdiff_t begun = is_started(operation) ? 1 : 0;
      return times(times(elements(x) / x.back(), units(operation).state()) + begun, float_bytes);
    }
  }
}

void Program::find_late() {
  late_.assign(shapes_.size(), true);
  for (auto operation = operations_.rbegin(); operation != operations_.rend(); ++operation) {
    const auto early = [&](int value) { return value >= 0 && !late_[static_cast<std::size_t>(value)]; };
    const bool read_early = early(operation->out) || early(operation->final);
    if (!carries(*operation) && !read_early) continue;
    // The two values of a recurrence are made together: at all steps, or at none that is not wanted.
    if (read_early && operation->final >= 0) {
      late_[static_cast<std::size_t>(operation->out)] = late_[static_cast<std::size_t>(operation->final)] = false;
    }
    for (const int operand : operation->operands) late_[static_cast<std::size_t>(operand)] = false;
  }
}

void Program::lay_out_state() {
  offsets_.assign(operations_.size(), 0);
  for (std::size_t n = 0; n < operations_.size(); ++n) {
    const Operation& operation = operations_[n];
    offsets_[n] = state_bytes_;
    state_bytes_ += state_bytes_of(operation);
    if (reads_backwards(operation)) streams_ = false;
    if (operation.kind == Kind::previous) loops_ = true;
  }
  if (loops_ && !streams_) throw std::invalid_argument("what loops cannot read the whole sequence at once.");
  row_bytes_ = state_bytes_;
  for (std::size_t n = 0; n < operations_.size(); ++n) {
    const Operation& operation = operations_[n];
    if (!is_static(operation)) continue;
    offsets_[n] = row_bytes_;
    row_bytes_ += elements(shape(operation.out)) * float_bytes;
  }
  row_bytes_ = std::max(line_bytes, round_up(row_bytes_, line_bytes));  // so that rows of the slab begin at lines
}

}  // namespace whorl
