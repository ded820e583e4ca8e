#pragma once

// Whether two tensors are equal, as tests ask it.

#include "reel/autograd/tape.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"

namespace reel::testing {

/// Whether both have the same shape, dtype and elements.
inline bool same(const Tensor& a, const Tensor& b) {
  const NoGradGuard no_grad;
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.numel() == 0 || (a == b).all().item<bool>());
}

/// Whether both have the same shape and elements up to `tolerance`, absolute and relative.
inline bool close(const Tensor& a, const Tensor& b, double tolerance = 1e-5) {
  const NoGradGuard no_grad;
  const Tensor x = a.to(float64), y = b.to(float64);
  return x.shape() == y.shape() &&
         (x.numel() == 0 || (abs(x - y) <= tolerance + tolerance * abs(y)).all().item<bool>());
}

}  // namespace reel::testing
