// The parts of the Python module; each file that ends in _bindings.cpp adds one.
#pragma once

#include <nanobind/nanobind.h>

// Whether other threads may run during a call. Shorter ones keep Python's lock: giving it away would cost more.
constexpr bool is_long(double us) { return us >= 20.0; }

// Calls `work`, which takes about so long, without Python's lock where that is worth it.
template <class Work>
void run_unlocked(double us, const Work& work) {
  if (!is_long(us)) return work();
  const nanobind::gil_scoped_release released;
  work();
}

void bind_engine(nanobind::module_& m);
void bind_readout(nanobind::module_& m);
void bind_scan(nanobind::module_& m);
void bind_linear_scan(nanobind::module_& m);
