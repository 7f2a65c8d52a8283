// The recurrence of one layer in one direction, forward and backward. One struct per cell (cells.h), one loop
// (scan_forward_kernel.cpp, scan_backward_kernel.cpp), one product (affine.h).
//
// Axes: T steps, B rows (sequences), I input features, W width of h, H hidden units, G gates times H. W is H unless
// there is a projection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "affine.h"
#include "cell.h"

namespace whorl {

// What does not change from call to call. With layer norm the gains are not null, and the biases are added after it.
struct Layer {
  Cell cell;
  std::ptrdiff_t hidden, width;
  const Matrix* recurrent;                 // (G, W)
  const float* bias;                       // (G,) of the recurrent product, or null
  const Matrix* projection;                // (W, H), or null
  const float* norm_gain;                  // (G,) of the recurrent product, or null
  const float *norm_c_gain, *norm_c_bias;  // (H,) of c on its way to h, each or null
  std::ptrdiff_t features;                 // I; the rest is read only where input products are made here
  const Matrix* input;                     // (G, I)
  const float* input_bias;                 // (G,), or null
  const float* norm_x_gain;                // (G,) of the input product, or null
};

// Rows and steps that exist, and what happens to the state between two steps. All may be null.
struct Sequences {
  std::ptrdiff_t num_steps, num_rows;
  bool reverse;                 // from the last real step to the first
  const std::int64_t* lengths;  // (B,) real steps; null: all
  const std::uint8_t* resets;   // (T, B) non-zero: the state is zero before that step, or, read backwards, after it
  const float* mask;            // (B, W) factor of h on its way into the product
  const float* hold_h;          // (T, B, W) share of the old h that stays
  const float* hold_c;          // (T, B, H)
  float hold;                   // the share where the two above are null
};

// What the backward pass needs; each part contiguous. All null in inference.
struct Saved {
  float* gates;         // (T, B, G) activated; may be the memory of the input products
  float* h;             // (T, B, W) entering each step, after a reset
  float* c;             // (T, B, H) entering each step, after a reset
  float* u;             // (T, B, H) recurrent part of a GRU's n
  float* normed;        // (T, B, G) recurrent product before gain and bias
  float* norm_scale;    // (T, B) factor that brought it there
  float* normed_x;      // (T, B, G) the same of the input product
  float* norm_x_scale;  // (T, B)
  float* normed_c;      // (T, B, H)
  float* norm_scale_c;  // (T, B)
  float* raw_h;         // (T, B, H) h before the projection
};

// All parts in one piece of memory.
struct SavedLayout {
  const CellType& cell;
  std::ptrdiff_t hidden, width;
  bool normed, normed_c, projected;

  std::ptrdiff_t floats() const;  // of each row at each step
  Saved in(float* memory, std::ptrdiff_t num_places) const;
};

struct Forward {
  Layer layer;
  Sequences sequences;
  float* gates;  // (T, B, G) input products with their bias; made here if x is given
  std::ptrdiff_t gates_step, gates_row;
  const float* x;  // (T, B, I), or null
  std::ptrdiff_t x_step, x_row;
  float *h, *c;  // (B, W), (B, H): the initial state becomes the final one; c null for cells without
  float* out;    // (T, B, W), 0 at padding; null: only the final state is wanted
  std::ptrdiff_t out_step, out_row;
  Saved saved;
};

// What the weights of a layer learn, each part C-contiguous; of the shapes of the weights.
struct Gradients {
  float *input, *recurrent, *input_bias, *bias, *projection;
  float *norm_x_gain, *norm_gain, *norm_c_gain, *norm_c_bias;
};

struct Backward {
  Layer layer;                    // recurrent, projection and input are not read
  const Matrix* recurrent_back;   // (W, G): the transpose of the recurrent weight
  const Matrix* projection_back;  // (H, W), or null
  const Matrix* input_back;       // (I, G)
  Sequences sequences;
  Saved saved;
  const float* x;  // (T, B, I)
  std::ptrdiff_t x_step, x_row;
  const float* d_out;  // (T, B, W), or null for zeros
  std::ptrdiff_t d_out_step, d_out_row;
  float *d_h, *d_c;  // (B, W), (B, H): the gradient of the final state becomes that of the initial one
  float* d_x;        // (T, B, I), or null
  std::ptrdiff_t d_x_step, d_x_row;
  Gradients gradients;  // where they go; null: that part is not wanted
};

// Floats of scratch memory that a thread needs: a multiple of 16, so that all stay aligned.
std::ptrdiff_t scratch_floats(const Layer& layer);
std::ptrdiff_t backward_scratch_floats(const Layer& layer, bool has_projection);

// Runs the recurrence, rows shared among `parts` threads. A row's bits depend on that row alone; those of weight
// gradients, which are sums over rows, on the number of parts too. `scratch` holds scratch_floats(layer)
// (backward_scratch_floats) for each part.
void scan(const Forward& job, int parts, float* scratch);
void scan(const Backward& job, int parts, float* scratch);

// Parts of the rows that are worth a thread each: up to `num_threads`.
int num_parts(const Layer& layer, const Sequences& sequences, int num_threads);

// Roughly how long it takes on one thread.
double estimated_us(const Layer& layer, const Sequences& sequences);

}  // namespace whorl
