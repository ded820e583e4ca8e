#pragma once

#include "reel/base/shape.h"

namespace reel::kernels {

/// Running sums along the middle of a contiguous array `[outer, n, inner]`, from its end where
/// `reverse`. The dtype is float32, float64 or int64.
void cumsum(DType dtype, const void* x, Size outer, Size n, Size inner, bool reverse, void* out);

}  // namespace reel::kernels
