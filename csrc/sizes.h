// Sizes of memory. A model file and a caller choose them freely, so a product of sizes may leave the range of its type.
#pragma once

#include <cstddef>
#include <new>

namespace whorl {

// Python's MemoryError.
class TooLarge : public std::bad_alloc {
 public:
  const char* what() const noexcept override {
    return "a call with so many rows needs more memory than can be addressed. Give fewer rows in a call.";
  }
};

// Numbers that memory may hold: their bytes can still be counted.
constexpr std::ptrdiff_t max_floats = std::ptrdiff_t{1} << (8 * sizeof(std::ptrdiff_t) - 6);

// a * b of sizes, which are not negative; throws TooLarge beyond max_floats.
inline std::ptrdiff_t times(std::ptrdiff_t a, std::ptrdiff_t b) {
  if (b != 0 && a > max_floats / b) throw TooLarge();
  return a * b;
}

}  // namespace whorl
