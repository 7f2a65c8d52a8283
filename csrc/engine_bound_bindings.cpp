// Slots that step again and again, from arrays that stay where they are.
#include <nanobind/stl/vector.h>

#include "engine_bindings.h"

namespace whorl {
namespace {

class Bound {
 public:
  Bound(nb::object owner, NativeEngine& self, Slots slots);
  ~Bound() { self_.engine.give_back(std::move(workspace_)); }
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;

  void step();

  nb::object inputs, output;

 private:
  // Marks the time of a call, however it ends.
  class Busy {
   public:
    explicit Busy(bool* busy) : busy_(busy) { *busy_ = true; }
    ~Busy() { *busy_ = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    bool* busy_;
  };

  CallSize size() const { return {1, static_cast<std::ptrdiff_t>(slots_.size()), 0}; }

  nb::object owner_;  // the engine lives as long as this
  NativeEngine& self_;
  Slots slots_;
  std::vector<std::uint64_t> openings_;
  std::unique_ptr<Workspace> workspace_;
  std::vector<Buffer> buffers_;
  std::vector<const float*> addresses_;
  Buffer to_;
  bool short_ = false, busy_ = false;
};

Bound::Bound(nb::object owner, NativeEngine& self, Slots slots)
    : owner_(std::move(owner)), self_(self), slots_(std::move(slots)), workspace_(self.engine.take_workspace()) {
  for (const std::ptrdiff_t slot : slots_) {
    self.check_open(slot);
    openings_.push_back(self.engine.opening(slot));
  }
  nb::dict arrays;
  for (const NamedInput& input : self.inputs) {
    arrays[input.name] = new_array(size().num_sequences, input.shape, &buffers_.emplace_back());
    addresses_.push_back(buffers_.back().values());
  }
  inputs = nb::module_::import_("types").attr("MappingProxyType")(arrays);  // another array would not be seen
  output = new_array(size().num_sequences, self.output_shape(), &to_);
  short_ = !is_long(workspace_->prepare(size()));
}

void Bound::step() {
  if (busy_) throw_argument_error("`step` is running on another thread. Bind the slots once for each thread.");
  for (std::size_t n = 0; n < slots_.size(); ++n) {
    if (self_.engine.opening(slots_[n]) != openings_[n])
      throw_argument_error("`slot` " + std::to_string(slots_[n]) + " was closed. Bind open slots.");
  }
  const Call call = {addresses_.data(), to_.values(), nullptr};
  if (short_) return self_.run_in_place(workspace_.get(), call, slots_.data());
  const Busy busy(&busy_);
  self_.run_on_slots(workspace_.get(), size(), call, slots_.data());
}

}  // namespace

void bind_bound(nb::module_& m, nb::class_<NativeEngine>& engine) {
  nb::class_<Bound>(m, "Bound", "Slots that step again and again; made by `Engine.bind`.")
      .def_ro("inputs", &Bound::inputs)
      .def_ro("output", &Bound::output)
      .def("step", &Bound::step);
  engine.def("bind",
             [](nb::object self, const Slots& slots) { return new Bound(self, nb::cast<NativeEngine&>(self), slots); });
}

}  // namespace whorl
