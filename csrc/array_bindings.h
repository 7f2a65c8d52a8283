// Arrays of Python, borrowed and made.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "program.h"

namespace whorl {

namespace nb = nanobind;

using FloatArray = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;

constexpr std::size_t count(std::ptrdiff_t number) { return static_cast<std::size_t>(number); }

// The buffer of an array, held open.
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { release(); }
  Buffer(Buffer&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer& operator=(Buffer&&) = delete;

  // False, without an error, if the object is not a C-contiguous array of float32 of this shape behind its first axis.
  bool open(PyObject* source, std::ptrdiff_t first, const Shape& rest, bool writable = false) {
    const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_CheckBuffer(source) == 0 || PyObject_GetBuffer(source, &view_, flags) != 0) {
      PyErr_Clear();
      return false;
    }
    const bool floats = view_.format != nullptr && std::strcmp(view_.format, "f") == 0;
    if (floats && count(view_.ndim) == rest.size() + 1 && view_.shape[0] == first &&
        std::equal(rest.begin(), rest.end(), view_.shape + 1)) {
      return true;
    }
    release();
    return false;
  }
  float* values() const { return static_cast<float*>(view_.buf); }

 private:
  void release() {
    if (view_.obj != nullptr) PyBuffer_Release(&view_);
  }
  Py_buffer view_ = {};
};

// A new numpy array of float32 zeros, and its buffer in `buffer`.
inline nb::object new_array(std::ptrdiff_t first, const Shape& rest, Buffer* buffer) {
  // Looked up once and kept for the life of the process; a reference dropped at exit would come after the interpreter.
  static PyObject* const zeros = nb::object(nb::module_::import_("numpy").attr("zeros")).release().ptr();
  static PyObject* const float32 = nb::object(nb::module_::import_("numpy").attr("float32")).release().ptr();
  nb::object shape = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(rest.size() + 1)));
  if (!shape.is_valid()) throw nb::python_error();
  PyTuple_SET_ITEM(shape.ptr(), 0, PyLong_FromSsize_t(first));
  for (std::size_t n = 0; n < rest.size(); ++n)
    PyTuple_SET_ITEM(shape.ptr(), static_cast<Py_ssize_t>(n + 1), PyLong_FromSsize_t(rest[n]));
  nb::object array = nb::handle(zeros)(shape, nb::handle(float32));
  if (!buffer->open(array.ptr(), first, rest, true)) throw nb::type_error("numpy made an array of another kind.");
  return array;
}

}  // namespace whorl
