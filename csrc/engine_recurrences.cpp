// How a recurrence, or one step of a cell, becomes instructions.
#include "engine_planner.h"

namespace whorl {

Place Planner::input_gates(const Operation& operation, const View& x) {
  const std::ptrdiff_t size = program_.units(operation).gates();
  const Rows from = draft_.rows(x);
  const Place gates = draft_.storage({from.count, size});
  draft_.multiply(from, *program_.weight(operation.weights[0]), draft_.tensor(operation.tensors[0]), gates);
  if (operation.tensors.size() > 2) {
    const Place gain = draft_.tensor(operation.tensors[2]), bias = draft_.tensor(operation.tensors[3]);
    draft_.normalise({gates, from.count, size}, size, gain, bias, norm_eps, gates);
  }
  return gates;
}

template <class Scan>
Scan* Planner::emit_scan(const Operation& operation, const Units& units, std::ptrdiff_t num_steps,
                         std::ptrdiff_t num_rows) {
  auto* scan = draft_.emit<Scan>(0);
  Layer& layer = scan->job.layer;
  layer.cell = units.cell;
  layer.hidden = units.hidden;
  layer.width = units.width;
  layer.recurrent = program_.weight(operation.weights[1]);
  layer.projection = program_.weight(operation.weights[2]);
  scan->job.sequences.num_steps = num_steps;
  scan->job.sequences.num_rows = num_rows;
  scan->job.sequences.reverse = operation.numbers[1] != 0;
  scan->job.sequences.hold = static_cast<float>(operation.reals[0]);
  const std::vector<int>& tensors = operation.tensors;
  const bool normed = tensors.size() > 2;
  scan->tensors.bias = draft_.tensor(normed ? tensors[5] : tensors[1]);
  if (normed) scan->tensors.norm_gain = draft_.tensor(tensors[4]);
  if (tensors.size() > 6) {
    scan->tensors.norm_c_gain = draft_.tensor(tensors[6]);
    scan->tensors.norm_c_bias = draft_.tensor(tensors[7]);
  }
  const int threads = draft_.threads_for(estimated_us(layer, scan->job.sequences));
  scan->parts = num_parts(layer, scan->job.sequences, threads);
  scan->scratch = draft_.storage({scratch_floats(layer), scan->parts});
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
  if (is_started(operation)) {  // from a static input: the same at every step, its numbers side by side
    const View initial = view(operation.operands[1]);
    scan->initial = draft_.touched(initial.at);
    scan->initial_stride = initial.axes[1].stride;
  }
  scan->lead = lead;
  scan->state_offset = program_.state_offset(number_);
  scan->gates = draft_.touched(gates);
  scan->job.gates_row = units.gates();
  scan->job.gates_step = num_rows * units.gates();
  scan->job.out_row = units.width;
  scan->job.out_step = num_rows * units.width;
  scan->h = draft_.storage({num_rows, units.width});
  if (type_of(units.cell).has_c) scan->c = draft_.storage({num_rows, units.hidden});
  scan->row_lengths = draft_.storage({num_rows, 2});  // as int64
  if (!wanted) return;
  scan->out = draft_.touched(out.at);
  define(operation, late_ ? from_start(out) : out);
}

void Planner::add_scan_of_value(const Operation& operation) {
  const Shape& shape = program_.shape(operation.out);
  const Units units = program_.units(operation);
  const std::ptrdiff_t length = shape[shape.size() - 2];
  const std::ptrdiff_t num_rows = positions() * elements(Shape(shape.begin(), shape.end() - 2));
  const Place gates = input_gates(operation, operand(operation, 0));
  const View out = fresh(shape);
  const bool started = operation.operands.size() > 1;
  const std::ptrdiff_t c_size = units.state() - units.width;
  const Place h = draft_.storage({num_rows, units.width}),
              c = c_size > 0 ? draft_.storage({num_rows, c_size}) : Place{};
  if (started) {
    const View initial = operand(operation, 1);
    draft_.copy(columns(initial, 0, units.width), dense(h, sizes_with_last(initial, units.width)));
    if (c_size > 0) draft_.copy(columns(initial, units.width, c_size), dense(c, sizes_with_last(initial, c_size)));
  }
  auto* scan = emit_scan<ScanValue>(operation, units, length, num_rows);
  scan->from_zero = !started;
  scan->gates = draft_.touched(gates);
  scan->job.gates_step = units.gates();
  scan->job.gates_row = length * units.gates();
  scan->job.out_step = units.width;
  scan->job.out_row = length * units.width;
  scan->h = draft_.touched(h);
  scan->c = draft_.touched(c);
  scan->out = draft_.touched(out.at);
  define(operation, out);
  if (operation.final < 0) return;
  const View final = fresh(program_.shape(operation.final));
  draft_.copy(dense(h, sizes_with_last(final, units.width)), columns(final, 0, units.width));
  if (c_size > 0) draft_.copy(dense(c, sizes_with_last(final, c_size)), columns(final, units.width, c_size));
  views_[index(operation.final)] = final;
}

void Planner::add_step(const Operation& operation) {
  const Units units = program_.units(operation);
  const View out = fresh(program_.shape(operation.out));
  View gates = operand(operation, 0);
  if (gates.axes.back().stride != 1) gates = draft_.copied(gates);
  const View state = operand(operation, 1);
  const Rows states = draft_.whole_rows(state);
  const Place u = draft_.storage({states.count, units.gates()});
  draft_.multiply(states, *program_.weight(operation.weights[0]), draft_.tensor(operation.tensors[0]), u);
  define(operation, out);
  if (out.elements() == 0) return;
  // Rows of the state are counted by themselves: they are dense.
  std::vector<std::ptrdiff_t> lead_sizes;
  for (std::size_t n = 0; n + 1 < state.axes.size(); ++n) lead_sizes.push_back(state.axes[n].size);
  const std::vector<Axis> out_rows(out.axes.begin(), out.axes.end() - 1);
  View gate_rows = gates, state_rows = {{}, row_major(lead_sizes)};
  gate_rows.axes.pop_back();
  const View a = stretched(gate_rows, out_rows), s = stretched(state_rows, out_rows);
  auto* step = draft_.emit<StepCell>(out.elements() * 8);
  step->job.cell = units.cell;
  step->job.hidden = units.hidden;
  step->job.rows = loops_over(out_rows, &a.axes, &s.axes);
  step->job.num_states = states.count;
  if (operation.tensors.size() > 1) {
    step->tensors.norm_gain = draft_.tensor(operation.tensors[1]);
    step->norm_bias = draft_.tensor(operation.tensors[2]);
  }
  if (operation.tensors.size() > 3) {
    step->tensors.norm_c_gain = draft_.tensor(operation.tensors[3]);
    step->tensors.norm_c_bias = draft_.tensor(operation.tensors[4]);
  }
  step->out = draft_.touched(out.at);
  step->gates = draft_.touched(gates.at);
  step->state = draft_.touched(states.at);
  step->u = draft_.touched(u);
  step->scratch = draft_.storage({units.hidden});
}

}  // namespace whorl
