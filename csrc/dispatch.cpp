#include "dispatch.h"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace whorl {

namespace portable {
void affine(const AffineJob& job);
}
#if defined(WHORL_X86_KERNELS)
namespace avx2 {
void affine(const AffineJob& job);
}
namespace avx512 {
void affine(const AffineJob& job);
}
#endif

namespace {

// Best first.
std::vector<Kernels> runnable() {
  std::vector<Kernels> found;
#if defined(WHORL_X86_KERNELS)
  // These ask the operating system too: a processor whose wide registers are not saved on a context switch says no.
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (has_avx2 && __builtin_cpu_supports("avx512f") != 0) found.push_back({"avx512", avx512::affine, 4e4});
  if (has_avx2) found.push_back({"avx2", avx2::affine, 2e4});
#endif
  found.push_back({"portable", portable::affine, 5e2});
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
