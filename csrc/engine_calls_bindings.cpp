// Calls of the engine from Python: whole sequences, and single steps.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "engine_bindings.h"

namespace whorl {
namespace {

using OutputArray = nb::ndarray<float, nb::c_contig, nb::device::cpu>;

void check_inputs(const NativeEngine& self, const std::vector<FloatArray>& inputs, const CallSize& size) {
  bool fit = inputs.size() == self.inputs.size();
  for (std::size_t n = 0; fit && n < inputs.size(); ++n)
    fit = static_cast<std::ptrdiff_t>(inputs[n].size()) ==
          size.num_sequences * size.num_steps * elements(self.inputs[n].shape);
  if (!fit) throw nb::value_error("`inputs` do not fit the program.");
}

// Whole sequences. `slots` None: from fresh states that are not kept, with `statics` (B, ...).
void run(NativeEngine& self, const std::vector<FloatArray>& inputs, const std::vector<FloatArray>& statics,
         const OutputArray& output, std::ptrdiff_t num_sequences, std::ptrdiff_t num_steps, std::ptrdiff_t start,
         const std::optional<Slots>& slots, const std::optional<std::vector<std::int64_t>>& lengths) {
  const CallSize size = {num_steps, num_sequences, start};
  check_inputs(self, inputs, size);
  const bool fits = num_sequences >= 0 && start >= 0 && start <= num_steps &&
                    static_cast<std::ptrdiff_t>(output.size()) ==
                        num_sequences * (num_steps - start) * elements(self.output_shape()) &&
                    (!lengths || lengths->size() == count(num_sequences)) &&
                    (!slots || slots->size() == count(num_sequences));
  if (!fits) throw nb::value_error("the sizes of `output`, `lengths` or `slots` do not fit.");
  if (!slots) {
    self.check_statics(statics, num_sequences);
  } else {
    for (const std::ptrdiff_t slot : *slots) self.check_open(slot);
  }
  std::vector<const float*> addresses;
  for (const FloatArray& input : inputs) addresses.push_back(input.data());
  const Call call = {addresses.data(), output.data(), lengths ? lengths->data() : nullptr};
  const Loan loan(self.engine);
  if (slots)
    self.run_on_slots(loan.get(), size, call, slots->data());
  else
    self.run_fresh(loan.get(), size, call, statics);
}

// `wanted` slots of a list or tuple, all open and different; false for anything else.
bool plain_slots(const NativeEngine& self, PyObject* source, std::ptrdiff_t wanted, Slots* slots) {
  if (PySequence_Fast_GET_SIZE(source) != wanted) return false;
  slots->clear();
  for (Py_ssize_t n = 0; n < wanted; ++n) {
    PyObject* const item = PySequence_Fast_GET_ITEM(source, n);
    if (!PyLong_CheckExact(item)) return false;
    const Py_ssize_t slot = PyLong_AsSsize_t(item);
    if (slot == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();
    if (self.engine.opening(slot) == 0) return false;
    slots->push_back(slot);
  }
  if (wanted < 2) return true;
  thread_local Slots sorted;
  sorted = *slots;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

// One step; None where the arguments are not plain, for someone else to look at.
nb::object step(NativeEngine& self, nb::handle slots, nb::handle inputs) {
  constexpr std::size_t most = 8;
  if (!PyList_CheckExact(slots.ptr()) && !PyTuple_CheckExact(slots.ptr())) return nb::none();
  const std::ptrdiff_t num_sequences = PySequence_Fast_GET_SIZE(slots.ptr());
  if (num_sequences == 0 || !PyDict_CheckExact(inputs.ptr()) || self.inputs.size() > most ||
      !self.program().streams()) {
    return nb::none();
  }
  Buffer buffers[most];
  const float* addresses[most];
  for (std::size_t n = 0; n < self.inputs.size(); ++n) {
    PyObject* const value = PyDict_GetItemWithError(inputs.ptr(), self.inputs[n].name.ptr());
    if (value == nullptr) PyErr_Clear();
    if (value == nullptr || !buffers[n].open(value, num_sequences, self.inputs[n].shape)) return nb::none();
    addresses[n] = buffers[n].values();
  }
  Buffer to;
  nb::object output = new_array(num_sequences, self.output_shape(), &to);
  // Last, since what runs on the way here, such as a garbage collection, may close slots and change the list. Other
  // threads have vectors of their own.
  thread_local Slots chosen;
  if (!plain_slots(self, slots.ptr(), num_sequences, &chosen)) return nb::none();
  const Loan loan(self.engine);
  self.run_on_slots(loan.get(), {1, num_sequences, 0}, {addresses, to.values(), nullptr}, chosen.data());
  return output;
}

}  // namespace

void NativeEngine::run_in_place(Workspace* workspace, const Call& call, const std::ptrdiff_t* slots) {
  std::vector<std::byte*>& states = workspace->states();
  for (std::size_t n = 0; n < states.size(); ++n) states[n] = engine.state(slots[n]);
  workspace->run(call);
}

void NativeEngine::run_on_slots(Workspace* workspace, const CallSize& size, const Call& call,
                                const std::ptrdiff_t* slots) {
  if (!is_long(workspace->prepare(size))) return run_in_place(workspace, call, slots);
  workspace->own_states();
  const std::vector<std::byte*>& states = workspace->states();
  const std::size_t bytes = count(program().state_bytes()), all = count(program().row_bytes());
  std::vector<std::uint64_t> openings(states.size());
  for (std::size_t n = 0; n < states.size(); ++n) {
    std::memcpy(states[n], engine.state(slots[n]), all);
    openings[n] = engine.opening(slots[n]);
  }
  {
    const nb::gil_scoped_release released;
    workspace->run(call);
  }
  for (std::size_t n = 0; n < states.size(); ++n) {
    // A slot that was closed meanwhile may belong to someone else.
    if (engine.opening(slots[n]) == openings[n]) std::memcpy(engine.state(slots[n]), states[n], bytes);
  }
}

void NativeEngine::run_fresh(Workspace* workspace, const CallSize& size, const Call& call,
                             const std::vector<FloatArray>& statics) {
  const double us = workspace->prepare(size);
  workspace->own_states();
  for (std::size_t n = 0; n < workspace->states().size(); ++n) {
    std::byte* const state = workspace->states()[n];
    std::memset(state, 0, count(program().row_bytes()));
    set_static(statics, static_cast<std::ptrdiff_t>(n), state);
  }
  run_unlocked(us, [&] { workspace->run(call); });
}

void bind_calls(nb::class_<NativeEngine>& engine) {
  engine
      .def("run", &run, nb::arg("inputs"), nb::arg("statics"), nb::arg("output"), nb::arg("num_sequences"),
           nb::arg("num_steps"), nb::arg("start"), nb::arg("slots").none(), nb::arg("lengths").none())
      .def("step", &step, nb::arg("slots").none(), nb::arg("inputs").none());
}

}  // namespace whorl
