// A plan on its way: its instructions in their order, and memory for what they read and write.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>

#include "engine_arena.h"
#include "engine_plan.h"
#include "engine_views.h"

namespace whorl {

// Rows of a value, `stride` floats apart, the last axis in one piece.
struct Rows {
  Place at;
  std::ptrdiff_t count, stride;
};

class Draft {
 public:
  // `num_inputs`: values that come at every step.
  Draft(const Program& program, int num_inputs, Plan* plan);

  // Nothing more is added. Gives every place its memory.
  void finish();

  // Places

  static Place output() { return {0, 0}; }
  static Place input(int number) { return {1 + number, 0}; }
  Place tensor(int number) const { return number < 0 ? Place{} : Place{first_tensor_ + number, 0}; }
  // Memory for as many floats as the product of these sizes; throws TooLarge.
  Place storage(std::initializer_list<std::ptrdiff_t> sizes);
  // Says that the instruction that was added last uses a place.
  Place touched(Place place);

  // Instructions

  template <class T>
  T* emit(std::ptrdiff_t num_elements) {
    auto owned = std::make_unique<T>();
    T* instruction = owned.get();
    plan_.instructions_.push_back(std::move(owned));
    plan_.estimated_us_ += us_per_instruction + us_per_element * static_cast<double>(num_elements);
    return instruction;
  }

  // Threads for a product or a recurrence. Sequences are shared among threads elsewhere, with no waiting in between;
  // within an operation that only pays where it is very large.
  int threads_for(double us);

  void copy(const View& from, const View& to);
  void multiply(const Rows& x, const Matrix& weight, Place bias, Place out);
  void normalise(const Rows& x, std::ptrdiff_t size, Place gain, Place bias, float eps, Place out);

  // Values in another form, copied where they do not have it

  View copied(const View& from);
  // Rows along the last axis, evenly spaced.
  Rows rows(const View& x);
  // Rows without gaps between them.
  Rows whole_rows(const View& x);
  // One stride over the elements of a step.
  Spread spread(const View& x);

 private:
  // Rough times for the decision whether other threads may run meanwhile.
  static constexpr double us_per_instruction = 0.02, us_per_element = 0.0005;

  const Program& program_;
  Plan& plan_;
  Arena arena_;
  int first_tensor_, first_storage_;
};

}  // namespace whorl
