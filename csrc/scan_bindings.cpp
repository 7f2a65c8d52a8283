// The recurrence for Python. Tensors come as addresses (0: none), since asking a tensor for its buffer costs more than
// a short sequence takes; whorl/ops/native_scan.py, the only caller, checks everything.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <string>

#include "bindings.h"
#include "quantised.h"
#include "recycled.h"
#include "scan.h"
#include "sizes.h"

namespace nb = nanobind;

namespace {

constexpr double us_to_pack = 0.001;  // a number of a weight, roughly

using Address = std::uintptr_t;

template <class T>
T* at(Address address) {
  return reinterpret_cast<T*>(address);
}

// A weight (rows, columns) laid out for the product, or its transpose; nothing where there is no weight.
class Panels {
 public:
  Panels(const float* weight, std::ptrdiff_t rows, std::ptrdiff_t columns, bool transposed)
      : weight_(weight), transposed_(transposed) {
    matrix_.out_features = transposed ? columns : rows;
    matrix_.in_features = transposed ? rows : columns;
  }
  std::ptrdiff_t size() const {
    if (weight_ == nullptr) return 0;
    return whorl::num_panels(matrix_.out_features) * matrix_.in_features * whorl::panel_width;
  }
  // Null where there is no weight; else it is written to `memory`.
  const whorl::Matrix* pack(float* memory) {
    if (weight_ == nullptr) return nullptr;
    (transposed_ ? whorl::pack_panels_transposed : whorl::pack_panels)(weight_, matrix_.out_features,
                                                                       matrix_.in_features, memory);
    matrix_.values = memory;
    return &matrix_;
  }

 private:
  const float* weight_;
  bool transposed_;
  whorl::Matrix matrix_;
};

// Memory of a call. A little is kept by the thread from call to call, since fresh pages would cost more than a short
// sequence; much is handed on through the memory that all threads share.
class Scratch {
 public:
  explicit Scratch(std::ptrdiff_t floats) {
    const auto size = static_cast<std::size_t>(floats) * sizeof(float);
    if (size > most_of_a_thread) taken_ = whorl::take_memory(size);
    memory_ = static_cast<float*>(
        taken_ != nullptr ? taken_ : static_cast<void*>(whorl::thread_scratch(whorl::Use::scan, size)));
  }
  ~Scratch() { whorl::give_memory(taken_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  float* memory() const { return memory_; }

 private:
  static constexpr std::size_t most_of_a_thread = std::size_t{16} << 20;
  void* taken_ = nullptr;
  float* memory_ = nullptr;
};

// One layer in one direction, and the sequences it reads.
class Scan {
 public:
  Scan(const std::string& cell, std::ptrdiff_t features, std::ptrdiff_t hidden, std::ptrdiff_t width,
       std::ptrdiff_t num_steps, std::ptrdiff_t num_rows, bool reverse, int num_threads)
      : num_threads_(num_threads) {
    layer_.cell = whorl::cell_named(cell.c_str());
    layer_.features = features;
    layer_.hidden = hidden;
    layer_.width = width;
    sequences_.num_steps = num_steps;
    sequences_.num_rows = num_rows;
    sequences_.reverse = reverse;
  }

  // In the order of `Weights` in whorl/ops/call.py.
  void weights(Address input, Address recurrent, Address input_bias, Address bias, Address projection, Address norm_x,
               Address norm_h, Address norm_c, Address norm_c_bias) {
    input_ = at<float>(input);
    recurrent_ = at<float>(recurrent);
    projection_ = at<float>(projection);
    layer_.input_bias = at<float>(input_bias);
    layer_.bias = at<float>(bias);
    layer_.norm_x_gain = at<float>(norm_x);
    layer_.norm_gain = at<float>(norm_h);
    layer_.norm_c_gain = at<float>(norm_c);
    layer_.norm_c_bias = at<float>(norm_c_bias);
  }

  void options(float hold, Address lengths, Address resets, Address mask, Address hold_h, Address hold_c) {
    sequences_.lengths = at<std::int64_t>(lengths);
    sequences_.resets = at<std::uint8_t>(resets);
    sequences_.mask = at<float>(mask);
    sequences_.hold_h = at<float>(hold_h);
    sequences_.hold_c = at<float>(hold_c);
    sequences_.hold = hold;
  }

  // One piece of memory of saved_floats() for each row at each step; what the forward pass keeps there for the backward
  // pass.
  void saved(Address memory) {
    const whorl::SavedLayout layout = {
        whorl::type_of(layer_.cell),   layer_.hidden,         layer_.width, layer_.norm_gain != nullptr,
        layer_.norm_c_gain != nullptr, projection_ != nullptr};
    saved_ = layout.in(at<float>(memory), sequences_.num_steps * sequences_.num_rows);
  }

  // Where the gradients of the weights go, in the order of `weights`; none where one is not wanted.
  void gradients(Address input, Address recurrent, Address input_bias, Address bias, Address projection, Address norm_x,
                 Address norm_h, Address norm_c, Address norm_c_bias) {
    gradients_ = {at<float>(input),  at<float>(recurrent),  at<float>(input_bias),
                  at<float>(bias),   at<float>(projection), at<float>(norm_x),
                  at<float>(norm_h), at<float>(norm_c),     at<float>(norm_c_bias)};
  }

  // x lies in rows of its features, `step` and `row` floats apart.
  void forward(Address x, std::ptrdiff_t step, std::ptrdiff_t row, Address gates, Address h, Address c, Address out) {
    const std::ptrdiff_t columns = num_gates();
    auto job = reading<whorl::Forward>(x, step, row);
    job.gates = at<float>(gates);
    job.gates_row = columns;
    job.gates_step = columns * sequences_.num_rows;
    job.h = at<float>(h);
    job.c = at<float>(c);
    job.out = at<float>(out);
    job.out_row = layer_.width;
    job.out_step = layer_.width * sequences_.num_rows;
    run(job, false, whorl::scratch_floats(layer_), job.layer.input, job.layer.recurrent, job.layer.projection);
  }

  void backward(Address x, std::ptrdiff_t step, std::ptrdiff_t row, Address d_out, std::ptrdiff_t d_out_step,
                std::ptrdiff_t d_out_row, Address d_h, Address d_c, Address d_x) {
    auto job = reading<whorl::Backward>(x, step, row);
    job.d_out = at<float>(d_out);
    job.d_out_step = d_out_step;
    job.d_out_row = d_out_row;
    job.d_h = at<float>(d_h);
    job.d_c = at<float>(d_c);
    job.d_x = at<float>(d_x);
    job.d_x_row = layer_.features;
    job.d_x_step = layer_.features * sequences_.num_rows;
    job.gradients = gradients_;
    run(job, true, whorl::backward_scratch_floats(layer_, projection_ != nullptr), job.input_back, job.recurrent_back,
        job.projection_back);
  }

 private:
  std::ptrdiff_t num_gates() const { return whorl::type_of(layer_.cell).gates * layer_.hidden; }

  // What both passes start with.
  template <class Job>
  Job reading(Address x, std::ptrdiff_t step, std::ptrdiff_t row) const {
    Job job = {};
    job.layer = layer_;
    job.sequences = sequences_;
    job.saved = saved_;
    job.x = at<float>(x);
    job.x_step = step;
    job.x_row = row;
    return job;
  }

  // Packs the weights, transposed or not, and runs the job. `scratch` floats go to each thread.
  template <class Job>
  void run(Job& job, bool transposed, std::ptrdiff_t scratch, const whorl::Matrix*& input,
           const whorl::Matrix*& recurrent, const whorl::Matrix*& projection) {
    Panels first(input_, num_gates(), layer_.features, transposed);
    Panels second(recurrent_, num_gates(), layer_.width, transposed);
    Panels third(projection_, layer_.width, layer_.hidden, transposed);
    const std::ptrdiff_t packed = first.size() + second.size() + third.size();
    const double us = whorl::estimated_us(layer_, sequences_) + us_to_pack * static_cast<double>(packed);
    run_unlocked(us, [&] {
      const int parts = whorl::num_parts(layer_, sequences_, num_threads_);
      const Scratch own(packed + whorl::times(scratch, parts));
      float* memory = own.memory();
      input = first.pack(memory);
      recurrent = second.pack(memory += first.size());
      projection = third.pack(memory += second.size());
      whorl::scan(job, parts, memory + third.size());
    });
  }

  whorl::Layer layer_ = {};
  whorl::Sequences sequences_ = {};
  whorl::Saved saved_ = {};
  whorl::Gradients gradients_ = {};
  const float *input_ = nullptr, *recurrent_ = nullptr, *projection_ = nullptr;
  int num_threads_;
};

// Gates of each cell, and whether it keeps a c beside h.
nb::dict cells() {
  nb::dict found;
  for (int i = 0; i < whorl::num_cells(); ++i) {
    const whorl::CellType& type = whorl::type_of(static_cast<whorl::Cell>(i));
    found[type.name] = nb::make_tuple(type.gates, type.has_c);
  }
  return found;
}

std::ptrdiff_t saved_floats(const std::string& cell, std::ptrdiff_t hidden, std::ptrdiff_t width, bool normed,
                            bool normed_c, bool projected) {
  return whorl::SavedLayout{whorl::type_of(whorl::cell_named(cell.c_str())), hidden, width, normed, normed_c, projected}
      .floats();
}

using Array = nb::ndarray<nb::numpy, float, nb::ndim<3>, nb::c_contig>;

std::ptrdiff_t signed_size(std::size_t size) {
  if (size > static_cast<std::size_t>(whorl::max_floats)) throw whorl::TooLarge();
  return static_cast<std::ptrdiff_t>(size);
}

Array recycled_array(std::size_t steps, std::size_t rows, std::size_t floats) {
  const std::ptrdiff_t size = whorl::times(whorl::times(signed_size(steps), signed_size(rows)), signed_size(floats));
  void* memory = whorl::take_memory(static_cast<std::size_t>(size) * sizeof(float));
  const nb::capsule owner(memory, [](void* given) noexcept { whorl::give_memory(given); });
  return {memory, {steps, rows, floats}, owner};
}

}  // namespace

void bind_scan(nb::module_& m) {
  m.attr("CELLS") = cells();
  m.def("saved_floats", saved_floats);
  m.def("recycled_array", recycled_array);
  m.def("recycled_bytes", whorl::recycled_bytes);
  nb::class_<Scan>(m, "Scan", "One layer of a recurrent network in one direction, over whole sequences.")
      .def(nb::init<const std::string&, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,
                    bool, int>())
      .def("weights", &Scan::weights)
      .def("options", &Scan::options)
      .def("saved", &Scan::saved)
      .def("gradients", &Scan::gradients)
      .def("forward", &Scan::forward)
      .def("backward", &Scan::backward);
}
