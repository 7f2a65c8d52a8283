// Quantiles of a head to answers in the user's units. runtime/readouts.py says what is computed and why, and holds the
// reference in numpy; here it is one pass, for a single row of a stream costs more in calls than in arithmetic.
#pragma once

#include <cstddef>
#include <vector>

namespace whorl {

// What the numbers of a row need; a number is one step of the horizon of one output.
struct Calibration {
  std::vector<float> shifts;  // (levels, numbers) signed share of the width; empty where nothing was calibrated
  std::vector<float> floors;  // (levels, numbers) least width that counts
  std::vector<double> scale;  // (numbers,) of the user's units
  std::vector<double> center;
};

class QuantileReadout {
 public:
  QuantileReadout(std::ptrdiff_t levels, const Calibration& row);

  // outputs (rows, numbers, 1 + levels) -> answers (1 + levels, rows, numbers): the value, then each quantile. The
  // levels of the answers are `stride` numbers apart, for they may be rows of a larger array.
  void answer(const float* outputs, std::ptrdiff_t rows, double* answers, std::ptrdiff_t stride) const;

  std::ptrdiff_t numbers() const { return numbers_; }
  std::ptrdiff_t levels() const { return levels_; }

 private:
  // Some numbers, each level a contiguous run of them.
  struct Block {
    float *value, *quantiles, *moved;
    std::ptrdiff_t count;
  };
  void bound(const Block& block) const;

  std::ptrdiff_t numbers_, levels_, width_;  // width: numbers in a whole block, which is one row or several
  Calibration block_;
};

}  // namespace whorl
