#include "dispatch.h"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace whorl {

// What every build of the kernels defines in its own namespace.
#define WHORL_DECLARE_KERNELS(isa)                                                               \
  namespace isa {                                                                                \
  extern const ValueKernels value_kernels;                                                       \
  void affine(const AffineJob& job);                                                             \
  void affine_int8(const AffineJob& job);                                                        \
  void scan_forward(const Forward&, std::ptrdiff_t, std::ptrdiff_t, float*);                     \
  void scan_backward(const Backward&, std::ptrdiff_t, std::ptrdiff_t, const Gradients&, float*); \
  std::ptrdiff_t scan_scratch(const Layer&);                                                     \
  std::ptrdiff_t scan_backward_scratch(const Layer&, bool);                                      \
  void linear_forward(const LinearForward&, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t);     \
  void linear_backward(const LinearBackward&, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t);   \
  }
#define WHORL_KERNELS(isa, affine_int8, rate)                                                            \
  Kernels {                                                                                              \
    #isa, isa::affine, affine_int8, isa::scan_forward, isa::scan_backward, isa::scan_scratch,            \
        isa::scan_backward_scratch, isa::linear_forward, isa::linear_backward, &isa::value_kernels, rate \
  }

WHORL_DECLARE_KERNELS(portable)
#if defined(WHORL_X86_KERNELS)
WHORL_DECLARE_KERNELS(avx2)
WHORL_DECLARE_KERNELS(avx512)
namespace avx512vnni {
void affine_int8(const AffineJob& job);
}
#endif

namespace {

// Best first.
std::vector<Kernels> runnable() {
  std::vector<Kernels> found;
#if defined(WHORL_X86_KERNELS)
  // These ask the operating system too: a processor whose wide registers are not saved on a context switch says no.
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (has_avx2 && __builtin_cpu_supports("avx512f") != 0) {
    const bool has_vnni = __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bw") != 0;
    found.push_back(WHORL_KERNELS(avx512, has_vnni ? avx512vnni::affine_int8 : avx2::affine_int8, 4e4));
  }
  if (has_avx2) found.push_back(WHORL_KERNELS(avx2, avx2::affine_int8, 2e4));
#endif
  found.push_back(WHORL_KERNELS(portable, portable::affine_int8, 5e2));
  return found;
}

Kernels choose() {
  const std::vector<Kernels> found = runnable();
  const char* wanted = std::getenv("WHORL_ISA");
  if (wanted == nullptr || *wanted == '\0') return found.front();
  std::string names;
  for (const Kernels& candidate : found) {
    if (candidate.isa == std::string(wanted)) return candidate;
    names += names.empty() ? "" : ", ";
    names += candidate.isa;
  }
  throw std::runtime_error("WHORL_ISA is '" + std::string(wanted) +
                           "', but this machine and build can run only: " + names + ". Unset it or name one of these.");
}

}  // namespace

const Kernels& kernels() {
  static const Kernels chosen = choose();
  return chosen;
}

}  // namespace whorl
