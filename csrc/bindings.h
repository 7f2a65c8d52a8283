// The parts of the Python module; each file that ends in _bindings.cpp adds one.
#pragma once

#include <nanobind/nanobind.h>

// Calls that take less keep Python's lock: giving it away so that other threads may run would cost more.
constexpr double min_us_to_release = 20.0;

void bind_engine(nanobind::module_& m);
void bind_readout(nanobind::module_& m);
void bind_scan(nanobind::module_& m);
