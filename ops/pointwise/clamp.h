#pragma once

// Internal: the bounds of clamp, for the op and for the form that works in place.

#include <optional>

#include "reel/autograd/op_name.h"
#include "reel/autograd/tensor.h"

namespace reel::detail {

/// The dtype of `clamp(x, min, max)`, of which one bound may be undefined.
/// Throws when both are, and when all are bools.
DType clamped_type(const char* op, const Tensor& x, const Tensor& min, const Tensor& max);

/// Two numbers as the kernels of `clamp` take them.
struct ClampBounds {
  double params[2];
};

/// The bounds if they are numbers: where there is none the infinities, or the last values of an
/// integer dtype, as for numbers beyond them.
std::optional<ClampBounds> number_bounds(DType dtype, const Tensor& min, const Tensor& max);

/// `clamp` by bounds that are tensors, of which one may be undefined.
Tensor clamp_to_tensors(OpName op, const Tensor& x, const Tensor& min, const Tensor& max);

}  // namespace reel::detail
