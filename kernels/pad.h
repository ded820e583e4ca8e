#pragma once

// Internal: tensors with more, or fewer, elements along their edges.

#include <vector>

#include "reel/kernels/array.h"

namespace reel::kernels {

/// One dimension of a padded tensor. Element i of it comes from element `source[i]` of the original,
/// or is the value around that where this is -1; from `begin` to `end` these are neighbours.
struct PadDim {
  std::vector<Size> source;
  Size begin = 0, end = 0;
  Size from_stride = 0;  // in the original

  bool is_whole() const { return begin == 0 && end == static_cast<Size>(source.size()); }
};

/// Fills the padded tensor `to`, whose elements lie one behind the other in the order of `dims`;
/// `value`, of its dtype, points at what is around the original.
void pad(const std::vector<PadDim>& dims, const ConstArray& from, const void* value,
         const Array& to);

/// The transpose: adds each element of the padded `from` to the one of `to` that it came from.
/// float32 and float64. The order of the sums does not depend on the threads.
void pad_add(const std::vector<PadDim>& dims, const ConstArray& from, const Array& to);

}  // namespace reel::kernels
