// How each operation becomes instructions or a view.
#include <stdexcept>
#include <string>

#include "engine_planner.h"

namespace whorl {
namespace {

constexpr double min_us_for_threads = 500.0;

constexpr float norm_eps = 1e-5F;

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
      return define(operation, {tensor(operation.tensors[0]), still_axes(program_.shape(operation.out))});
    case Kind::affine:
      return add_affine(operation);
    case Kind::embed:
      return add_embed(operation);
    case Kind::activate:
      return add_activate(operation);
    case Kind::combine:
      return add_combine(operation);
    case Kind::normalise:
      return add_normalise(operation);
    case Kind::recurrent:
      return operation.numbers[0] != 0 ? add_scan_of_stream(operation) : add_scan_of_value(operation);
    case Kind::step:
      return add_step(operation);
    case Kind::window:
      return add_window(operation);
    case Kind::running:
      return add_running(operation);
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
  if (operation.numbers[0] != 0) {
    auto* load = emit<LoadStatic>(size_.num_sequences * size);
    load->num_sequences = size_.num_sequences;
    load->size = size;
    load->state_offset = program_.state_offset(number_);
    load->to = storage(size_.num_sequences * size);
    View view = {load->to, {{num_steps_, 0}, {size_.num_sequences, size}}};
    append(row_major(shape), &view.axes);
    return define(operation, view);
  }
  View view = {{input_bases_[number_], 0}, {{size_.num_steps, size}, {size_.num_sequences, size_.input_steps * size}}};
  append(row_major(shape), &view.axes);
  views_[index(operation.out)] = late_ ? from_start(view) : view;
}

void Planner::add_affine(const Operation& operation) {
  const Rows x = rows(operand(operation, 0));
  const View out = fresh(program_.shape(operation.out));
  multiply(x, operation.weights[0], tensor(operation.tensors[0]), out.at);
  define(operation, out);
}

void Planner::add_embed(const Operation& operation) {
  const Rows codes = rows(operand(operation, 0));
  const View out = fresh(program_.shape(operation.out));
  define(operation, out);
  if (out.elements() == 0) return;
  const std::ptrdiff_t size = out.axes.back().size;
  auto* embed = emit<Embed>(codes.count * size);
  embed->num_rows = codes.count;
  embed->code_stride = codes.stride;
  embed->size = size;
  embed->table = tensor(operation.tensors[0]);
  embed->num_codes = static_cast<std::ptrdiff_t>(table_size(operation)) / size;
  embed->codes = touched(codes.at);
  embed->out = touched(out.at);
}

void Planner::add_activate(const Operation& operation) {
  const View x = operand(operation, 0);
  const View out = result(operation);
  define(operation, out);
  if (out.elements() == 0) return;
  auto* activate = emit<Activate>(4 * out.elements());
  activate->function = named(activations, operation.word);
  activate->loops = loops_over(out.axes, &x.axes, nullptr);
  activate->to = touched(out.at);
  activate->from = touched(x.at);
}

void Planner::add_combine(const Operation& operation) {
  const View out = result(operation);
  const View a = stretched(operand(operation, 0), out.axes), b = stretched(operand(operation, 1), out.axes);
  define(operation, out);
  if (out.elements() == 0) return;
  auto* combine = emit<Combine>(out.elements());
  combine->function = named(combinations, operation.word);
  combine->loops = loops_over(out.axes, &a.axes, &b.axes);
  combine->to = touched(out.at);
  combine->a = touched(a.at);
  combine->b = touched(b.at);
}

void Planner::add_reduce(const Operation& operation) {
  View x = operand(operation, 0);
  const View out = result(operation);
  define(operation, out);
  if (out.elements() == 0) return;
  Axis& reduced = x.axes[value_axes + index(static_cast<int>(operation.numbers[0]))];
  auto* reduce = emit<Reduce>(x.elements());
  reduce->function = named(reductions, operation.word);
  reduce->size = reduced.size;
  reduce->stride = reduced.stride;
  reduced = {1, 0};
  reduce->loops = loops_over(out.axes, &x.axes, nullptr);
  reduce->to = touched(out.at);
  reduce->from = touched(x.at);
}

void Planner::add_normalise(const Operation& operation) {
  const Rows x = rows(operand(operation, 0));
  const View out = fresh(program_.shape(operation.out));
  const std::ptrdiff_t size = out.axes.back().size;
  normalise(x, size, operation.tensors[0], operation.tensors[1], static_cast<float>(operation.reals[0]), out.at);
  define(operation, out);
}

template <class Scan>
Scan* Planner::emit_scan(const Operation& operation, const Units& units, std::ptrdiff_t num_steps,
                         std::ptrdiff_t num_rows) {
  auto* scan = emit<Scan>(0);
  Layer& layer = scan->job.layer;
  layer.cell = units.cell;
  layer.hidden = units.hidden;
  layer.width = units.width;
  layer.recurrent = program_.weight(operation.weights[1]);
  layer.projection = program_.weight(operation.weights[2]);
  layer.norm_eps = norm_eps;
  scan->job.sequences.num_steps = num_steps;
  scan->job.sequences.num_rows = num_rows;
  scan->job.sequences.reverse = operation.numbers[1] != 0;
  scan->job.sequences.hold = static_cast<float>(operation.reals[0]);
  const std::vector<int>& tensors = operation.tensors;
  const bool normed = tensors.size() > 2;
  scan->tensors.bias = tensor(normed ? tensors[5] : tensors[1]);
  if (normed) scan->tensors.norm_gain = tensor(tensors[4]);
  if (tensors.size() > 6) {
    scan->tensors.norm_c_gain = tensor(tensors[6]);
    scan->tensors.norm_c_bias = tensor(tensors[7]);
  }
  scan->num_threads = threads_for(whorl::estimated_us(layer, scan->job.sequences));
  scan->scratch = storage(scratch_floats(layer) * scan->num_threads);
  return scan;
}

void Planner::add_scan_of_stream(const Operation& operation) {
  const Shape& shape = program_.shape(operation.out);
  const Units units = program_.units(operation);
  const std::ptrdiff_t lead = elements(shape) / shape.back();
  const std::ptrdiff_t num_rows = size_.num_sequences * lead;
  const bool wanted = !late_ || num_steps_ > 0;
  const Place gates = input_gates(operation, view(operation.operands[0]));
  const View out = wanted ? fresh(shape, size_.num_steps) : View{};
  auto* scan = emit_scan<ScanStream>(operation, units, size_.num_steps, num_rows);
  scan->lead = lead;
  scan->state_offset = program_.state_offset(number_);
  scan->gates = touched(gates);
  scan->job.gates_row = units.gates();
  scan->job.gates_step = num_rows * units.gates();
  scan->job.out_row = units.width;
  scan->job.out_step = num_rows * units.width;
  scan->h = storage(num_rows * units.width);
  if (has_memory(units.cell)) scan->c = storage(num_rows * units.hidden);
  scan->row_lengths = storage(2 * num_rows);  // as int64
  if (!wanted) return;
  scan->out = touched(out.at);
  views_[index(operation.out)] = late_ ? from_start(out) : out;
}

void Planner::add_scan_of_value(const Operation& operation) {
  const Shape& shape = program_.shape(operation.out);
  const Units units = program_.units(operation);
  const std::ptrdiff_t length = shape[shape.size() - 2];
  const std::ptrdiff_t num_rows = positions() * (elements(Shape(shape.begin(), shape.end() - 2)));
  const Place gates = input_gates(operation, operand(operation, 0));
  const View out = fresh(shape);
  const bool started = operation.operands.size() > 1;
  const std::ptrdiff_t c_size = units.state() - units.width;
  const Place h = storage(num_rows * units.width), c = c_size > 0 ? storage(num_rows * c_size) : Place{};
  if (started) {
    const View initial = operand(operation, 1);
    copy(columns(initial, 0, units.width), dense(h, with_last(initial, units.width)));
    if (c_size > 0) copy(columns(initial, units.width, c_size), dense(c, with_last(initial, c_size)));
  }
  auto* scan = emit_scan<ScanValue>(operation, units, length, num_rows);
  scan->from_zero = !started;
  scan->gates = touched(gates);
  scan->job.gates_step = units.gates();
  scan->job.gates_row = length * units.gates();
  scan->job.out_step = units.width;
  scan->job.out_row = length * units.width;
  scan->h = touched(h);
  scan->c = touched(c);
  scan->out = touched(out.at);
  define(operation, out);
  if (operation.final < 0) return;
  const View final = fresh(program_.shape(operation.final));
  copy(dense(h, with_last(final, units.width)), columns(final, 0, units.width));
  if (c_size > 0) copy(dense(c, with_last(final, c_size)), columns(final, units.width, c_size));
  views_[index(operation.final)] = final;
}

void Planner::add_step(const Operation& operation) {
  const Units units = program_.units(operation);
  const View out = fresh(program_.shape(operation.out));
  View gates = operand(operation, 0);
  if (gates.axes.back().stride != 1) gates = copied(gates);
  const View state = operand(operation, 1);
  const Rows states = whole_rows(state);
  const Place u = storage(states.count * units.gates());
  const Rows h = {states.at, states.count, states.stride};
  multiply(h, operation.weights[0], tensor(operation.tensors[0]), u);
  define(operation, out);
  if (out.elements() == 0) return;
  // Rows of the state are counted by themselves: they are dense.
  std::vector<std::ptrdiff_t> lead_sizes;
  for (std::size_t n = 0; n + 1 < state.axes.size(); ++n) lead_sizes.push_back(state.axes[n].size);
  const std::vector<Axis> out_rows(out.axes.begin(), out.axes.end() - 1);
  View gate_rows = gates, state_rows = {{}, row_major(lead_sizes)};
  gate_rows.axes.pop_back();
  const View a = stretched(gate_rows, out_rows), s = stretched(state_rows, out_rows);
  auto* step = emit<StepCell>(out.elements() * 8);
  step->job.cell = units.cell;
  step->job.hidden = units.hidden;
  step->job.rows = loops_over(out_rows, &a.axes, &s.axes);
  step->job.num_states = states.count;
  step->job.norm_eps = norm_eps;
  if (operation.tensors.size() > 1) {
    step->tensors.norm_gain = tensor(operation.tensors[1]);
    step->norm_bias = tensor(operation.tensors[2]);
  }
  if (operation.tensors.size() > 3) {
    step->tensors.norm_c_gain = tensor(operation.tensors[3]);
    step->tensors.norm_c_bias = tensor(operation.tensors[4]);
  }
  step->out = touched(out.at);
  step->gates = touched(gates.at);
  step->state = touched(states.at);
  step->u = touched(u);
  step->scratch = storage(units.hidden);
}

void Planner::add_window(const Operation& operation) {
  const View x = view(operation.operands[0]);
  const Shape& shape = program_.shape(operation.operands[0]);
  const std::ptrdiff_t size = elements(shape), kept = operation.numbers[0] - 1;
  const std::ptrdiff_t stride = (kept + size_.num_steps) * size;
  const Place buffers = storage(size_.num_sequences * stride);
  View to = {buffers, {{size_.num_steps, size}, {size_.num_sequences, stride}}};
  append(row_major(shape), &to.axes);
  auto* window = emit<Window>(size_.num_sequences * stride);
  window->loops = loops_over(to.axes, &x.axes, nullptr);
  if (size == 0) window->loops = {1, {0}, {}};
  window->x = touched(x.at);
  window->buffers = touched(buffers);
  window->num_steps = size_.num_steps;
  window->num_sequences = size_.num_sequences;
  window->num_kept = kept;
  window->size = size;
  window->state_offset = program_.state_offset(number_);
  to.axes.insert(to.axes.begin() + value_axes, {kept + 1, size});
  views_[index(operation.out)] = late_ ? from_start(to) : to;
}

void Planner::add_running(const Operation& operation) {
  const Spread x = spread(view(operation.operands[0]));
  const View out = fresh(program_.shape(operation.out), size_.num_steps);
  auto* running = emit<Running>(20 * out.elements());
  running->x = x;
  running->out = touched(out.at);
  running->num_steps = size_.num_steps;
  running->num_sequences = size_.num_sequences;
  running->size = elements(program_.shape(operation.operands[0]));
  running->state_offset = program_.state_offset(number_);
  running->decay = operation.reals[0];
  running->floor = operation.reals[1];
  touched(x.at);
  views_[index(operation.out)] = late_ ? from_start(out) : out;
}

void Planner::add_first(const Operation& operation) {
  View step = view(operation.operands[0]);
  step.axes[0].size = 1;
  const Spread x = spread(step);
  const Shape& shape = program_.shape(operation.out);
  const std::ptrdiff_t size = elements(shape);
  const Place values = storage(size_.num_sequences * size);
  auto* first = emit<First>(size_.num_sequences * size);
  first->x = x;
  first->out = touched(values);
  first->num_sequences = size_.num_sequences;
  first->size = size;
  first->state_offset = program_.state_offset(number_);
  touched(x.at);
  View out = {values, {{num_steps_, 0}, {size_.num_sequences, size}}};
  append(row_major(shape), &out.axes);
  views_[index(operation.out)] = out;
}

void Planner::add_concat(const Operation& operation) {
  const View whole = concat_view(operation);
  std::ptrdiff_t at = 0;
  for (std::size_t n = 0; n < operation.operands.size(); ++n) {
    const View part = operand(operation, n);
    const std::size_t axis = value_axes + index(static_cast<int>(operation.numbers[0]));
    const std::ptrdiff_t count = part.axes[axis].size;
    if (!is_placed(operation.operands[n])) copy(part, slice(whole, axis, at, count));
    at += count;
  }
  define(operation, whole);
}

void Planner::add_take(const Operation& operation) {
  const View x = operand(operation, 0);
  const std::size_t axis = value_axes + index(static_cast<int>(operation.numbers[0]));
  const std::vector<std::ptrdiff_t> indices(operation.numbers.begin() + 1, operation.numbers.end());
  const auto run_from = [&](std::size_t first) {  // how many of the indices follow each other
    std::size_t count = 1;
    while (first + count < indices.size() && indices[first + count] == indices[first + count - 1] + 1) ++count;
    return count;
  };
  if (!indices.empty() && run_from(0) == indices.size()) {
    return define(operation, slice(x, axis, indices[0], static_cast<std::ptrdiff_t>(indices.size())));
  }
  const View out = result(operation);
  for (std::size_t n = 0; n < indices.size();) {
    const auto count = static_cast<std::ptrdiff_t>(run_from(n));
    copy(slice(x, axis, indices[n], count), slice(out, axis, static_cast<std::ptrdiff_t>(n), count));
    n += static_cast<std::size_t>(count);
  }
  define(operation, out);
}

void Planner::add_view(const Operation& operation) {
  View x = operand(operation, 0);
  const Shape& shape = program_.shape(operation.out);
  if (operation.kind == Kind::reshape) {
    View seen;
    if (!reshape(x, shape, &seen)) {
      const View whole = copied(x);
      seen = {whole.at, {whole.axes[0], whole.axes[1]}};
      append(row_major(shape), &seen.axes);
    }
    return define(operation, seen);
  }
  if (operation.kind == Kind::transpose) {
    View turned = {x.at, {x.axes[0], x.axes[1]}};
    for (const std::ptrdiff_t axis : operation.numbers) {
      turned.axes.push_back(x.axes[value_axes + static_cast<std::size_t>(axis)]);
    }
    return define(operation, turned);
  }
  const std::size_t axis = value_axes + index(static_cast<int>(operation.numbers[0]));
  const std::ptrdiff_t size = shape[axis - value_axes];
  if (operation.kind == Kind::repeat) {
    x.axes[axis] = {size, 0};
    return define(operation, x);
  }
  define(operation, slice(x, axis, operation.numbers[1], size));
}

int Planner::threads_for(double us) {
  plan_.estimated_us_ += us;
  return us < min_us_for_threads ? 1 : plan_.num_threads_;
}

void Planner::multiply(const Rows& x, int weight, Place bias, Place out) {
  const Matrix* matrix = program_.weight(weight);
  if (x.count == 0) return;
  auto* affine = emit<Affine>(0);
  affine->job = whole_product(nullptr, x.count, *matrix, nullptr, nullptr);
  affine->job.x_stride = x.stride;
  affine->x = touched(x.at);
  affine->out = touched(out);
  affine->bias = bias;
  affine->num_threads = threads_for(whorl::estimated_us(affine->job));
}

void Planner::normalise(const Rows& x, std::ptrdiff_t size, int gain, int bias, float eps, Place out) {
  if (x.count == 0) return;
  auto* normalise = emit<Normalise>(3 * x.count * size);
  normalise->job.x_stride = x.stride;
  normalise->job.num_rows = x.count;
  normalise->job.size = size;
  normalise->job.eps = eps;
  normalise->job.out_stride = size;
  normalise->gain = tensor(gain);
  normalise->bias = tensor(bias);
  normalise->x = touched(x.at);
  normalise->out = touched(out);
}

Place Planner::input_gates(const Operation& operation, const View& x) {
  const std::ptrdiff_t size = program_.units(operation).gates();
  const Rows from = rows(x);
  const Place gates = storage(from.count * size);
  multiply(from, operation.weights[0], tensor(operation.tensors[0]), gates);
  if (operation.tensors.size() > 2) {
    normalise({gates, from.count, size}, size, operation.tensors[2], operation.tensors[3], norm_eps, gates);
  }
  return gates;
}

void Planner::copy(const View& from, const View& to) {
  if (to.elements() == 0) return;
  auto* copy = emit<Copy>(to.elements());
  copy->loops = loops_over(to.axes, &from.axes, nullptr);
  copy->to = touched(to.at);
  copy->from = touched(from.at);
}

void Planner::write_output() {
  number_ = program_.operations().size();
  late_ = true;
  num_steps_ = size_.num_steps - size_.start;
  if (targets_[index(program_.output())].exists) return;
  View from = view(program_.output());
  if (!program_.is_late(program_.output())) from = from_start(from);
  copy(from, output_view());
}

}  // namespace whorl
