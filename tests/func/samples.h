#pragma once

// What vmap gives, as a loop over the samples gives it.

#include <vector>

#include "reel/ops/ops.h"
#include "support/compare.h"

namespace reel::testing {

/// `f` of each sample, one after the other.
template <class F>
Tensor loop(Size samples, const F& f) {
  std::vector<Tensor> results;
  for (Size i = 0; i < samples; ++i) results.push_back(f(i));
  return stack(results);
}

/// Equal to what a loop gives, up to how sums are rounded.
inline bool as_in_loop(const Tensor& got, const Tensor& wanted) {
  return got.dtype() == wanted.dtype() && close(got, wanted, got.dtype() == float32 ? 2e-6 : 1e-12);
}

/// Whole numbers below `high`.
inline Tensor whole(const Shape& shape, Size high) { return randint(0, high, shape); }

}  // namespace reel::testing
