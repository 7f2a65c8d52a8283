// Makes a plan: one method for each operation, and how they find and take memory.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "engine_arena.h"
#include "engine_plan.h"
#include "engine_views.h"

namespace whorl {

// Rows of a value, `stride` floats apart, the last axis in one piece.
struct Rows {
  Place at;
  std::ptrdiff_t count, stride;
};

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
  void add_embed(const Operation& operation);
  void add_activate(const Operation& operation);
  void add_combine(const Operation& operation);
  void add_reduce(const Operation& operation);
  void add_normalise(const Operation& operation);
  void add_scan_of_stream(const Operation& operation);
  void add_scan_of_value(const Operation& operation);
  void add_step(const Operation& operation);
  void add_window(const Operation& operation);
  void add_running(const Operation& operation);
  void add_first(const Operation& operation);
  void add_concat(const Operation& operation);
  void add_take(const Operation& operation);

  // What is the same memory, seen otherwise.
  void add_view(const Operation& operation);

  // Parts of operations

  // Threads for a product or a recurrence. Sequences are shared among threads elsewhere, with no waiting in between;
  // within an operation that only pays where it is very large.
  int threads_for(double us);

  void multiply(const Rows& x, int weight, Place bias, Place out);

  void normalise(const Rows& x, std::ptrdiff_t size, int gain, int bias, float eps, Place out);

  // The input products of a recurrence for all rows of `x`, dense.
  Place input_gates(const Operation& operation, const View& x);

  template <class Scan>
  Scan* emit_scan(const Operation& operation, const Units& units, std::ptrdiff_t num_steps, std::ptrdiff_t num_rows);

  void copy(const View& from, const View& to);

  void write_output();

  // Views

  View output_view() const;

  const View& view(int value) const { return views_[index(value)]; }

  // An operand of an operation without state, at the steps at which the operation runs.
  View operand(const Operation& operation, std::size_t place) const;
  View from_start(View view) const;
  void define(const Operation& operation, const View& view) { views_[index(operation.out)] = view; }

  std::ptrdiff_t positions() const { return num_steps_ * size_.num_sequences; }

  // Dense memory for a value: steps, sequences, its axes.
  View fresh(const Shape& shape) { return fresh(shape, num_steps_); }
  View fresh(const Shape& shape, std::ptrdiff_t num_steps);
  static View dense(Place at, const std::vector<std::ptrdiff_t>& sizes) { return {at, row_major(sizes)}; }

  static std::vector<std::ptrdiff_t> with_last(const View& view, std::ptrdiff_t size);
  static View slice(View view, std::size_t axis, std::ptrdiff_t start, std::ptrdiff_t count);
  static View columns(const View& view, std::ptrdiff_t start, std::ptrdiff_t count);
  std::vector<Axis> still_axes(const Shape& shape) const;
  static void append(const std::vector<Axis>& more, std::vector<Axis>* axes);
  View copied(const View& from);

  // Rows along the last axis, copied together if they do not stand evenly.
  Rows rows(const View& x);

  // Rows without gaps between them.
  Rows whole_rows(const View& x);
  Spread spread(const View& x);

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

  // Memory

  static std::size_t index(int value) { return static_cast<std::size_t>(value); }

  Place tensor(int number) const { return number < 0 ? Place{} : Place{first_tensor_ + number, 0}; }

  std::size_t table_size(const Operation& operation) const;

  Place storage(std::ptrdiff_t floats);

  // Says that the instruction that was added last uses a place.
  Place touched(Place place);

  template <class T>
  T* emit(std::ptrdiff_t num_elements) {
    auto owned = std::make_unique<T>();
    T* instruction = owned.get();
    plan_.instructions_.push_back(std::move(owned));
    plan_.estimated_us_ += us_per_instruction + us_per_element * static_cast<double>(num_elements);
    return instruction;
  }

  void lay_out();

  // Rough times for the decision whether other threads may run meanwhile.
  static constexpr double us_per_instruction = 0.02, us_per_element = 0.0005;

  const Program& program_;
  Plan& plan_;
  const BlockSize size_;
  std::vector<View> views_;
  std::vector<Target> targets_;
  Arena arena_;
  std::vector<int> input_bases_;
  int first_tensor_, first_storage_;
  // Of the operation at hand.
  std::size_t number_ = 0;
  bool late_ = false;
  std::ptrdiff_t num_steps_ = 0;
};

}  // namespace whorl
