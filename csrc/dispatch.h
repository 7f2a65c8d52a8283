// Which build of the kernels runs on this machine.
#pragma once

#include "affine.h"
#include "engine_kernels.h"
#include "linear_scan.h"
#include "scan.h"

namespace whorl {

struct Kernels {
  const char* isa;
  void (*affine)(const AffineJob&);       // any format
  void (*affine_int8)(const AffineJob&);  // which needs instructions of its own
  // The rows from the first to the second number, on this thread.
  void (*scan_forward)(const Forward&, std::ptrdiff_t, std::ptrdiff_t, float* scratch);
  void (*scan_backward)(const Backward&, std::ptrdiff_t, std::ptrdiff_t, const Gradients&, float* scratch);
  std::ptrdiff_t (*scan_scratch)(const Layer&);
  std::ptrdiff_t (*scan_backward_scratch)(const Layer&, bool has_projection);
  // The units from the first to the second number of a row, on this thread.
  void (*linear_forward)(const LinearForward&, std::ptrdiff_t row, std::ptrdiff_t, std::ptrdiff_t);
  void (*linear_backward)(const LinearBackward&, std::ptrdiff_t row, std::ptrdiff_t, std::ptrdiff_t);
  const ValueKernels* values;
  double multiply_adds_per_us;  // a rough rate, for estimates only
};

// The best set this processor can run, or the one named by the environment variable WHORL_ISA
// (portable, avx2, avx512). Decided on the first call. Throws std::runtime_error for a name that is unknown here.
const Kernels& kernels();

}  // namespace whorl
