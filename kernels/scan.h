#pragma once

#include "reel/kernels/array.h"

namespace reel::kernels {

/// Running sums of `x` along dimension `dim`, from its end where `reverse`; both arrays are
/// contiguous and of one dtype: float32, float64 or int64.
void cumsum(const ConstArray& x, Size dim, bool reverse, const Array& out);

}  // namespace reel::kernels
