// What Python sees. Shapes and dtypes are checked here, once; nothing is computed here.
#include "bindings.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "affine.h"
#include "dispatch.h"
#include "quantised.h"

namespace nb = nanobind;
using whorl::PackedMatrix;

namespace {

// A float32 C-contiguous array of a known number of axes, borrowed through the buffer protocol.
class Array {
 public:
  enum class Access { read, write };

  Array(nb::handle source, const char* name, int num_axes, Access access = Access::read) : name_(name) {
    const int flags = PyBUF_FORMAT | PyBUF_STRIDES | (access == Access::write ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(source.ptr(), &view_, flags) != 0) {
      PyErr_Clear();
      throw nb::type_error((quoted() + " must be a " + (access == Access::write ? "writable " : "") +
                            "float32 numpy array, but is a " + type_name(source) + ".")
                               .c_str());
    }
    try {
      check(num_axes);
    } catch (...) {
      PyBuffer_Release(&view_);
      throw;
    }
  }
  ~Array() { PyBuffer_Release(&view_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  std::ptrdiff_t size(int axis) const { return view_.shape[axis]; }
  float* values() const { return static_cast<float*>(view_.buf); }

  bool overlaps(const Array& other) const {
    const auto mine = reinterpret_cast<std::uintptr_t>(view_.buf);
    const auto theirs = reinterpret_cast<std::uintptr_t>(other.view_.buf);
    return mine < theirs + static_cast<std::size_t>(other.view_.len) &&
           theirs < mine + static_cast<std::size_t>(view_.len);
  }

  std::string quoted() const { return "`" + std::string(name_) + "`"; }

  std::string shape() const {
    std::string text = "(";
    for (int axis = 0; axis < view_.ndim; ++axis) {
      text += (axis > 0 ? ", " : "") + std::to_string(view_.shape[axis]);
    }
    return text + (view_.ndim == 1 ? ",)" : ")");
  }

 private:
  static std::string type_name(nb::handle source) { return Py_TYPE(source.ptr())->tp_name; }

  void check(int num_axes) const {
    const std::string format = view_.format != nullptr ? view_.format : "B";
    if (format != "f") {
      throw nb::type_error((quoted() + " must be float32, but its buffer format is '" + format +
                            "'. Convert it with numpy.asarray(..., dtype=numpy.float32).")
                               .c_str());
    }
    if (view_.ndim != num_axes) {
      throw nb::value_error((quoted() + " must have " + std::to_string(num_axes) + (num_axes == 1 ? " axis" : " axes") +
                             ", but its shape is " + shape() + ".")
                                .c_str());
    }
    if (PyBuffer_IsContiguous(&view_, 'C') == 0) {
      throw nb::value_error((quoted() + " must be C-contiguous. Convert it with numpy.ascontiguousarray.").c_str());
    }
  }

  const char* name_;
  Py_buffer view_ = {};
};

[[noreturn]] void throw_wrong_shape(const Array& array, const std::string& wanted) {
  throw nb::value_error((array.quoted() + " must have shape " + wanted + ", but has " + array.shape() + ".").c_str());
}

nb::object new_matrix(std::ptrdiff_t rows, std::ptrdiff_t columns) {
  // Looked up once and kept for the life of the process; a reference dropped at exit would come after the interpreter.
  static PyObject* const numpy_empty = nb::object(nb::module_::import_("numpy").attr("empty")).release().ptr();
  static PyObject* const float32 = nb::object(nb::module_::import_("numpy").attr("float32")).release().ptr();
  return nb::handle(numpy_empty)(nb::make_tuple(rows, columns), nb::handle(float32));
}

PackedMatrix* pack(nb::handle weight, const std::string& format) {
  const Array from(weight, "weight", 2);
  return new PackedMatrix(from.values(), from.size(0), from.size(1), whorl::format_named(format.c_str()));
}

nb::object affine(nb::handle x, const PackedMatrix& packed, nb::handle bias, std::int64_t num_threads, nb::object out,
                  bool resume) {
  const Array from(x, "x", 2);
  const std::ptrdiff_t rows = from.size(0);
  const whorl::Matrix& weight = packed.matrix();
  const std::string out_features = std::to_string(weight.out_features);
  if (from.size(1) != weight.in_features) {
    throw nb::value_error((from.quoted() + " has " + std::to_string(from.size(1)) +
                           " features, but the packed weight takes " + std::to_string(weight.in_features) + ".")
                              .c_str());
  }
  if (num_threads < 1) {
    throw nb::value_error(("`num_threads` must be at least 1, but is " + std::to_string(num_threads) + ".").c_str());
  }

  const bool fresh = out.is_none();
  if (resume && fresh) {
    throw nb::value_error("`resume` goes on from what stands in `out`, but there is none. Pass `out`.");
  }
  if (fresh) out = new_matrix(rows, weight.out_features);
  const Array to(out, "out", 2, Array::Access::write);
  if (to.size(0) != rows || to.size(1) != weight.out_features) {
    throw_wrong_shape(to, "(" + std::to_string(rows) + ", " + out_features + ")");
  }
  if (!fresh && to.overlaps(from)) {
    throw nb::value_error("`out` shares memory with `x`. Pass a buffer of its own.");
  }
  whorl::AffineJob job = whorl::whole_product(from.values(), rows, weight, nullptr, to.values());
  job.resume = resume;

  const auto run = [&] {
    const int threads = num_threads > 1024 ? 1024 : static_cast<int>(num_threads);
    run_unlocked(whorl::estimated_us(job), [&] { whorl::affine(job, threads); });
  };
  if (bias.is_none()) {
    run();
    return out;
  }
  const Array start(bias, "bias", 1);
  if (start.size(0) != weight.out_features) throw_wrong_shape(start, "(" + out_features + ",)");
  if (!fresh && to.overlaps(start)) {
    throw nb::value_error("`out` shares memory with `bias`. Pass a buffer of its own.");
  }
  job.bias = start.values();
  run();
  return out;
}

}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "Native kernels of whorl: the inference engine, and recurrences for training.";
  // Engines that live until the interpreter ends keep their weights; that is no leak, and nobody can act on it.
  nb::set_leak_warnings(false);
  whorl::kernels();  // a wrong WHORL_ISA is reported at import, not at the first product

  nb::class_<PackedMatrix>(m, "PackedWeight", "A weight matrix laid out for `affine`. Made by `pack`; immutable.")
      .def_prop_ro("in_features", [](const PackedMatrix& self) { return self.matrix().in_features; })
      .def_prop_ro("out_features", [](const PackedMatrix& self) { return self.matrix().out_features; })
      .def_prop_ro("format", [](const PackedMatrix& self) { return whorl::name_of(self.matrix().format); })
      .def_prop_ro("nbytes", &PackedMatrix::nbytes)
      .def("__repr__", [](const PackedMatrix& self) {
        const whorl::Matrix& matrix = self.matrix();
        const bool plain = matrix.format == whorl::Format::fp32;
        return "PackedWeight(in_features=" + std::to_string(matrix.in_features) +
               ", out_features=" + std::to_string(matrix.out_features) +
               (plain ? ")" : std::string(", format='") + whorl::name_of(matrix.format) + "')");
      });

  m.def("pack", &pack, nb::arg("weight").none(), nb::kw_only(), nb::arg("format") = "fp32",
        "Lays a weight matrix out for `affine`.");
  m.def("affine", &affine, nb::arg("x").none(), nb::arg("packed"), nb::arg("bias").none() = nb::none(),
        nb::arg("num_threads") = 1, nb::kw_only(), nb::arg("out").none() = nb::none(), nb::arg("resume") = false,
        "The affine product x * weight^T + bias, each row as if it were alone.");
  bind_engine(m);
  bind_readout(m);
  bind_scan(m);
  bind_linear_scan(m);
  m.def("isa", [] { return whorl::kernels().isa; }, "The instruction set in use: portable, avx2 or avx512.");
}
