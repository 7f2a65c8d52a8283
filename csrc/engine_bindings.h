// The engine as Python has it. whorl/runtime/native.py checks what users give it; what is checked here are the fast
// ways in, which say None to whatever is not plain, and all sizes and slots that would otherwise lead to foreign
// memory. Programs are trusted: whorl/runtime/program.py has checked them.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "array_bindings.h"
#include "bindings.h"
#include "engine.h"

namespace whorl {

using Slots = std::vector<std::ptrdiff_t>;

[[noreturn]] void throw_argument_error(const std::string& message);

struct NamedInput {
  nb::object name;
  Shape shape;
};

class NativeEngine {
 public:
  NativeEngine(Program&& program, const std::vector<nb::str>& names, std::string state_prefix, int num_threads,
               std::ptrdiff_t block_floats);

  const Program& program() const { return engine.program(); }
  const Shape& output_shape() const { return program().shape(program().output()); }

  void check_open(std::ptrdiff_t slot) const;
  // The number of an open slot, whatever Python gives for it.
  std::ptrdiff_t open_slot(nb::handle slot) const;
  // Static inputs of so many sequences.
  void check_statics(const std::vector<FloatArray>& values, std::ptrdiff_t num_sequences) const;
  // Static inputs of a sequence stand behind what is kept in its state.
  void set_static(const std::vector<FloatArray>& values, std::ptrdiff_t sequence, std::byte* state) const;

  // Runs a call on the states of open slots. Long ones work on copies, since other threads may move the slab.
  void run_on_slots(Workspace* workspace, const CallSize& size, const Call& call, const std::ptrdiff_t* slots);
  // The same, on the states where they are, with a workspace that was prepared: `Runner::prepare` says what is
  // allocated.
  void run_in_place(Workspace* workspace, const Call& call, const std::ptrdiff_t* slots);
  void run_fresh(Workspace* workspace, const CallSize& size, const Call& call, const std::vector<FloatArray>& statics);

  Engine engine;
  std::vector<NamedInput> inputs;  // those that come at every step
  std::vector<std::ptrdiff_t> static_sizes;
  std::string prefix;  // what stored states begin with: they belong to one program
};

// Takes a workspace for the time of a call.
class Loan {
 public:
  explicit Loan(Engine& engine) : engine_(engine), workspace_(engine.take_workspace()) {}
  ~Loan() { engine_.give_back(std::move(workspace_)); }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  Workspace* get() const { return workspace_.get(); }

 private:
  Engine& engine_;
  std::unique_ptr<Workspace> workspace_;
};

// The parts of the class in Python.
void bind_calls(nb::class_<NativeEngine>& engine);
void bind_bound(nb::module_& m, nb::class_<NativeEngine>& engine);

}  // namespace whorl
