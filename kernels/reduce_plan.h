#pragma once

// Internal to kernels: how a reduction over any dimensions becomes one over few.

#include <cstddef>
#include <cstdint>

#include "reel/base/shape.h"

namespace reel::kernels {

/// A dimension that stays in the result.
struct KeptDim {
  Size size;
  Size stride;      // in the input
  Size out_stride;  // in the result
};

/// A dimension that is folded away.
struct ReducedDim {
  Size size;
  Size stride;
};

/// The dimensions of a reduction, neighbours merged, the smallest strides last. Neither list is
/// empty.
struct ReducePlan {
  KeptDim kept[Shape::max_size + 1];
  ReducedDim reduced[Shape::max_size + 1];
  int kept_count = 0;
  int reduced_count = 0;
  Size outputs = 1;
  Size length = 1;  // elements folded into each output

  const KeptDim& inner_kept() const { return kept[kept_count - 1]; }
  const ReducedDim& inner_reduced() const { return reduced[reduced_count - 1]; }
};

/// `reduced` has bit i set for dimension i.
ReducePlan plan_reduction(const Shape& shape, const Strides& strides, std::uint32_t reduced);

/// Where a linear index over all kept dimensions but the last stands in the input and the result.
struct KeptOffset {
  Size in = 0;
  Size out = 0;
};
KeptOffset kept_offset(const ReducePlan& plan, Size outer_index);

/// Copies a block whose columns are not neighbours into a dense buffer.
void gather_block(std::size_t item_size, const std::byte* x, Size rows, Size row_stride,
                  Size columns, Size column_stride, std::byte* buffer);

}  // namespace reel::kernels
