// What the forward and the backward pass of the recurrence share: the order of steps and rows, and work on rows.
//
// At each step the rows that have it are taken in small blocks: one product of their h with the recurrent weight into
// scratch memory, then the cell on that scratch while it is hot. Everything a row can have of its own (its length,
// resets, masks, its place in memory) is settled by the list of rows of the block.
#pragma once

#include "cells.h"
#include "scan.h"

namespace whorl::WHORL_SIMD_NAMESPACE {

void affine(const AffineJob& job);
void add_outer(const OuterJob& job);

inline ptrdiff_t aligned(ptrdiff_t floats) { return round_up(floats, num_lanes); }

// Rows of a block. Their products fit into L1 beside the gates for small layers; weights pass by once per block.
constexpr ptrdiff_t block_rows = 32;

inline void copy(const float* from, ptrdiff_t size, float* to) {
  for_lanes(size, [&](ptrdiff_t i, auto lanes) { lanes.store(to + i, lanes.load(from + i)); });
}

inline void fill_zero(float* to, ptrdiff_t size) {
  for_lanes(size, [&](ptrdiff_t i, auto lanes) { lanes.store(to + i, zero_lanes()); });
}

// Rows of one step that are worked on together.
struct Block {
  ptrdiff_t t, count = 0;
  ptrdiff_t rows[block_rows];

  bool contiguous() const { return rows[count - 1] - rows[0] == count - 1; }
};

// `to` = the rows of `from` (B, size) that are in the block, times `mask` if there is one.
inline void gather(const Block& block, const float* from, const float* mask, ptrdiff_t size, float* to) {
  for (ptrdiff_t n = 0; n < block.count; ++n) {
    const ptrdiff_t at = block.rows[n] * size;
    for_lanes(size, [&](ptrdiff_t i, auto lanes) {
      const Lanes factor = mask != nullptr ? lanes.load(mask + at + i) : broadcast(1.0F);
      lanes.store(to + n * size + i, lanes.load(from + at + i) * factor);
    });
  }
}

// Rows of numbers in memory, `stride` floats apart.
template <class T>
struct Rows {
  T* start;
  ptrdiff_t stride;
};

inline void product(Rows<const float> x, ptrdiff_t count, const Matrix& weight, const float* bias, bool resume,
                    Rows<float> out) {
  affine(
      {x.start, x.stride, &weight, bias, out.start, out.stride, resume, 0, count, 0, num_panels(weight.out_features)});
}

// What both passes share: sizes, and the order of steps and rows.
class Walk {
 public:
  Walk(const Layer& layer, const Sequences& sequences)
      : layer_(layer),
        sequences_(sequences),
        hidden_(layer.hidden),
        width_(layer.width),
        gates_(type_of(layer.cell).gates * layer.hidden),
        num_rows_(sequences.num_rows) {}

 protected:
  // Calls work(block) for the rows from `begin` to `end` that have step t, and idle(row) for the others.
  template <class Work, class Idle>
  void step(ptrdiff_t t, ptrdiff_t begin, ptrdiff_t end, const Work& work, const Idle& idle) const {
    if (begin == end) return;
    const ptrdiff_t num_blocks = (end - begin + block_rows - 1) / block_rows;
    const ptrdiff_t size = (end - begin + num_blocks - 1) / num_blocks;  // even blocks waste no registers
    Block block;
    block.t = t;
    for (ptrdiff_t row = begin; row < end; ++row) {
      if (sequences_.lengths == nullptr || t < sequences_.lengths[row])
        block.rows[block.count++] = row;
      else
        idle(row);
      if (block.count > 0 && (block.count == size || row + 1 == end)) {
        work(block);
        block.count = 0;
      }
    }
  }

  // Step n in the order of reading.
  ptrdiff_t step_at(ptrdiff_t n) const { return sequences_.reverse ? sequences_.num_steps - 1 - n : n; }

  // Whether the state is zero before the row reads step t. A reset at t separates t - 1 from t.
  bool reset_before(ptrdiff_t t, ptrdiff_t row) const {
    if (sequences_.resets == nullptr) return false;
    if (!sequences_.reverse) return sequences_.resets[t * num_rows_ + row] != 0;
    const ptrdiff_t length = sequences_.lengths != nullptr ? sequences_.lengths[row] : sequences_.num_steps;
    return t + 1 < length && sequences_.resets[(t + 1) * num_rows_ + row] != 0;
  }

  bool holds() const { return sequences_.hold_h != nullptr || sequences_.hold > 0.0F; }
  Lanes hold_of_h(ptrdiff_t at, ptrdiff_t i) const { return hold_of(sequences_.hold_h, at * width_ + i, width_ - i); }
  Lanes hold_of_c(ptrdiff_t at, ptrdiff_t i) const { return hold_of(sequences_.hold_c, at * hidden_ + i, hidden_ - i); }

  const Layer& layer_;
  const Sequences& sequences_;
  const ptrdiff_t hidden_, width_, gates_, num_rows_;

 private:
  Lanes hold_of(const float* shares, ptrdiff_t at, ptrdiff_t left) const {
    if (shares == nullptr) return broadcast(sequences_.hold);
    return load_up_to(left, shares + at);
  }
};

// hold * old + (1 - hold) * fresh; exact where hold is 0 or 1.
inline Lanes blend(Lanes hold, Lanes old, Lanes fresh) {
  return multiply_add(hold, old, (broadcast(1.0F) - hold) * fresh);
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
