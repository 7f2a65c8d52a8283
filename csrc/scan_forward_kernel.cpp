// The recurrence, forward, for any cell. CMake compiles this file once per instruction set.
#include "norm.h"
#include "scan_rows.h"

namespace whorl::WHORL_SIMD_NAMESPACE {
namespace {

template <class C>
class ForwardPass : Walk {
 public:
  ForwardPass(const Forward& job, float* scratch)
      : Walk(job.layer, job.sequences),
        job_(job),
        saved_(job.saved),
        x_(scratch),
        u_(x_ + block_rows * width_),
        fresh_h_(u_ + block_rows * gates_),
        projected_(fresh_h_ + block_rows * hidden_),
        shown_(projected_ + block_rows * width_) {}

  void run(ptrdiff_t begin, ptrdiff_t end) {
    // Many rows fill the registers at every step; few rows do so over several steps.
    const bool by_step = end - begin >= 8 && sequences_.lengths == nullptr;
    const ptrdiff_t ahead = by_step ? 1 : 32;
    for (ptrdiff_t n = 0; n < sequences_.num_steps; ++n) {
      if (job_.x != nullptr && n % ahead == 0) make_gates(n, smaller(n + ahead, sequences_.num_steps), begin, end);
      const ptrdiff_t t = step_at(n);
      step(t, begin, end, [&](const Block& block) { work(block); }, [&](ptrdiff_t row) { idle(t, row); });
    }
  }

 private:
  // The input products of some steps in the order of reading.
  void make_gates(ptrdiff_t first, ptrdiff_t last, ptrdiff_t begin, ptrdiff_t end) {
    if (last - first == 1 && sequences_.lengths == nullptr)
      return make_gates(step_at(first), begin, end - begin, job_.x_row, job_.gates_row, 0, 1);
    ptrdiff_t t = sequences_.reverse ? step_at(last - 1) : first;
    for (ptrdiff_t row = begin; row < end; ++row) {
      const ptrdiff_t length = sequences_.lengths != nullptr ? sequences_.lengths[row] : sequences_.num_steps;
      const ptrdiff_t count = smaller(t + last - first, length) - t;
      if (count > 0) make_gates(t, row, count, job_.x_step, job_.gates_step, 1, 0);
    }
  }

  // Those of `count` places from step t and `row` on, each (next_t, next_row) after the last.
  void make_gates(ptrdiff_t t, ptrdiff_t row, ptrdiff_t count, ptrdiff_t x_stride, ptrdiff_t stride, ptrdiff_t next_t,
                  ptrdiff_t next_row) {
    const bool normed = layer_.norm_x_gain != nullptr;
    float* out = job_.gates + t * job_.gates_step + row * job_.gates_row;
    product({job_.x + t * job_.x_step + row * job_.x_row, x_stride}, count, *layer_.input,
            normed ? nullptr : layer_.input_bias, false, {out, stride});
    for (ptrdiff_t n = 0; normed && n < count; ++n)
      normalise_gates((t + n * next_t) * num_rows_ + row + n * next_row, layer_.norm_x_gain, layer_.input_bias,
                      saved_.normed_x, saved_.norm_x_scale, out + n * stride);
  }

  void normalise_gates(ptrdiff_t at, const float* gain, const float* bias, float* saved_normed, float* saved_scale,
                       float* gates) {
    float* normed = saved_normed != nullptr ? saved_normed + at * gates_ : nullptr;
    const float scale = normalise(gates, gates_, norm_eps, gain, bias, normed, gates);
    if (saved_scale != nullptr) saved_scale[at] = scale;
  }

  void work(const Block& block) {
    for (ptrdiff_t n = 0; n < block.count; ++n) enter(block.t, block.rows[n]);
    const float* x = job_.h + block.rows[0] * width_;
    if (sequences_.mask != nullptr || !block.contiguous()) {
      gather(block, job_.h, sequences_.mask, width_, x_);
      x = x_;
    }
    const bool normed = layer_.norm_gain != nullptr;
    product({x, width_}, block.count, *layer_.recurrent, normed ? nullptr : layer_.bias, false, {u_, gates_});
    for (ptrdiff_t n = 0; n < block.count; ++n) {
      const ptrdiff_t at = block.t * num_rows_ + block.rows[n];
      if (normed) normalise_gates(at, layer_.norm_gain, layer_.bias, saved_.normed, saved_.norm_scale, u_ + n * gates_);
      apply_cell(block.t, block.rows[n], u_ + n * gates_, fresh_h_ + n * hidden_);
    }
    if (layer_.projection != nullptr)
      product({fresh_h_, hidden_}, block.count, *layer_.projection, nullptr, false, {projected_, width_});
    const float* fresh = layer_.projection != nullptr ? projected_ : fresh_h_;
    for (ptrdiff_t n = 0; n < block.count; ++n) leave(block.t, block.rows[n], fresh + n * width_);
  }

  void enter(ptrdiff_t t, ptrdiff_t row) {
    float* h = job_.h + row * width_;
    if (reset_before(t, row)) {
      fill_zero(h, width_);
      if (C::type.has_c) fill_zero(job_.c + row * hidden_, hidden_);
    }
    if (saved_.h != nullptr) copy(h, width_, saved_.h + (t * num_rows_ + row) * width_);
  }

  void apply_cell(ptrdiff_t t, ptrdiff_t row, const float* u_row, float* fresh_h) {
    const ptrdiff_t at = t * num_rows_ + row;
    const float* a_row = job_.gates + t * job_.gates_step + row * job_.gates_row;
    const float* h = job_.h + row * width_;
    float* c = C::type.has_c ? job_.c + row * hidden_ : nullptr;
    float* saved_a = saved_.gates != nullptr ? saved_.gates + at * gates_ : nullptr;
    const bool hold = holds(), norm_c = C::type.has_c && layer_.norm_c_gain != nullptr;

    for_lanes(hidden_, [&](ptrdiff_t i, auto lanes) {
      Lanes a[C::type.gates], u[C::type.gates];
#pragma GCC unroll 4
      for (int g = 0; g < C::type.gates; ++g) {
        a[g] = lanes.load(a_row + g * hidden_ + i);
        u[g] = lanes.load(u_row + g * hidden_ + i);
      }
      const Lanes old_c = C::type.has_c ? lanes.load(c + i) : zero_lanes();
      const Lanes fresh_c = C::update(a, u, old_c);
      if (C::type.has_c) {
        if (saved_.c != nullptr) lanes.store(saved_.c + at * hidden_ + i, old_c);
        lanes.store(c + i, hold ? blend(hold_of_c(at, i), old_c, fresh_c) : fresh_c);
      }
      if (saved_a != nullptr) {
#pragma GCC unroll 4
        for (int g = 0; g < C::type.gates; ++g) lanes.store(saved_a + g * hidden_ + i, a[g]);
        if (C::type.splits) lanes.store(saved_.u + at * hidden_ + i, u[C::type.gates - 1]);
      }
      if (norm_c) {  // the rest waits for the whole row; o is kept beside it
        lanes.store(shown_ + i, fresh_c);
        lanes.store(fresh_h + i, a[C::type.gates - 1]);
        return;
      }
      const Lanes old_h = C::type.keeps_h ? lanes.load(h + i) : zero_lanes();
      lanes.store(fresh_h + i, C::output(a, old_h, fresh_c));
    });
    if (norm_c) show(at, fresh_h);
    if (saved_.raw_h != nullptr) copy(fresh_h, hidden_, saved_.raw_h + at * hidden_);
  }

  // h of a cell whose c is normalised on its way to it.
  void show(ptrdiff_t at, float* fresh_h) {
    float* normed = saved_.normed_c != nullptr ? saved_.normed_c + at * hidden_ : nullptr;
    const float scale = normalise(shown_, hidden_, norm_eps, layer_.norm_c_gain, layer_.norm_c_bias, normed, shown_);
    if (saved_.norm_scale_c != nullptr) saved_.norm_scale_c[at] = scale;
    for_lanes(hidden_, [&](ptrdiff_t i, auto lanes) {
      Lanes a[C::type.gates] = {};
      a[C::type.gates - 1] = lanes.load(fresh_h + i);
      lanes.store(fresh_h + i, C::output(a, zero_lanes(), lanes.load(shown_ + i)));
    });
  }

  void leave(ptrdiff_t t, ptrdiff_t row, const float* fresh_h) {
    float* h = job_.h + row * width_;
    float* out = job_.out != nullptr ? job_.out + t * job_.out_step + row * job_.out_row : nullptr;
    const bool hold = holds();
    for_lanes(width_, [&](ptrdiff_t i, auto lanes) {
      Lanes fresh = lanes.load(fresh_h + i);
      if (hold) fresh = blend(hold_of_h(t * num_rows_ + row, i), lanes.load(h + i), fresh);
      lanes.store(h + i, fresh);
      if (out != nullptr) lanes.store(out + i, fresh);
    });
  }

  // A step that the row does not have.
  void idle(ptrdiff_t t, ptrdiff_t row) {
    if (job_.out != nullptr) fill_zero(job_.out + t * job_.out_step + row * job_.out_row, width_);
  }

  const Forward& job_;
  const Saved& saved_;
  float *x_, *u_, *fresh_h_, *projected_, *shown_;
};

}  // namespace

ptrdiff_t scan_scratch(const Layer& layer) {
  const ptrdiff_t gates = type_of(layer.cell).gates * layer.hidden;
  return aligned(block_rows * (2 * layer.width + gates + layer.hidden) + layer.hidden);
}

void scan_forward(const Forward& job, ptrdiff_t begin, ptrdiff_t end, float* scratch) {
  with_cell(job.layer.cell, [&](auto cell) { ForwardPass<decltype(cell)>(job, scratch).run(begin, end); });
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
