// Gradients that wait for the products of many steps.
#pragma once

#include "scan_rows.h"

namespace whorl::WHORL_SIMD_NAMESPACE {

// Steps whose gradients wait for the products that many steps share: what the weights learn, and the gradient of x.
// For all but the largest layers that is about a megabyte, which never sees main memory.
class Chunk {
 public:
  Chunk(const Backward& job, float* scratch)
      : job_(job),
        layer_(job.layer),
        gates_(type_of(layer_.cell).gates * layer_.hidden),
        gates_stride_(stride(gates_)),
        shares_(shares(layer_)),
        d_a_(scratch),
        d_u_(shares_ ? d_a_ : d_a_ + capacity(layer_) * gates_stride_),
        x_(d_u_ + capacity(layer_) * gates_stride_),
        h_(x_ + padded(capacity(layer_) * layer_.features)),
        d_x_(h_ + padded(capacity(layer_) * layer_.width)),
        d_h_(d_x_ + padded(capacity(layer_) * layer_.features)),
        raw_h_(d_h_ + (job.projection_back != nullptr ? padded(capacity(layer_) * layer_.width) : 0)) {}

  // Whether input and recurrent products have the same gradient.
  static bool shares(const Layer& layer) {
    return !type_of(layer.cell).splits && layer.norm_x_gain == nullptr && layer.norm_gain == nullptr;
  }

  static ptrdiff_t scratch(const Layer& layer, bool has_projection) {
    const ptrdiff_t gates =
        (shares(layer) ? 1 : 2) * stride(type_of(layer.cell).gates * layer.hidden) * capacity(layer);
    const ptrdiff_t rows = 2 * padded(capacity(layer) * layer.features) + padded(capacity(layer) * layer.width);
    const ptrdiff_t projection = padded(capacity(layer) * layer.width) + padded(capacity(layer) * layer.hidden);
    return gates + rows + (has_projection ? projection : 0);
  }

  bool has_room(ptrdiff_t count) const { return count_ + count <= capacity(layer_); }
  void add(ptrdiff_t count) { count_ += count; }

  // The memory of the n-th step from the next one on.
  float* d_a(ptrdiff_t n) const { return d_a_ + (count_ + n) * gates_stride_; }
  float* d_u(ptrdiff_t n) const { return d_u_ + (count_ + n) * gates_stride_; }
  float* h(ptrdiff_t n) const { return h_ + (count_ + n) * layer_.width; }
  float* d_h(ptrdiff_t n) const { return d_h_ + (count_ + n) * layer_.width; }
  float* raw_h(ptrdiff_t n) const { return raw_h_ + (count_ + n) * layer_.hidden; }
  ptrdiff_t gates_stride() const { return gates_stride_; }

  // Where the x of that step stands and its gradient goes.
  void place(ptrdiff_t n, ptrdiff_t t, ptrdiff_t row) {
    t_[count_ + n] = t;
    row_[count_ + n] = row;
    copy(job_.x + t * job_.x_step + row * job_.x_row, layer_.features, x_ + (count_ + n) * layer_.features);
  }

  void flush(const Gradients& to) {
    const ptrdiff_t features = layer_.features, width = layer_.width, hidden = layer_.hidden;
    add_outer({d_a_, gates_stride_, x_, features, count_, to.input, features, gates_, features});
    add_outer({d_u_, gates_stride_, h_, width, count_, to.recurrent, width, gates_, width});
    if (job_.projection_back != nullptr)
      add_outer({d_h_, width, raw_h_, hidden, count_, to.projection, hidden, width, hidden});
    if (layer_.norm_x_gain == nullptr) add_rows(d_a_, to.input_bias);
    if (layer_.norm_gain == nullptr && !shares_) add_rows(d_u_, to.bias);
    if (job_.d_x != nullptr) {
      product({d_a_, gates_stride_}, count_, *job_.input_back, nullptr, false, {d_x_, features});
      for (ptrdiff_t n = 0; n < count_; ++n)
        copy(d_x_ + n * features, features, job_.d_x + t_[n] * job_.d_x_step + row_[n] * job_.d_x_row);
    }
    count_ = 0;
  }

 private:
  static constexpr ptrdiff_t most = 512, most_gates = ptrdiff_t{1} << 17;

  static ptrdiff_t capacity(const Layer& layer) {
    const ptrdiff_t fitting = most_gates / (type_of(layer.cell).gates * layer.hidden);
    return fitting > most ? most : fitting < 2 * block_rows ? 2 * block_rows : fitting / 8 * 8;
  }
  // Rows a power of two apart would fall into the same few lines of a cache.
  static ptrdiff_t stride(ptrdiff_t gates) { return aligned(gates) + num_lanes; }
  // Whole panels can be read behind the last row.
  static ptrdiff_t padded(ptrdiff_t floats) { return aligned(floats + num_lanes); }

  void add_rows(const float* rows, float* to) const {
    for_lanes(gates_, [&](ptrdiff_t i, auto lanes) {
      Lanes sum = lanes.load(to + i);
      for (ptrdiff_t n = 0; n < count_; ++n) sum = sum + lanes.load(rows + n * gates_stride_ + i);
      lanes.store(to + i, sum);
    });
  }

  const Backward& job_;
  const Layer& layer_;
  const ptrdiff_t gates_, gates_stride_;
  const bool shares_;
  float *d_a_, *d_u_, *x_, *h_, *d_x_, *d_h_, *raw_h_;
  ptrdiff_t count_ = 0;
  ptrdiff_t t_[most], row_[most];
};

}  // namespace whorl::WHORL_SIMD_NAMESPACE
