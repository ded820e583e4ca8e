#pragma once

#include "reel/nn/detail/call.h"
#include "reel/ops/shape/view.h"

namespace reel::nn {

/// Joins the dimensions from `start_dim` to `end_dim`: `[N, C, H, W]` -> `[N, C*H*W]`.
/// Follows `torch.nn.Flatten`.
struct Flatten {
  Size start_dim = 1;  ///< the first to be joined; 1 leaves the batch
  Size end_dim = -1;   ///< the last to be joined; below 0 it counts from the end
  Hooks hooks = {};    ///< see `nn::Hooks`

  /// A view where the strides allow it, else a copy.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return flatten(x, start_dim, end_dim); }, x);
  }
};

/// Returns its input. Follows `torch.nn.Identity`.
struct Identity {
  Hooks hooks = {};  ///< see `nn::Hooks`

  /// `x` itself.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return x; }, x);
  }
};

}  // namespace reel::nn
