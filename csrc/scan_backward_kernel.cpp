// The recurrence, backward, for any cell. CMake compiles this file once per instruction set.
#include "gradient_chunk.h"
#include "norm.h"

namespace whorl::WHORL_SIMD_NAMESPACE {
namespace {

// Floats of what a pass needs beside its chunk.
ptrdiff_t own_scratch(const Layer& layer) {
  return aligned(block_rows * (2 * layer.width + layer.hidden) + layer.hidden);
}

template <class C>
class BackwardPass : Walk {
 public:
  BackwardPass(const Backward& job, const Gradients& gradients, float* scratch)
      : Walk(job.layer, job.sequences),
        job_(job),
        saved_(job.saved),
        gradients_(gradients),
        d_x_(scratch),
        d_fresh_(d_x_ + block_rows * width_),
        d_raw_h_(d_fresh_ + block_rows * width_),
        shown_(d_raw_h_ + block_rows * hidden_),
        chunk_(job, scratch + own_scratch(job.layer)) {}

  void run(ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t n = sequences_.num_steps; n-- > 0;) {
      const ptrdiff_t t = step_at(n);
      step(t, begin, end, [&](const Block& block) { work(block); }, [&](ptrdiff_t row) { idle(t, row); });
    }
    chunk_.flush(gradients_);
    if (Chunk::shares(layer_)) copy(gradients_.input_bias, gates_, gradients_.bias);
  }

 private:
  void work(const Block& block) {
    if (!chunk_.has_room(block.count)) chunk_.flush(gradients_);
    for (ptrdiff_t n = 0; n < block.count; ++n) enter(block.t, block.rows[n], n);
    const float* d_raw_h = d_fresh_;
    if (job_.projection_back != nullptr) {
      product({d_fresh_, width_}, block.count, *job_.projection_back, nullptr, false, {d_raw_h_, hidden_});
      d_raw_h = d_raw_h_;
    }
    for (ptrdiff_t n = 0; n < block.count; ++n) {
      const ptrdiff_t at = block.t * num_rows_ + block.rows[n];
      float *d_a = chunk_.d_a(n), *d_u = chunk_.d_u(n);
      apply_cell(at, block.rows[n], d_raw_h + n * hidden_, d_a, d_u);
      if (layer_.norm_x_gain != nullptr)
        normalise_back(d_a, layer_.norm_x_gain, saved_.normed_x + at * gates_, saved_.norm_x_scale[at], gates_, d_a,
                       gradients_.norm_x_gain, gradients_.input_bias);
      if (layer_.norm_gain != nullptr)
        normalise_back(d_u, layer_.norm_gain, saved_.normed + at * gates_, saved_.norm_scale[at], gates_, d_u,
                       gradients_.norm_gain, gradients_.bias);
    }
    const Rows<const float> d_u = {chunk_.d_u(0), chunk_.gates_stride()};
    if (sequences_.mask != nullptr) {
      product(d_u, block.count, *job_.recurrent_back, nullptr, false, {d_x_, width_});
      scatter(block);
    } else if (block.contiguous()) {
      product(d_u, block.count, *job_.recurrent_back, nullptr, true, {job_.d_h + block.rows[0] * width_, width_});
    } else {  // the sums of the case above, so that a row's bits do not depend on the rows beside it
      gather(block, job_.d_h, nullptr, width_, d_x_);
      product(d_u, block.count, *job_.recurrent_back, nullptr, true, {d_x_, width_});
      for (ptrdiff_t n = 0; n < block.count; ++n) copy(d_x_ + n * width_, width_, job_.d_h + block.rows[n] * width_);
    }
    for (ptrdiff_t n = 0; n < block.count; ++n) leave(block.t, block.rows[n]);
    chunk_.add(block.count);
  }

  // The gradient of the h that the cell made; what zoneout held back goes past the step.
  void enter(ptrdiff_t t, ptrdiff_t row, ptrdiff_t n) {
    const ptrdiff_t at = t * num_rows_ + row;
    float *d_h = job_.d_h + row * width_, *d_fresh = d_fresh_ + n * width_;
    const float* d_out = job_.d_out != nullptr ? job_.d_out + t * job_.d_out_step + row * job_.d_out_row : nullptr;
    const float* mask = sequences_.mask != nullptr ? sequences_.mask + row * width_ : nullptr;
    const bool hold = holds();
    for_lanes(width_, [&](ptrdiff_t i, auto lanes) {
      Lanes total = lanes.load(d_h + i), past = zero_lanes();
      if (d_out != nullptr) total = total + lanes.load(d_out + i);
      if (hold) {
        past = total * hold_of_h(at, i);
        total = total * (broadcast(1.0F) - hold_of_h(at, i));
      }
      lanes.store(d_fresh + i, total);
      lanes.store(d_h + i, past);
      const Lanes h = lanes.load(saved_.h + at * width_ + i);
      lanes.store(chunk_.h(n) + i, mask != nullptr ? h * lanes.load(mask + i) : h);
    });
    chunk_.place(n, t, row);
    if (job_.projection_back == nullptr) return;
    copy(d_fresh, width_, chunk_.d_h(n));
    copy(saved_.raw_h + at * hidden_, hidden_, chunk_.raw_h(n));
  }

  void apply_cell(ptrdiff_t at, ptrdiff_t row, const float* d_raw_h, float* d_a_row, float* d_u_row) {
    const float* a_row = saved_.gates + at * gates_;
    const float* h = saved_.h + at * width_;
    float* d_h = job_.d_h + row * width_;
    const bool norm_c = C::type.has_c && layer_.norm_c_gain != nullptr;
    const bool shares = d_a_row == d_u_row;
    if (norm_c) hide(at, a_row, d_raw_h);

    for_lanes(hidden_, [&](ptrdiff_t i, auto lanes) {
      Lanes a[C::type.gates], d_a[C::type.gates];
#pragma GCC unroll 4
      for (int g = 0; g < C::type.gates; ++g) a[g] = lanes.load(a_row + g * hidden_ + i);
      Lanes old_c = zero_lanes(), past_h = zero_lanes(), past_c = zero_lanes(), d_c = zero_lanes();
      Lanes d_shown = zero_lanes();
      const Lanes d_raw = lanes.load(d_raw_h + i);
      if constexpr (C::type.has_c) {
        old_c = lanes.load(saved_.c + at * hidden_ + i);
        d_c = lanes.load(job_.d_c + row * hidden_ + i);
        if (holds()) {
          past_c = d_c * hold_of_c(at, i);
          d_c = d_c * (broadcast(1.0F) - hold_of_c(at, i));
        }
        const Lanes shown = norm_c ? shown_lanes(at, i, lanes) : C::remember(a, old_c);
        C::output_back(a, zero_lanes(), shown, d_raw, d_a, past_h, d_shown);
        if (norm_c) d_shown = lanes.load(shown_ + i);
      } else {
        const Lanes old_h = C::type.keeps_h ? lanes.load(h + i) : zero_lanes();
        C::output_back(a, old_h, zero_lanes(), d_raw, d_a, past_h, d_shown);
        if (C::type.keeps_h) lanes.store(d_h + i, lanes.load(d_h + i) + past_h);
      }
      const Lanes u = C::type.splits ? lanes.load(saved_.u + at * hidden_ + i) : zero_lanes();
      const Past past = C::update_back(a, u, old_c, d_c + d_shown, d_a);
      if (C::type.has_c) lanes.store(job_.d_c + row * hidden_ + i, past.d_c + past_c);
#pragma GCC unroll 4
      for (int g = 0; g < C::type.gates; ++g) {
        lanes.store(d_a_row + g * hidden_ + i, d_a[g]);
        if (!shares) lanes.store(d_u_row + g * hidden_ + i, g + 1 == C::type.gates ? past.d_u : d_a[g]);
      }
    });
  }

  template <class Part>
  Lanes shown_lanes(ptrdiff_t at, ptrdiff_t i, Part lanes) const {
    const Lanes start = layer_.norm_c_bias != nullptr ? lanes.load(layer_.norm_c_bias + i) : zero_lanes();
    return multiply_add(lanes.load(layer_.norm_c_gain + i), lanes.load(saved_.normed_c + at * hidden_ + i), start);
  }

  // The gradient of c through its layer norm, into `shown_`.
  void hide(ptrdiff_t at, const float* a_row, const float* d_raw_h) {
    for_lanes(hidden_, [&](ptrdiff_t i, auto lanes) {
      Lanes a[C::type.gates] = {}, d_a[C::type.gates], past_h, d_shown = zero_lanes();
      a[C::type.gates - 1] = lanes.load(a_row + (C::type.gates - 1) * hidden_ + i);
      C::output_back(a, zero_lanes(), shown_lanes(at, i, lanes), lanes.load(d_raw_h + i), d_a, past_h, d_shown);
      lanes.store(shown_ + i, d_shown);
    });
    normalise_back(shown_, layer_.norm_c_gain, saved_.normed_c + at * hidden_, saved_.norm_scale_c[at], hidden_, shown_,
                   gradients_.norm_c_gain, gradients_.norm_c_bias);
  }

  // Adds what went through the product and the mask to the rows of d_h.
  void scatter(const Block& block) {
    for (ptrdiff_t n = 0; n < block.count; ++n) {
      const ptrdiff_t at = block.rows[n] * width_;
      for_lanes(width_, [&](ptrdiff_t i, auto lanes) {
        const Lanes through = lanes.load(d_x_ + n * width_ + i), factor = lanes.load(sequences_.mask + at + i);
        lanes.store(job_.d_h + at + i, multiply_add(through, factor, lanes.load(job_.d_h + at + i)));
      });
    }
  }

  void leave(ptrdiff_t t, ptrdiff_t row) {
    if (!reset_before(t, row)) return;
    fill_zero(job_.d_h + row * width_, width_);
    if (C::type.has_c) fill_zero(job_.d_c + row * hidden_, hidden_);
  }

  void idle(ptrdiff_t t, ptrdiff_t row) {
    if (job_.d_x != nullptr) fill_zero(job_.d_x + t * job_.d_x_step + row * job_.d_x_row, layer_.features);
  }

  const Backward& job_;
  const Saved& saved_;
  const Gradients& gradients_;
  float *d_x_, *d_fresh_, *d_raw_h_, *shown_;
  Chunk chunk_;
};

}  // namespace

ptrdiff_t scan_backward_scratch(const Layer& layer, bool has_projection) {
  return aligned(own_scratch(layer) + Chunk::scratch(layer, has_projection));
}

void scan_backward(const Backward& job, ptrdiff_t begin, ptrdiff_t end, const Gradients& gradients, float* scratch) {
  with_cell(job.layer.cell, [&](auto cell) { BackwardPass<decltype(cell)>(job, gradients, scratch).run(begin, end); });
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
