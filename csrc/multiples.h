// Sizes brought up to a multiple.
//
// Kernel files are compiled for one instruction set each. What they share with other files outside of their own
// namespaces is `always_inline`: else the linker might keep a copy that not every machine can run.
#pragma once

#include <cstddef>

namespace whorl {

[[gnu::always_inline]] constexpr std::ptrdiff_t ceil_divide(std::ptrdiff_t size, std::ptrdiff_t by) {
  return (size + by - 1) / by;
}

[[gnu::always_inline]] constexpr std::ptrdiff_t round_up(std::ptrdiff_t size, std::ptrdiff_t multiple) {
  return ceil_divide(size, multiple) * multiple;
}

// Floats of a cache line, and of a vector of any instruction set.
constexpr std::ptrdiff_t line_floats = 16, line_bytes = 64;

}  // namespace whorl
