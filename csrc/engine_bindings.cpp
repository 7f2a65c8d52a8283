// The engine for Python. whorl/runtime/native.py checks what users give; what is checked here are the fast ways in,
// which say None to whatever is not plain, and everything that would otherwise touch foreign memory.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "engine.h"

namespace nb = nanobind;

namespace {

// Calls that take less keep Python's lock; giving it away would cost more.
constexpr double min_us_to_release = 20.0;

using FloatArray = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Slots = std::vector<std::ptrdiff_t>;

constexpr std::size_t count(std::ptrdiff_t number) { return static_cast<std::size_t>(number); }

[[noreturn]] void throw_argument_error(const std::string& message) {
  const nb::object type = nb::module_::import_("whorl.errors").attr("ArgumentError");
  PyErr_SetString(type.ptr(), message.c_str());
  throw nb::python_error();
}

// The buffer of an array, held open.
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { release(); }
  Buffer(Buffer&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer& operator=(Buffer&&) = delete;

  // False, without an error, if the object is not a C-contiguous array of float32 of this shape behind its first axis.
  bool open(PyObject* source, std::ptrdiff_t first, const whorl::Shape& rest, bool writable = false) {
    const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_CheckBuffer(source) == 0 || PyObject_GetBuffer(source, &view_, flags) != 0) {
      PyErr_Clear();
      return false;
    }
    if (std::strcmp(view_.format, "f") == 0 && count(view_.ndim) == rest.size() + 1 && view_.shape[0] == first &&
        std::equal(rest.begin(), rest.end(), view_.shape + 1)) {
      return true;
    }
    release();
    return false;
  }
  float* values() const { return static_cast<float*>(view_.buf); }

 private:
  void release() {
    if (view_.obj != nullptr) PyBuffer_Release(&view_);
  }
  Py_buffer view_ = {};
};

struct NamedInput {
  nb::object name;
  whorl::Shape shape;
};

nb::object new_array(std::ptrdiff_t first, const whorl::Shape& rest) {
  // Looked up once and kept for the life of the process; a reference dropped at exit would come after the interpreter.
  static PyObject* const zeros = nb::object(nb::module_::import_("numpy").attr("zeros")).release().ptr();
  static PyObject* const float32 = nb::object(nb::module_::import_("numpy").attr("float32")).release().ptr();
  nb::object shape = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(rest.size() + 1)));
  PyTuple_SET_ITEM(shape.ptr(), 0, PyLong_FromSsize_t(first));
  for (std::size_t n = 0; n < rest.size(); ++n)
    PyTuple_SET_ITEM(shape.ptr(), static_cast<Py_ssize_t>(n + 1), PyLong_FromSsize_t(rest[n]));
  return nb::handle(zeros)(shape, nb::handle(float32));
}

class NativeEngine {
 public:
  NativeEngine(whorl::Program&& program, const std::vector<nb::str>& names, std::string state_prefix, int num_threads,
               std::ptrdiff_t block_floats)
      : engine(std::move(program), num_threads, block_floats), prefix(std::move(state_prefix)) {
    for (const whorl::Operation& operation : engine.program().operations()) {
      if (operation.kind != whorl::Kind::input) continue;
      const whorl::Shape& shape = engine.program().shape(operation.out);
      if (operation.numbers[0] != 0)
        static_sizes.push_back(whorl::elements(shape));
      else
        inputs.push_back({names[inputs.size()], shape});
    }
  }

  const whorl::Shape& output_shape() const { return engine.program().shape(engine.program().output()); }

  // Static inputs of a sequence stand behind what is kept in its state.
  void set_static(const std::vector<FloatArray>& values, std::ptrdiff_t sequence, std::byte* state) const {
    std::byte* to = state + engine.program().state_bytes();
    for (std::size_t n = 0; n < values.size(); ++n) {
      const std::size_t bytes = count(static_sizes[n]) * sizeof(float);
      if (bytes > 0) std::memcpy(to, values[n].data() + sequence * static_sizes[n], bytes);
      to += bytes;
    }
  }

  void check_open(std::ptrdiff_t slot) const {
    if (engine.opening(slot) == 0)
      throw_argument_error("`slot` " + std::to_string(slot) + " is not open. Open one with `open()`.");
  }

  // Runs a call on the states of open slots. Longer ones work on copies, since other threads may move the slab.
  void run_on_slots(whorl::Workspace* workspace, const whorl::CallSize& size, const whorl::Call& call,
                    const std::ptrdiff_t* slots) {
    const double us = workspace->prepare(size);
    std::vector<std::byte*>& states = workspace->states();
    if (us < min_us_to_release) {
      for (std::size_t n = 0; n < states.size(); ++n) states[n] = engine.state(slots[n]);
      return workspace->run(call);
    }
    workspace->own_states();
    const std::size_t bytes = count(engine.program().state_bytes()), all = count(engine.program().row_bytes());
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

  void run_fresh(whorl::Workspace* workspace, const whorl::CallSize& size, const whorl::Call& call,
                 const std::vector<FloatArray>& statics) {
    const double us = workspace->prepare(size);
    workspace->own_states();
    for (std::size_t n = 0; n < workspace->states().size(); ++n) {
      std::byte* const state = workspace->states()[n];
      std::memset(state, 0, count(engine.program().row_bytes()));
      set_static(statics, static_cast<std::ptrdiff_t>(n), state);
    }
    if (us < min_us_to_release) return workspace->run(call);
    const nb::gil_scoped_release released;
    workspace->run(call);
  }

  whorl::Engine engine;
  std::vector<NamedInput> inputs;  // those that come at every step
  std::vector<std::ptrdiff_t> static_sizes;
  std::string prefix;  // what stored states begin with: they belong to one program
};

// Takes a workspace for the time of a call.
class Loan {
 public:
  explicit Loan(whorl::Engine& engine) : engine_(engine), workspace_(engine.take_workspace()) {}
  ~Loan() { engine_.give_back(std::move(workspace_)); }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  whorl::Workspace* get() const { return workspace_.get(); }

 private:
  whorl::Engine& engine_;
  std::unique_ptr<whorl::Workspace> workspace_;
};

void check_sizes(const NativeEngine& self, const std::vector<FloatArray>& inputs, std::ptrdiff_t num_sequences,
                 std::ptrdiff_t num_steps) {
  bool fit = inputs.size() == self.inputs.size();
  for (std::size_t n = 0; fit && n < inputs.size(); ++n)
    fit = static_cast<std::ptrdiff_t>(inputs[n].size()) ==
          num_sequences * num_steps * whorl::elements(self.inputs[n].shape);
  if (!fit) throw nb::value_error("`inputs` do not fit the program.");
}

// Whole sequences. `slots` None: from fresh states that are not kept, with `statics` (B, ...).
void run(NativeEngine& self, const std::vector<FloatArray>& inputs, const std::vector<FloatArray>& statics,
         nb::ndarray<float, nb::c_contig, nb::device::cpu> output, std::ptrdiff_t num_sequences,
         std::ptrdiff_t num_steps, std::ptrdiff_t start, const std::optional<Slots>& slots,
         const std::optional<std::vector<std::int64_t>>& lengths) {
  check_sizes(self, inputs, num_sequences, num_steps);
  const bool fits = start >= 0 && start <= num_steps &&
                    static_cast<std::ptrdiff_t>(output.size()) ==
                        num_sequences * (num_steps - start) * whorl::elements(self.output_shape()) &&
                    (!lengths || lengths->size() == count(num_sequences)) &&
                    (!slots || slots->size() == count(num_sequences));
  if (!fits) throw nb::value_error("the sizes of `output`, `lengths` or `slots` do not fit.");
  if (!slots) {
    bool enough = statics.size() == self.static_sizes.size();
    for (std::size_t n = 0; enough && n < statics.size(); ++n)
      enough = static_cast<std::ptrdiff_t>(statics[n].size()) == num_sequences * self.static_sizes[n];
    if (!enough) throw nb::value_error("`statics` do not fit the program.");
  } else {
    for (const std::ptrdiff_t slot : *slots) self.check_open(slot);
  }
  std::vector<const float*> addresses;
  for (const FloatArray& input : inputs) addresses.push_back(input.data());
  const whorl::Call call = {addresses.data(), output.data(), lengths ? lengths->data() : nullptr};
  const whorl::CallSize size = {num_steps, num_sequences, start};
  const Loan loan(self.engine);
  if (slots)
    self.run_on_slots(loan.get(), size, call, slots->data());
  else
    self.run_fresh(loan.get(), size, call, statics);
}

// Slots of a list or tuple, all open and different; false for anything else.
bool plain_slots(const NativeEngine& self, PyObject* source, Slots* slots) {
  slots->clear();
  for (Py_ssize_t n = 0; n < PySequence_Fast_GET_SIZE(source); ++n) {
    PyObject* const item = PySequence_Fast_GET_ITEM(source, n);
    if (!PyLong_CheckExact(item)) return false;
    const Py_ssize_t slot = PyLong_AsSsize_t(item);
    if (slot == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();
    if (self.engine.opening(slot) == 0) return false;
    slots->push_back(slot);
  }
  if (slots->size() < 2) return true;
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
      !self.engine.program().streams()) {
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
  nb::object output = new_array(num_sequences, self.output_shape());
  Buffer to;
  if (!to.open(output.ptr(), num_sequences, self.output_shape(), true)) return nb::none();
  // Last, since a garbage collection on the way here may close slots. Other threads have vectors of their own.
  thread_local Slots chosen;
  if (!plain_slots(self, slots.ptr(), &chosen)) return nb::none();
  const Loan loan(self.engine);
  self.run_on_slots(loan.get(), {1, num_sequences, 0}, {addresses, to.values(), nullptr}, chosen.data());
  return output;
}

// Steps of the same slots again and again, from arrays that stay where they are.
class Bound {
 public:
  Bound(nb::object owner, NativeEngine& self, Slots slots)
      : owner_(std::move(owner)), self_(self), slots_(std::move(slots)), workspace_(self.engine.take_workspace()) {
    const auto size = static_cast<std::ptrdiff_t>(slots_.size());
    for (const std::ptrdiff_t slot : slots_) {
      self.check_open(slot);
      openings_.push_back(self.engine.opening(slot));
    }
    nb::dict arrays;
    for (const NamedInput& input : self.inputs) {
      const nb::object array = new_array(size, input.shape);
      arrays[input.name] = array;
      buffers_.emplace_back().open(array.ptr(), size, input.shape, true);
      addresses_.push_back(buffers_.back().values());
    }
    inputs = nb::module_::import_("types").attr("MappingProxyType")(arrays);  // another array would not be seen
    output = new_array(size, self.output_shape());
    to_.open(output.ptr(), size, self.output_shape(), true);
    short_ = workspace_->prepare(this->size()) < min_us_to_release;
  }
  ~Bound() { self_.engine.give_back(std::move(workspace_)); }
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;

  void step() {
    if (busy_) throw_argument_error("`step` is running on another thread. Bind the slots once for each thread.");
    for (std::size_t n = 0; n < slots_.size(); ++n) {
      if (self_.engine.opening(slots_[n]) != openings_[n])
        throw_argument_error("`slot` " + std::to_string(slots_[n]) + " was closed. Bind open slots.");
    }
    const whorl::Call call = {addresses_.data(), to_.values(), nullptr};
    if (short_) {
      std::vector<std::byte*>& states = workspace_->states();
      for (std::size_t n = 0; n < slots_.size(); ++n) states[n] = self_.engine.state(slots_[n]);
      return workspace_->run(call);
    }
    busy_ = true;
    self_.run_on_slots(workspace_.get(), size(), call, slots_.data());
    busy_ = false;
  }

  nb::object inputs, output;

 private:
  whorl::CallSize size() const { return {1, static_cast<std::ptrdiff_t>(slots_.size()), 0}; }

  nb::object owner_;  // the engine lives as long as this
  NativeEngine& self_;
  Slots slots_;
  std::vector<std::uint64_t> openings_;
  std::unique_ptr<whorl::Workspace> workspace_;
  std::vector<Buffer> buffers_;
  std::vector<const float*> addresses_;
  Buffer to_;
  bool short_ = false, busy_ = false;
};

whorl::Format format_named(const std::string& name) {
  if (name == "fp32") return whorl::Format::fp32;
  if (name == "bf16") return whorl::Format::bf16;
  if (name == "int8") return whorl::Format::int8;
  throw nb::value_error(("`weights` must be fp32, bf16 or int8, but is '" + name + "'.").c_str());
}

int add_weight(whorl::Program& self, const nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>& weight,
               const std::string& format) {
  return self.add_weight(weight.data(), static_cast<std::ptrdiff_t>(weight.shape(0)),
                         static_cast<std::ptrdiff_t>(weight.shape(1)), format_named(format));
}

int add_operation(whorl::Program& self, const std::string& kind, const std::vector<int>& operands,
                  const whorl::Shape& shape, const std::string& word, const std::vector<std::ptrdiff_t>& numbers,
                  const std::vector<double>& reals, const std::vector<int>& weights, const std::vector<int>& tensors,
                  const std::optional<whorl::Shape>& final_shape) {
  whorl::Operation operation = {whorl::kind_named(kind), word, operands, weights, tensors, numbers, reals};
  return self.add(std::move(operation), shape, final_shape ? &*final_shape : nullptr);
}

nb::bytes read_state(const NativeEngine& self, std::ptrdiff_t slot) {
  self.check_open(slot);
  const std::size_t start = self.prefix.size(), size = count(self.engine.program().state_bytes());
  nb::object state = nb::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(start + size)));
  if (!state.is_valid()) throw nb::python_error();
  char* const to = PyBytes_AS_STRING(state.ptr());
  std::memcpy(to, self.prefix.data(), start);
  std::memcpy(to + start, self.engine.state(slot), size);
  return nb::borrow<nb::bytes>(state);
}

// False, and nothing done, if the state cannot be of this program.
bool write_state(NativeEngine& self, std::ptrdiff_t slot, const nb::bytes& state) {
  self.check_open(slot);
  const std::size_t start = self.prefix.size(), size = count(self.engine.program().state_bytes());
  if (state.size() != start + size || std::memcmp(state.c_str(), self.prefix.data(), start) != 0) return false;
  std::memcpy(self.engine.state(slot), state.c_str() + start, size);
  return true;
}

std::ptrdiff_t open_slot(NativeEngine& self, const std::vector<FloatArray>& statics) {
  const std::ptrdiff_t slot = self.engine.open();
  self.set_static(statics, 0, self.engine.state(slot));
  return slot;
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<whorl::Program>(m, "Program", "A program on its way into an engine.")
      .def(nb::init<>())
      .def("tensor",
           [](whorl::Program& self, const FloatArray& values) {
             return self.add_tensor(values.data(), static_cast<std::ptrdiff_t>(values.size()));
           })
      .def("weight", &add_weight)
      .def("add", &add_operation, nb::arg("kind"), nb::arg("operands"), nb::arg("shape"), nb::kw_only(),
           nb::arg("word") = "", nb::arg("numbers") = std::vector<std::ptrdiff_t>{},
           nb::arg("reals") = std::vector<double>{}, nb::arg("weights") = std::vector<int>{},
           nb::arg("tensors") = std::vector<int>{}, nb::arg("final") = nb::none())
      .def("finish", &whorl::Program::finish);

  nb::class_<NativeEngine>(m, "Engine", "Runs a program over slots of state.")
      .def("__init__",
           [](NativeEngine* self, whorl::Program& program, const std::vector<nb::str>& names, const nb::bytes& prefix,
              int num_threads, std::ptrdiff_t block_floats) {
             new (self)
                 NativeEngine(std::move(program), names, {prefix.c_str(), prefix.size()}, num_threads, block_floats);
           })
      .def_prop_ro("state_size", [](const NativeEngine& self) { return self.engine.program().state_bytes(); })
      .def("open", &open_slot)
      .def("is_open", [](const NativeEngine& self, std::ptrdiff_t slot) { return self.engine.opening(slot) != 0; })
      .def("fork",
           [](NativeEngine& self, std::ptrdiff_t slot) {
             self.check_open(slot);
             return self.engine.fork(slot);
           })
      .def("close",
           [](NativeEngine& self, std::ptrdiff_t slot) {
             self.check_open(slot);
             self.engine.close(slot);
           })
      .def("read", &read_state)
      .def("write", &write_state)
      .def("run", &run, nb::arg("inputs"), nb::arg("statics"), nb::arg("output"), nb::arg("num_sequences"),
           nb::arg("num_steps"), nb::arg("start"), nb::arg("slots").none(), nb::arg("lengths").none())
      .def("step", &step, nb::arg("slots").none(), nb::arg("inputs").none())
      .def("bind",
           [](nb::object self, const Slots& slots) { return new Bound(self, nb::cast<NativeEngine&>(self), slots); });

  nb::class_<Bound>(m, "Bound", "Slots that step again and again; made by `Engine.bind`.")
      .def_ro("inputs", &Bound::inputs)
      .def_ro("output", &Bound::output)
      .def("step", &Bound::step);
}
