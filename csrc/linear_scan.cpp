#include "linear_scan.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "dispatch.h"
#include "multiples.h"
#include "rounding.h"
#include "threads.h"

namespace whorl {
namespace {

constexpr double min_us_per_thread = 40.0;  // waking a helper that sleeps costs tens of microseconds
constexpr double us_per_unit = 0.0015;      // of one step, roughly
// From so many units of all steps on, gradients of gates are written past the caches, which would not keep them until
// they are read: memory then need not be read to be written over. With half as many a whole step of training was
// slower, as what reads them found none. What the forward pass writes is read too soon at any size.
constexpr double many_units = 1 << 22;

double num_units(const LinearScan& job) {
  return static_cast<double>(job.num_steps) * static_cast<double>(job.num_rows) * static_cast<double>(job.hidden);
}

// Whether every sixteen units have a cache line of their own.
bool fills_lines(const LinearScan& job, const StepRows<float>& to) {
  return reinterpret_cast<std::uintptr_t>(to.at) % line_bytes == 0 && to.step % line_floats == 0 &&
         to.row % line_floats == 0 && job.hidden % line_floats == 0;
}

// Calls kernel(row, begin, end) for pieces of the units of each row.
template <class Kernel>
void run(const LinearScan& job, int num_threads, const Kernel& kernel) {
  if (job.num_rows == 0 || job.hidden == 0) return;
  const std::ptrdiff_t wanted = ceil_divide(num_threads, job.num_rows);
  const auto pieces = static_cast<int>(std::clamp<std::ptrdiff_t>(wanted, 1, ceil_divide(job.hidden, line_floats)));
  const std::ptrdiff_t total = job.num_rows * pieces;
  const int parts =
      worthwhile_parts(estimated_us(job), min_us_per_thread, std::min<std::ptrdiff_t>(num_threads, total));
  const auto run_part = [&](int index) {
    const Rounding rounding(Subnormals::flush);
    for (std::ptrdiff_t item = cut(total, index, parts); item < cut(total, index + 1, parts); ++item) {
      const auto piece = static_cast<int>(item % pieces);
      kernel(item / pieces, cut(job.hidden, piece, pieces, line_floats),
             cut(job.hidden, piece + 1, pieces, line_floats));
    }
  };
  if (parts == 1) return run_part(0);
  run_parts(parts, run_part);
}

}  // namespace

LinearCell linear_cell_named(const char* name) {
  const std::string wanted = name;
  if (wanted == "mingru") return LinearCell::min_gru;
  if (wanted == "minlstm") return LinearCell::min_lstm;
  if (wanted == "lru") return LinearCell::lru;
  throw std::invalid_argument("no cell that is linear in its state is called '" + wanted + "'.");
}

void linear_scan(const LinearForward& job, int num_threads) {
  run(job, num_threads, [&](std::ptrdiff_t row, std::ptrdiff_t begin, std::ptrdiff_t end) {
    kernels().linear_forward(job, row, begin, end);
  });
}

void linear_scan(LinearBackward job, int num_threads) {
  job.passes_caches = num_units(job) >= many_units && fills_lines(job, job.d_gates);
  run(job, num_threads, [&](std::ptrdiff_t row, std::ptrdiff_t begin, std::ptrdiff_t end) {
    kernels().linear_backward(job, row, begin, end);
  });
}

double estimated_us(const LinearScan& job) { return us_per_unit * num_units(job); }

}  // namespace whorl
