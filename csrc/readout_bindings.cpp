// The readout of quantiles for Python; its caller, runtime/readouts.py, owns the shapes.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <vector>

#include "bindings.h"
#include "readout.h"

namespace nb = nanobind;

namespace {

template <class T, class... Shape>
using Values = nb::ndarray<const T, nb::device::cpu, nb::c_contig, Shape...>;

constexpr double us_per_number = 0.01;  // roughly

template <class T, class Array>
std::vector<T> copied(const Array& values) {
  return std::vector<T>(values.data(), values.data() + values.size());
}

void make(whorl::QuantileReadout* self, std::ptrdiff_t levels, const Values<double, nb::ndim<1>>& scale,
          const Values<double, nb::ndim<1>>& center, const Values<float, nb::ndim<2>>& shifts,
          const Values<float, nb::ndim<2>>& floors) {
  const std::size_t numbers = scale.size(), width = static_cast<std::size_t>(levels < 1 ? 0 : levels);
  const bool calibrated = shifts.size() > 0;
  const bool fits = !calibrated || (shifts.shape(0) == width && shifts.shape(1) == numbers);
  if (width == 0 || center.size() != numbers || !fits || floors.shape(0) != shifts.shape(0) ||
      floors.shape(1) != shifts.shape(1)) {
    throw nb::value_error(
        "`scale` and `center` hold a number each, `shifts` and `floors` (levels, numbers) or nothing.");
  }
  whorl::Calibration calibration;
  calibration.scale = copied<double>(scale);
  calibration.center = copied<double>(center);
  calibration.shifts = copied<float>(shifts);
  calibration.floors = copied<float>(floors);
  new (self) whorl::QuantileReadout(levels, calibration);
}

void answer(const whorl::QuantileReadout& self, const Values<float>& outputs,
            const nb::ndarray<double, nb::device::cpu, nb::c_contig>& answers, std::ptrdiff_t first) {
  const auto row = static_cast<std::size_t>(self.numbers() * (1 + self.levels()));
  const std::size_t rows = outputs.ndim() > 0 ? outputs.shape(0) : 0;
  const std::size_t all_rows = answers.ndim() > 1 ? answers.shape(1) : 0;
  if (outputs.size() != rows * row || answers.size() != all_rows * row) {
    throw nb::value_error("`outputs` must be (rows, numbers, 1 + levels), and `answers` (1 + levels, rows, numbers).");
  }
  const auto total = static_cast<std::ptrdiff_t>(all_rows);
  if (first < 0 || first > total || static_cast<std::ptrdiff_t>(rows) > total - first) {
    throw nb::value_error("`first` and the rows of `outputs` must be rows of `answers`.");
  }
  double* const to = answers.data() + first * self.numbers();
  const std::ptrdiff_t stride = total * self.numbers();
  const auto count = static_cast<std::ptrdiff_t>(rows);
  run_unlocked(us_per_number * static_cast<double>(count * self.numbers()),
               [&] { self.answer(outputs.data(), count, to, stride); });
}

}  // namespace

void bind_readout(nb::module_& m) {
  nb::class_<whorl::QuantileReadout>(m, "QuantileReadout", "Quantiles of a head to answers in the user's units.")
      .def("__init__", &make, nb::arg("levels"), nb::arg("scale").noconvert(), nb::arg("center").noconvert(),
           nb::arg("shifts").noconvert(), nb::arg("floors").noconvert())
      .def("answer", &answer, nb::arg("outputs").noconvert(), nb::arg("answers").noconvert(), nb::arg("first") = 0,
           "Writes value and quantiles of each row.");
}
