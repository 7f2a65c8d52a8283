// Threads for work that divides into independent parts.
#pragma once

#include <cstddef>

#include "multiples.h"

namespace whorl {

// Where part `index` of `parts` of the range [0, total) begins, and the one before it ends; borders are multiples of
// `multiple`.
inline std::ptrdiff_t cut(std::ptrdiff_t total, int index, int parts, std::ptrdiff_t multiple = 1) {
  const std::ptrdiff_t border = ceil_divide(total, multiple) * index / parts * multiple;
  return border < total ? border : total;
}

// Parts of work that takes `us` on one thread: at most `most`, each long enough to be worth waking a helper, at least
// one.
int worthwhile_parts(double us, double min_us_per_part, std::ptrdiff_t most);

// Calls part(context, 0), ..., part(context, num_parts - 1), each once, and returns when all have ended. The helpers
// are those of torch where it is loaded, a team for each thread that calls; else our own, which sleep between calls: if
// another caller is using those, everything runs on the caller's thread. Allocates nothing but the helpers, when so
// many are wanted for the first time. If a part throws, the first exception is thrown again when all have ended. Safe
// after fork: a child starts with helpers of its own.
void run_parts(int num_parts, void (*part)(const void* context, int index), const void* context);

// The same with something that is called with the index.
template <class Part>
void run_parts(int num_parts, const Part& part) {
  run_parts(num_parts, [](const void* context, int index) { (*static_cast<const Part*>(context))(index); }, &part);
}

}  // namespace whorl
