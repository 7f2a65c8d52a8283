// What Python sees. Shapes and dtypes are checked here, once; nothing is computed here.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string>

#include "affine.h"
#include "dispatch.h"

namespace nb = nanobind;

namespace {

// Other Python threads may run during a call that takes at least this long; a shorter one would lose more than it
// gives.
constexpr double min_us_to_release = 20.0;

// Weights in panels; see affine.h.
class PackedWeight {
 public:
  PackedWeight(std::ptrdiff_t in, std::ptrdiff_t out)
      : in_features(in), out_features(out), size_(whorl::num_panels(out) * in * whorl::panel_width) {
    values_ = static_cast<float*>(::operator new(nbytes(), alignment));
  }
  ~PackedWeight() { ::operator delete(values_, alignment); }
  PackedWeight(const PackedWeight&) = delete;
  PackedWeight& operator=(const PackedWeight&) = delete;

  float* values() { return values_; }
  const float* values() const { return values_; }
  std::size_t nbytes() const { return static_cast<std::size_t>(size_) * sizeof(float); }

  const std::ptrdiff_t in_features, out_features;

 private:
  static constexpr std::align_val_t alignment{64};
  std::ptrdiff_t size_;
  float* values_;
};

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

PackedWeight* pack(nb::handle weight) {
  const Array from(weight, "weight", 2);
  const std::ptrdiff_t out_features = from.size(0), in_features = from.size(1);
  constexpr std::ptrdiff_t limit = std::numeric_limits<std::ptrdiff_t>::max() / (2 * sizeof(float));
  if (in_features > 0 && out_features > limit / in_features - whorl::panel_width) {
    throw nb::value_error((from.quoted() + " is too large to pack: " + from.shape() + ".").c_str());
  }
  auto* packed = new PackedWeight(in_features, out_features);
  whorl::pack_panels(from.values(), out_features, in_features, packed->values());
  return packed;
}

nb::object affine(nb::handle x, const PackedWeight& packed, nb::handle bias, std::int64_t num_threads, nb::object out) {
  const Array from(x, "x", 2);
  const std::ptrdiff_t rows = from.size(0);
  const std::string out_features = std::to_string(packed.out_features);
  if (from.size(1) != packed.in_features) {
    throw nb::value_error((from.quoted() + " has " + std::to_string(from.size(1)) +
                           " features, but the packed weight takes " + std::to_string(packed.in_features) + ".")
                              .c_str());
  }
  if (num_threads < 1) {
    throw nb::value_error(("`num_threads` must be at least 1, but is " + std::to_string(num_threads) + ".").c_str());
  }

  whorl::AffineJob job = {};
  job.x = from.values();
  job.packed = packed.values();
  job.in_features = packed.in_features;
  job.out_features = packed.out_features;
  job.row_end = rows;
  job.panel_end = whorl::num_panels(packed.out_features);

  const bool fresh = out.is_none();
  if (fresh) out = new_matrix(rows, packed.out_features);
  const Array to(out, "out", 2, Array::Access::write);
  if (to.size(0) != rows || to.size(1) != packed.out_features) {
    throw_wrong_shape(to, "(" + std::to_string(rows) + ", " + out_features + ")");
  }
  if (!fresh && to.overlaps(from)) {
    throw nb::value_error("`out` shares memory with `x`. Pass a buffer of its own.");
  }
  job.out = to.values();

  const auto run = [&] {
    const int threads = num_threads > 1024 ? 1024 : static_cast<int>(num_threads);
    if (whorl::estimated_us(job) < min_us_to_release) return whorl::affine(job, threads);
    const nb::gil_scoped_release released;
    whorl::affine(job, threads);
  };
  if (bias.is_none()) {
    run();
    return out;
  }
  const Array start(bias, "bias", 1);
  if (start.size(0) != packed.out_features) throw_wrong_shape(start, "(" + out_features + ",)");
  if (!fresh && to.overlaps(start)) {
    throw nb::value_error("`out` shares memory with `bias`. Pass a buffer of its own.");
  }
  job.bias = start.values();
  run();
  return out;
}

}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "Native kernels of whorl's inference engine.";
  // Engines that live until the interpreter ends keep their weights; that is no leak, and nobody can act on it.
  nb::set_leak_warnings(false);
  whorl::kernels();  // a wrong WHORL_ISA is reported at import, not at the first product

  nb::class_<PackedWeight>(m, "PackedWeight", "A weight matrix laid out for `affine`. Made by `pack`; immutable.")
      .def_ro("in_features", &PackedWeight::in_features)
      .def_ro("out_features", &PackedWeight::out_features)
      .def_prop_ro("nbytes", &PackedWeight::nbytes)
      .def("__repr__", [](const PackedWeight& self) {
        return "PackedWeight(in_features=" + std::to_string(self.in_features) +
               ", out_features=" + std::to_string(self.out_features) + ")";
      });

  m.def("pack", &pack, nb::arg("weight").none(), "Lays a weight matrix out for `affine`.");
  m.def("affine", &affine, nb::arg("x").none(), nb::arg("packed"), nb::arg("bias").none() = nb::none(),
        nb::arg("num_threads") = 1, nb::kw_only(), nb::arg("out").none() = nb::none(),
        "The affine product x * weight^T + bias, each row as if it were alone.");
  m.def("isa", [] { return whorl::kernels().isa; }, "The instruction set in use: portable, avx2 or avx512.");
}
