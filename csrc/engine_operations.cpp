// How each operation becomes instructions or a view.
#include <stdexcept>
#include <string>

#include "engine_planner.h"
#include "sizes.h"

namespace whorl {
namespace {

template <class Function>
struct Named {
  const char* name;
  Function function;
};

constexpr Named<Activation> activations[] = {
    {"tanh", Activation::tanh},         {"relu", Activation::relu}, {"sigmoid", Activation::sigmoid},
    {"softplus", Activation::softplus}, {"exp", Activation::exp},   {"sqrt", Activation::sqrt},
    {"square", Activation::square},
};
constexpr Named<Combination> combinations[] = {
    {"add", Combination::add},       {"subtract", Combination::subtract}, {"multiply", Combination::multiply},
    {"divide", Combination::divide}, {"maximum", Combination::maximum},
};
constexpr Named<Reduction> reductions[] = {{"mean", Reduction::mean}, {"max", Reduction::max}};

template <class Function, std::size_t Count>
Function named(const Named<Function> (&all)[Count], const std::string& name) {
  for (const Named<Function>& candidate : all) {
    if (candidate.name == name) return candidate.function;
  }
  throw std::invalid_argument("the engine knows no function '" + name + "'.");
}

}  // namespace

void Planner::add(const Operation& operation) {
  switch (operation.kind) {
    case Kind::input:
      return add_input(operation);
    case Kind::constant:
      return define(operation, still(draft_.tensor(operation.tensors[0]), 0, program_.shape(operation.out)));
    case Kind::affine:
      return add_affine(operation);
    case Kind::convolve:
      return add_convolve(operation);
    case Kind::embed:
      return add_embed(operation);
    case Kind::activate:
      return add_activate(operation);
    case Kind::combine:
      return add_combine(operation);
    case Kind::normalise:
      return add_normalise(operation);
    case Kind::recurrent:
      return program_.carries(operation) ? add_scan_of_stream(operation) : add_scan_of_value(operation);
    case Kind::scan:
      return program_.carries(operation) ? add_elements_of_stream(operation) : add_elements_of_value(operation);
    case Kind::step:
      return add_step(operation);
    case Kind::window:
      return add_window(operation);
    case Kind::running:
      return add_running(operation);
    case Kind::pool:
      return add_pool(operation);
    case Kind::previous:
      return define(operation, loaded(operation));
    case Kind::keep:
      return add_keep(operation);
    case Kind::attend:
      return add_attend(operation);
    case Kind::first:
      return add_first(operation);
    case Kind::reduce:
      return add_reduce(operation);
    case Kind::concat:
      return add_concat(operation);
    case Kind::take:
      return add_take(operation);
    default:
      return add_view(operation);
  }
}

void Planner::add_input(const Operation& operation) {
  const Shape& shape = program_.shape(operation.out);
  const std::ptrdiff_t size = elements(shape);
  if (is_static(operation)) return define(operation, loaded(operation));
  const Axis sequences = {size_.num_sequences, size_.input_steps * size};
  View view = {Draft::input(input_numbers_[number_]), {{size_.num_steps, size}, sequences}};
  append(row_major(shape), &view.axes);
  define(operation, late_ ? from_start(view) : view);
}

View Planner::loaded(const Operation& operation) {
  const Shape& shape = program_.shape(operation.out);
  const std::ptrdiff_t size = elements(shape);
  auto* load = draft_.emit<LoadState>(size_.num_sequences * size);
  load->num_sequences = size_.num_sequences;
  load->size = size;
  load->state_offset = program_.state_offset(number_);
  load->to = draft_.storage({size_.num_sequences, size});
  return still(load->to, size, shape);
}

void Planner::add_keep(const Operation& operation) {
  const View& value = view(operation.operands[0]);
  const Spread x = draft_.spread(value);
  auto* keep = draft_.emit<Keep>(size_.num_sequences * elements(program_.shape(operation.out)));
  keep->x = x;
  keep->num_sequences = size_.num_sequences;
  keep->size = elements(program_.shape(operation.out));
  keep->state_offset = program_.state_offset(program_.maker(operation.operands[1]));
  draft_.touched(x.at);
  define(operation, late_ ? from_start(value) : value);
}

void Planner::add_affine(const Operation& operation) {
  const Rows x = draft_.rows(operand(operation, 0));
  const View out = fresh(program_.shape(operation.out));
  draft_.multiply(x, *program_.weight(operation.weights[0]), draft_.tensor(operation.tensors[0]), out.at);
  define(operation, out);
}

void Planner::add_embed(const Operation& operation) {
  const Rows codes = draft_.rows(operand(operation, 0));
  const View out = fresh(program_.shape(operation.out));
  define(operation, out);
  if (out.elements() == 0) return;
  const std::ptrdiff_t size = out.axes.back().size;
  auto* embed = draft_.emit<Embed>(codes.count * size);
  embed->num_rows = codes.count;
  embed->code_stride = codes.stride;
  embed->size = size;
  embed->table = draft_.tensor(operation.tensors[0]);
  embed->num_codes = static_cast<std::ptrdiff_t>(program_.tensors()[index(operation.tensors[0])].size()) / size;
  embed->codes = draft_.touched(codes.at);
  embed->out = draft_.touched(out.at);
}

void Planner::add_activate(const Operation& operation) {
  const View x = operand(operation, 0);
  const View out = result(operation);
  define(operation, out);
  if (out.elements() == 0) return;
  auto* activate = draft_.emit<Activate>(4 * out.elements());
  activate->function = named(activations, operation.word);
  activate->loops = loops_over(out.axes, &x.axes, nullptr);
  activate->to = draft_.touched(out.at);
  activate->from = draft_.touched(x.at);
}

void Planner::add_combine(const Operation& operation) {
  const View out = result(operation);
  const View a = stretched(operand(operation, 0), out.axes), b = stretched(operand(operation, 1), out.axes);
  define(operation, out);
  if (out.elements() == 0) return;
  auto* combine = draft_.emit<Combine>(out.elements());
  combine->function = named(combinations, operation.word);
  combine->loops = loops_over(out.axes, &a.axes, &b.axes);
  combine->to = draft_.touched(out.at);
  combine->a = draft_.touched(a.at);
  combine->b = draft_.touched(b.at);
}

void Planner::add_reduce(const Operation& operation) {
  View x = operand(operation, 0);
  const View out = result(operation);
  define(operation, out);
  if (out.elements() == 0) return;
  Axis& reduced = x.axes[value_axis(operation.numbers[0])];
  auto* reduce = draft_.emit<Reduce>(x.elements());
  reduce->function = named(reductions, operation.word);
  reduce->size = reduced.size;
  reduce->stride = reduced.stride;
  reduced = {1, 0};
  reduce->loops = loops_over(out.axes, &x.axes, nullptr);
  reduce->to = draft_.touched(out.at);
  reduce->from = draft_.touched(x.at);
}

void Planner::add_normalise(const Operation& operation) {
  const Rows x = draft_.rows(operand(operation, 0));
  const View out = fresh(program_.shape(operation.out));
  const std::ptrdiff_t size = out.axes.back().size;
  const Place gain = draft_.tensor(operation.tensors[0]), bias = draft_.tensor(operation.tensors[1]);
  draft_.normalise(x, size, gain, bias, static_cast<float>(operation.reals[0]), out.at);
  define(operation, out);
}

void Planner::add_window(const Operation& operation) {
  const View x = view(operation.operands[0]);
  const Shape& shape = program_.shape(operation.operands[0]);
  const std::ptrdiff_t size = elements(shape), kept = operation.numbers[0] - 1;
  const std::ptrdiff_t stride = times(kept + size_.num_steps, size);
  const Place buffers = draft_.storage({size_.num_sequences, stride});
  View to = {buffers, {{size_.num_steps, size}, {size_.num_sequences, stride}}};
  append(row_major(shape), &to.axes);
  auto* window = draft_.emit<Window>(size_.num_sequences * stride);
  window->loops = loops_over(to.axes, &x.axes, nullptr);
  if (size == 0) window->loops = {1, {0}, {}};
  window->x = draft_.touched(x.at);
  window->buffers = draft_.touched(buffers);
  window->num_steps = size_.num_steps;
  window->num_sequences = size_.num_sequences;
  window->num_kept = kept;
  window->size = size;
  window->state_offset = program_.state_offset(number_);
  to.axes.insert(to.axes.begin() + value_axes, {kept + 1, size});
  define(operation, late_ ? from_start(to) : to);
}

// An operation that goes through the stream step by step and gives a value at each.
template <class Stepwise>
Stepwise* Planner::add_stepwise(const Operation& operation, std::ptrdiff_t size, std::ptrdiff_t cost) {
  const Spread x = draft_.spread(view(operation.operands[0]));
  const View out = fresh(program_.shape(operation.out), size_.num_steps);
  auto* made = draft_.emit<Stepwise>(cost * out.elements());
  made->x = x;
  made->out = draft_.touched(out.at);
  made->num_steps = size_.num_steps;
  made->num_sequences = size_.num_sequences;
  made->size = size;
  made->state_offset = program_.state_offset(number_);
  draft_.touched(x.at);
  define(operation, late_ ? from_start(out) : out);
  return made;
}

void Planner::add_running(const Operation& operation) {
  auto* running = add_stepwise<Running>(operation, elements(program_.shape(operation.operands[0])), 20);
  running->decay = operation.reals[0];
  running->floor = operation.reals[1];
}

void Planner::add_pool(const Operation& operation) {
  auto* pool = add_stepwise<Pool>(operation, elements(program_.shape(operation.out)), 4);
  pool->softmax = operation.word == "softmax";
}

void Planner::add_attend(const Operation& operation) {
  const auto in_rows = [&](std::size_t place) {
    const View x = operand(operation, place);
    return x.axes.back().stride == 1 || x.axes.back().size <= 1 ? x : draft_.copied(x);
  };
  const View query = in_rows(0), keys = in_rows(1), values = in_rows(2), length = in_rows(3);
  const View out = fresh(program_.shape(operation.out));
  define(operation, out);
  if (out.elements() == 0) return;
  auto* attend = draft_.emit<Attend>(2 * positions() * (keys.axes[2].size * (keys.axes[3].size + values.axes[3].size)));
  Attention& job = attend->job;
  const auto strides = [](const View& x) {
    return AttendedRows{nullptr, x.axes[0].stride, x.axes[1].stride, x.axes[2].stride};
  };
  job.query = strides(query);
  job.keys = strides(keys);
  job.values = strides(values);
  job.length = strides(length);
  job.num_steps = num_steps_;
  job.num_sequences = size_.num_sequences;
  job.num_rows = keys.axes[2].size;
  job.key_size = keys.axes[3].size;
  job.value_size = values.axes[3].size;
  attend->query = draft_.touched(query.at);
  attend->keys = draft_.touched(keys.at);
  attend->values = draft_.touched(values.at);
  attend->length = draft_.touched(length.at);
  attend->vector = draft_.tensor(operation.tensors[0]);
  attend->out = draft_.touched(out.at);
  attend->scratch = draft_.storage({job.num_rows});
}

void Planner::add_first(const Operation& operation) {
  View step = view(operation.operands[0]);
  step.axes[0].size = 1;
  const Spread x = draft_.spread(step);
  const Shape& shape = program_.shape(operation.out);
  const std::ptrdiff_t size = elements(shape);
  const Place values = draft_.storage({size_.num_sequences, size});
  auto* first = draft_.emit<First>(size_.num_sequences * size);
  first->x = x;
  first->out = draft_.touched(values);
  first->num_sequences = size_.num_sequences;
  first->size = size;
  first->state_offset = program_.state_offset(number_);
  draft_.touched(x.at);
  define(operation, still(values, size, shape));
}

}  // namespace whorl
