// The affine product. CMake compiles this file once per instruction set.
#include "affine.h"
#include "dispatch.h"
#include "storage.h"
#include "tile.h"

namespace whorl::WHORL_SIMD_NAMESPACE {
namespace {

// Cache blocks: `depth_block` features of a few panels stay in L2 while `row_block` rows pass by. Between two depth
// blocks an accumulator rests in the output buffer; float32 to float32, so its bits do not change.
constexpr ptrdiff_t depth_block = 512, row_block = 240;

template <class Storage>
void affine_from(const AffineJob& job) {
  const ptrdiff_t in_features = job.weight->in_features;
  const auto* packed = static_cast<const typename Storage::Value*>(job.weight->values);
  const ptrdiff_t panel_stride = round_up(in_features, Storage::group) * panel_width;

  const ptrdiff_t num_blocks = (job.row_end - job.row_begin + row_block - 1) / row_block;
  const ptrdiff_t even_block = num_blocks > 1 ? (job.row_end - job.row_begin + num_blocks - 1) / num_blocks : row_block;
  for (ptrdiff_t row = job.row_begin; row < job.row_end; row += even_block) {
    const ptrdiff_t rows = smaller(even_block, job.row_end - row);
    ptrdiff_t depth_start = 0;
    do {  // runs once for zero features: then the answer is the bias
      const ptrdiff_t depth = smaller(depth_block, in_features - depth_start);
      ptrdiff_t group = 0;
      for (ptrdiff_t panel = job.panel_begin; panel < job.panel_end; panel += group) {
        group = next_group(rows, job.panel_end - panel);
        const ptrdiff_t column = panel * panel_width;
        const Tile<Storage> tile = {job.x + row * job.x_stride + depth_start,
                                    packed + panel * panel_stride + depth_start * panel_width,
                                    job.bias != nullptr ? job.bias + column : nullptr,
                                    job.out + row * job.out_stride + column,
                                    depth,
                                    job.x_stride,
                                    panel_stride,
                                    job.out_stride,
                                    1,
                                    Storage::group * panel_width,
                                    job.weight->out_features - column,
                                    job.resume || depth_start > 0};
        compute_panels(tile, rows, group);
      }
      depth_start += depth_block;
    } while (depth_start < in_features);
  }
}

}  // namespace

void affine(const AffineJob& job) {
  switch (job.weight->format) {
    case Format::fp32:
      return affine_from<Floats>(job);
    case Format::bf16:
      return affine_from<Halves>(job);
    case Format::int8:
      return kernels().affine_int8(job);
  }
}

void add_outer(const OuterJob& job) {
  ptrdiff_t group = 0;
  for (ptrdiff_t column = 0; column < job.columns; column += group * panel_width) {
    group = next_group(job.rows, num_panels(job.columns - column));
    const Tile<Floats> tile = {
        job.left,       job.right + column, nullptr,          job.out + column,     job.depth, 1, panel_width,
        job.out_stride, job.left_stride,    job.right_stride, job.columns - column, true};
    compute_panels(tile, job.rows, group);
  }
}

}  // namespace whorl::WHORL_SIMD_NAMESPACE
