// How floating-point numbers are rounded while a kernel runs, whatever the caller (or torch.set_flush_denormal) has set
// for this thread: the same inputs must give the same bits.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace whorl {

enum class Subnormals { keep, flush };  // flush: they count as 0, which is much faster where decaying states meet them

// Round to nearest while it lives.
class Rounding {
 public:
#if defined(__x86_64__)
  explicit Rounding(Subnormals subnormals) : saved_(_mm_getcsr()) {
    const unsigned wanted = subnormals == Subnormals::flush ? 0x9fc0 : 0x1f80;
    // Setting it stops the processor for longer than a look at it takes. The low bits only say what has happened.
    is_other_ = (saved_ & ~0x3fU) != wanted;
    if (is_other_) _mm_setcsr(wanted);
  }
  ~Rounding() {
    if (is_other_) _mm_setcsr(saved_);
  }
#else
  explicit Rounding(Subnormals) {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~Rounding() { std::fesetenv(&saved_); }
#endif
  Rounding(const Rounding&) = delete;
  Rounding& operator=(const Rounding&) = delete;

 private:
#if defined(__x86_64__)
  unsigned saved_;
  bool is_other_;
#else
  std::fenv_t saved_;
#endif
};

}  // namespace whorl
