// The parts of the Python module; each file that ends in _bindings.cpp adds one.
#pragma once

#include <nanobind/nanobind.h>

void bind_engine(nanobind::module_& m);
void bind_readout(nanobind::module_& m);
void bind_scan(nanobind::module_& m);
