#pragma once

// Internal: which dtype holds the values of two.

#include "reel/base/dtype.h"

namespace reel::detail {

/// The smallest dtype that holds values of both, as `torch.promote_types`.
constexpr DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (is_floating(a) || is_floating(b)) {
    const bool wide = a == float64 || b == float64;
    return wide ? float64 : float32;
  }
  if (a == bool_) return b;
  if (b == bool_) return a;
  if (a == int64 || b == int64) return int64;
  return int32;
}

/// float32 for integers and bools, else the dtype itself: what `exp` and division calculate in.
constexpr DType floating_type(DType dtype) { return is_floating(dtype) ? dtype : float32; }

}  // namespace reel::detail
