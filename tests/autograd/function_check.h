#pragma once

// What the tests of Function share.

#include <doctest/doctest.h>

#include "reel/autograd/gradcheck.h"
#include "reel/ops/create/random.h"

namespace reel::testing {

/// A leaf of float64 that requires gradients.
inline Tensor numbers(const Shape& shape = {3}, std::uint64_t seed = 1) {
  Generator generator(seed);
  return randn(shape, generator, {.dtype = float64}).requires_grad_();
}

/// First and second derivatives are those of differences.
template <class F, class... Tensors>
void check_gradients(F f, const Tensors&... x) {
  const auto first = gradcheck(f, x...);
  CHECK_MESSAGE(first.ok, first.message);
  const auto second = gradgradcheck(f, x...);
  CHECK_MESSAGE(second.ok, second.message);
}

}  // namespace reel::testing
