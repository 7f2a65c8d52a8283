// Threads for work that divides into independent parts.
#pragma once

#include <functional>

namespace whorl {

// Calls part(0), ..., part(num_parts - 1), each once, and returns when all have ended. The helpers are those of torch
// where it is loaded, a team for each thread that calls; else our own, which sleep between calls: if another caller is
// using those, everything runs on the caller's thread. `part` must not throw. Safe after fork: a child starts with
// helpers of its own.
void run_parts(int num_parts, const std::function<void(int)>& part);

}  // namespace whorl
