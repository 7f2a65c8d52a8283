// Makes a plan: one method for each operation, and where their operands and results lie.
#pragma once

#include <cstddef>
#include <vector>

#include "engine_draft.h"
#include "engine_plan.h"
#include "engine_views.h"

namespace whorl {

class Planner {
 public:
  Planner(const Program& program, Plan* plan);
  // Fills the plan.
  void run();

 private:
  // Operations

  void add(const Operation& operation);
  void add_input(const Operation& operation);
  void add_affine(const Operation& operation);
  void add_convolve(const Operation& operation);
  void add_embed(const Operation& operation);
  void add_activate(const Operation& operation);
  void add_combine(const Operation& operation);
  void add_reduce(const Operation& operation);
  void add_normalise(const Operation& operation);
  void add_scan_of_stream(const Operation& operation);
  void add_scan_of_value(const Operation& operation);
  void add_step(const Operation& operation);
  void add_elements_of_stream(const Operation& operation);
  void add_elements_of_value(const Operation& operation);
  void add_window(const Operation& operation);
  template <class Stepwise>
  Stepwise* add_stepwise(const Operation& operation, std::ptrdiff_t size, std::ptrdiff_t cost);
  void add_running(const Operation& operation);
  void add_pool(const Operation& operation);
  void add_keep(const Operation& operation);
  void add_attend(const Operation& operation);
  void add_first(const Operation& operation);
  void add_concat(const Operation& operation);
  void add_take(const Operation& operation);

  // What is the same memory, seen otherwise.
  void add_view(const Operation& operation);

  // A picture with zeros around it; `zero` is the tensor of a zero.
  View padded(const View& picture, std::ptrdiff_t padding, int zero);

  // Parts of recurrences

  // The input products of a recurrence for all rows of `x`, dense.
  Place input_gates(const Operation& operation, const View& x);

  template <class Scan>
  Scan* emit_scan(const Operation& operation, const Units& units, std::ptrdiff_t num_steps, std::ptrdiff_t num_rows);

  // Where values lie

  // Memory into which what the state holds for an operation is copied, the same at every step.
  View loaded(const Operation& operation);
  const View& view(int value) const { return views_[index(value)]; }
  // An operand of an operation without state, at the steps at which the operation runs.
  View operand(const Operation& operation, std::size_t place) const;
  View from_start(View view) const;
  void define(const Operation& operation, const View& view) { views_[index(operation.out)] = view; }
  std::ptrdiff_t positions() const { return num_steps_ * size_.num_sequences; }
  static std::size_t value_axis(std::ptrdiff_t axis) { return value_axes + static_cast<std::size_t>(axis); }

  // The same value at every step of every sequence, or of every sequence one.
  View still(Place at, std::ptrdiff_t sequence_stride, const Shape& shape) const;
  // Dense memory for a value: steps, sequences, its axes.
  View fresh(const Shape& shape) { return fresh(shape, num_steps_); }
  View fresh(const Shape& shape, std::ptrdiff_t num_steps);
  View output_view() const;
  void write_output();

  // Where results go

  // An elementwise result that is only read by one concatenation, or that is the output, is written to where it is
  // wanted.
  struct Target {
    bool exists = false;
    const Operation* concat = nullptr;  // null: the output
    std::ptrdiff_t start = 0;
  };

  void choose_targets();
  bool is_placed(int value) const;
  // Memory for the result of an elementwise operation.
  View result(const Operation& operation);
  // Memory of a concatenation, taken when its first part needs it.
  View concat_view(const Operation& concat);

  static std::size_t index(int value) { return static_cast<std::size_t>(value); }

  const Program& program_;
  const BlockSize size_;
  std::vector<int> input_numbers_;  // of the operations that are inputs at every step; -1 for all others
  Draft draft_;
  std::vector<View> views_;
  std::vector<Target> targets_;
  // Of the operation at hand.
  std::size_t number_ = 0;
  bool late_ = false;
  std::ptrdiff_t num_steps_ = 0;
};

}  // namespace whorl
