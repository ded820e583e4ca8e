#pragma once

// Modules that take hooks, and what tests of hooks share.

#include <vector>

#include "reel/autograd/random.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "support/message_of.h"

namespace reel::testing {

using List = std::vector<Tensor>;

inline Tensor numbers(const Shape& shape, DType dtype = float32) {
  Generator generator(3);
  return randn(shape, generator, {.dtype = dtype});
}

/// A module of a user's that takes hooks.
struct Block {
  nn::Linear fc{4, 4};
  nn::Hooks hooks = {};

  Tensor operator()(const Tensor& x) const {
    return nn::call(
        this, [&] { return x + relu(fc(x)); }, x);
  }
};

/// Two tensors in, a struct out.
struct SumAndProduct {
  Tensor sum, product;
};
struct Both {
  nn::Hooks hooks = {};

  SumAndProduct operator()(const Tensor& a, const Tensor& b, double scale) const {
    return nn::call(
        this,
        [&] {
          return SumAndProduct{scale * (a + b), scale * a * b};
        },
        a, b, scale);
  }
};

}  // namespace reel::testing
