// Which build of the kernels runs on this machine.
#pragma once

#include "affine.h"

namespace whorl {

struct Kernels {
  const char* isa;
  void (*affine)(const AffineJob&);
  double multiply_adds_per_us;  // a rough rate, for estimates only
};

// The best set this processor can run, or the one named by the environment variable WHORL_ISA
// (portable, avx2, avx512). Decided on the first call. Throws std::runtime_error for a name that is unknown here.
const Kernels& kernels();

}  // namespace whorl
