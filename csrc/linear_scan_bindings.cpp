// Recurrences that are linear in their state, for Python. Tensors come as addresses (0: none) and strides in floats, as
// in scan_bindings.cpp; whorl/ops/native_linear.py, the only caller, checks everything.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <string>

#include "bindings.h"
#include "linear_scan.h"

namespace nb = nanobind;

namespace {

using Address = std::uintptr_t;

template <class T>
T* at(Address address) {
  return reinterpret_cast<T*>(address);
}

// One layer in one direction, and the sequences it reads.
class LinearScan {
 public:
  LinearScan(const std::string& cell, bool reverse, std::ptrdiff_t num_steps, std::ptrdiff_t num_rows,
             std::ptrdiff_t hidden, int num_threads)
      : num_threads_(num_threads) {
    job_.cell = whorl::linear_cell_named(cell.c_str());
    job_.reverse = reverse;
    job_.num_steps = num_steps;
    job_.num_rows = num_rows;
    job_.hidden = hidden;
  }

  void reads(Address gates, std::ptrdiff_t step, std::ptrdiff_t row, Address decay, Address lengths, Address resets) {
    job_.gates = {at<float>(gates), step, row};
    job_.decay = at<float>(decay);
    job_.lengths = at<std::int64_t>(lengths);
    job_.resets = at<std::uint8_t>(resets);
  }

  void forward(Address state, Address out, std::ptrdiff_t step, std::ptrdiff_t row) const {
    whorl::LinearForward job = {job_, at<float>(state), {at<float>(out), step, row}};
    run(job);
  }

  // What the backward pass reads of the forward pass.
  void remembers(Address first, Address out, std::ptrdiff_t step, std::ptrdiff_t row) {
    first_ = at<float>(first);
    out_ = {at<float>(out), step, row};
  }

  void backward(Address d_out, std::ptrdiff_t d_out_step, std::ptrdiff_t d_out_row, Address d_state, Address d_gates,
                std::ptrdiff_t d_gates_step, std::ptrdiff_t d_gates_row, Address d_decay) const {
    whorl::LinearBackward job = {job_,
                                 first_,
                                 out_,
                                 {at<float>(d_out), d_out_step, d_out_row},
                                 at<float>(d_state),
                                 {at<float>(d_gates), d_gates_step, d_gates_row},
                                 at<float>(d_decay),
                                 false};
    run(job);
  }

 private:
  template <class Job>
  void run(const Job& job) const {
    run_unlocked(whorl::estimated_us(job), [&] { whorl::linear_scan(job, num_threads_); });
  }

  whorl::LinearScan job_ = {};
  const float* first_ = nullptr;
  whorl::StepRows<const float> out_ = {};
  int num_threads_;
};

}  // namespace

void bind_linear_scan(nb::module_& m) {
  nb::class_<LinearScan>(m, "LinearScan", "A recurrence that is linear in its state, over whole sequences.")
      .def(nb::init<const std::string&, bool, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, int>())
      .def("reads", &LinearScan::reads)
      .def("forward", &LinearScan::forward)
      .def("remembers", &LinearScan::remembers)
      .def("backward", &LinearScan::backward);
}
