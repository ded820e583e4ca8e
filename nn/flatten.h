#pragma once

#include "reel/nn/detail/call.h"
#include "reel/ops/shape/view.h"

namespace reel::nn {

/// Joins the dimensions from `start_dim` to `end_dim`: `[N, C, H, W]` -> `[N, C*H*W]`.
/// Follows `torch.nn.Flatten`.
struct Flatten {
  Size start_dim = 1;
  Size end_dim = -1;

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return flatten(x, start_dim, end_dim); });
  }
};

/// Returns its input. Follows `torch.nn.Identity`.
struct Identity {
  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return x; });
  }
};

}  // namespace reel::nn
