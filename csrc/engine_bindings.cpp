// Programs and slots for Python.
#include "engine_bindings.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>

#include "bindings.h"

namespace whorl {
namespace {

int add_weight(Program& self, const nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>& weight,
               const std::string& format) {
  return self.add_weight(weight.data(), static_cast<std::ptrdiff_t>(weight.shape(0)),
                         static_cast<std::ptrdiff_t>(weight.shape(1)), format_named(format.c_str()));
}

int add_operation(Program& self, const std::string& kind, const std::vector<int>& operands, const Shape& shape,
                  const std::string& word, const std::vector<std::ptrdiff_t>& numbers, const std::vector<double>& reals,
                  const std::vector<int>& weights, const std::vector<int>& tensors,
                  const std::optional<Shape>& final_shape) {
  Operation operation = {kind_named(kind), word, operands, weights, tensors, numbers, reals};
  return self.add(std::move(operation), shape, final_shape ? &*final_shape : nullptr);
}

nb::bytes read_state(const NativeEngine& self, nb::handle given) {
  const std::ptrdiff_t slot = self.open_slot(given);
  const std::size_t start = self.prefix.size(), size = count(self.program().state_bytes());
  nb::object state = nb::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(start + size)));
  if (!state.is_valid()) throw nb::python_error();
  char* const to = PyBytes_AS_STRING(state.ptr());
  std::memcpy(to, self.prefix.data(), start);
  std::memcpy(to + start, self.engine.state(slot), size);
  return nb::borrow<nb::bytes>(state);
}

// False, and nothing done, if the state cannot be of this program.
bool write_state(NativeEngine& self, nb::handle given, const nb::bytes& state) {
  const std::ptrdiff_t slot = self.open_slot(given);
  const std::size_t start = self.prefix.size(), size = count(self.program().state_bytes());
  if (state.size() != start + size || std::memcmp(state.c_str(), self.prefix.data(), start) != 0) return false;
  std::memcpy(self.engine.state(slot), state.c_str() + start, size);
  return true;
}

// -1 for what is no whole number, or none of this size.
std::ptrdiff_t number_of(nb::handle slot) {
  const std::ptrdiff_t number = PyNumber_AsSsize_t(slot.ptr(), PyExc_OverflowError);
  if (number == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();
  return number;
}

std::ptrdiff_t take_slot(NativeEngine& self, const std::vector<FloatArray>& statics) {
  self.check_statics(statics, 1);
  const std::ptrdiff_t slot = self.engine.open();
  self.set_static(statics, 0, self.engine.state(slot));
  return slot;
}

bool is_open(const NativeEngine& self, nb::handle slot) { return self.engine.opening(number_of(slot)) != 0; }

std::ptrdiff_t fork_slot(NativeEngine& self, nb::handle slot) { return self.engine.fork(self.open_slot(slot)); }

void close_slot(NativeEngine& self, nb::handle slot) { self.engine.close(self.open_slot(slot)); }

// The program is of no use afterwards.
void make(NativeEngine* self, Program& program, const std::vector<nb::str>& names, const nb::bytes& prefix,
          int num_threads, std::ptrdiff_t block_floats) {
  if (!program.is_finished()) throw nb::value_error("`program` is not finished, or another engine has taken it over.");
  new (self) NativeEngine(std::move(program), names, {prefix.c_str(), prefix.size()}, num_threads, block_floats);
}

}  // namespace

void throw_argument_error(const std::string& message) {
  const nb::object type = nb::module_::import_("whorl.errors").attr("ArgumentError");
  PyErr_SetString(type.ptr(), message.c_str());
  throw nb::python_error();
}

NativeEngine::NativeEngine(Program&& program, const std::vector<nb::str>& names, std::string state_prefix,
                           int num_threads, std::ptrdiff_t block_floats)
    : engine(std::move(program), num_threads, block_floats), prefix(std::move(state_prefix)) {
  for (const Operation& operation : engine.program().operations()) {
    const Shape& shape = engine.program().shape(operation.out);
    if (is_static(operation)) static_sizes.push_back(elements(shape));
    if (!comes_at_every_step(operation)) continue;
    if (inputs.size() == names.size()) throw nb::value_error("`names` must have one for each input.");
    inputs.push_back({names[inputs.size()], shape});
  }
}

void NativeEngine::check_open(std::ptrdiff_t slot) const {
  if (engine.opening(slot) == 0)
    throw_argument_error("`slot` " + std::to_string(slot) + " is not open. Open one with `open()`.");
}

std::ptrdiff_t NativeEngine::open_slot(nb::handle slot) const {
  const std::ptrdiff_t number = number_of(slot);
  if (engine.opening(number) == 0)
    throw_argument_error("`slot` " + std::string(nb::str(slot).c_str()) + " is not open. Open one with `open()`.");
  return number;
}

void NativeEngine::check_statics(const std::vector<FloatArray>& values, std::ptrdiff_t num_sequences) const {
  bool fit = values.size() == static_sizes.size();
  for (std::size_t n = 0; fit && n < values.size(); ++n)
    fit = static_cast<std::ptrdiff_t>(values[n].size()) == num_sequences * static_sizes[n];
  if (!fit) throw nb::value_error("`statics` do not fit the program.");
}

void NativeEngine::set_static(const std::vector<FloatArray>& values, std::ptrdiff_t sequence, std::byte* state) const {
  std::byte* to = state + program().state_bytes();
  for (std::size_t n = 0; n < values.size(); ++n) {
    const std::size_t bytes = count(static_sizes[n]) * sizeof(float);
    if (bytes > 0) std::memcpy(to, values[n].data() + sequence * static_sizes[n], bytes);
    to += bytes;
  }
}

}  // namespace whorl

void bind_engine(nanobind::module_& m) {
  namespace nb = nanobind;
  using whorl::FloatArray;
  using whorl::NativeEngine;
  using whorl::Program;

  nb::class_<Program>(m, "Program", "A program on its way into an engine.")
      .def(nb::init<>())
      .def("tensor",
           [](Program& self, const FloatArray& values) {
             return self.add_tensor(values.data(), static_cast<std::ptrdiff_t>(values.size()));
           })
      .def("weight", &whorl::add_weight)
      .def("add", &whorl::add_operation, nb::arg("kind"), nb::arg("operands"), nb::arg("shape"), nb::kw_only(),
           nb::arg("word") = "", nb::arg("numbers") = std::vector<std::ptrdiff_t>{},
           nb::arg("reals") = std::vector<double>{}, nb::arg("weights") = std::vector<int>{},
           nb::arg("tensors") = std::vector<int>{}, nb::arg("final") = nb::none())
      .def("finish", &Program::finish);

  nb::class_<NativeEngine> engine(m, "Engine", "Runs a program over slots of state.");
  engine.def("__init__", &whorl::make)
      .def_prop_ro("state_size", [](const NativeEngine& self) { return self.program().state_bytes(); })
      .def("open", &whorl::take_slot)
      .def("is_open", &whorl::is_open, nb::arg().none())
      .def("fork", &whorl::fork_slot, nb::arg().none())
      .def("close", &whorl::close_slot, nb::arg().none())
      .def("read", &whorl::read_state, nb::arg().none())
      .def("write", &whorl::write_state, nb::arg().none(), nb::arg());
  whorl::bind_calls(engine);
  whorl::bind_bound(m, engine);
}
