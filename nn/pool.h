#pragma once

#include "reel/nn/detail/call.h"
#include "reel/nn/required.h"
#include "reel/ops/image/pool.h"

namespace reel::nn {

/// The largest number of each window: `[N, C, H, W]` -> `[N, C, H', W']`, see `max_pool2d`. Windows
/// lie side by side unless `stride` says otherwise. Follows `torch.nn.MaxPool2d`.
struct MaxPool2d {
  Required<Pair> kernel_size;
  Pair stride = kernel_size;
  Pair padding = 0;
  Pair dilation = 1;
  bool ceil_mode = false;

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return max_pool2d(x, kernel_size, options()); });
  }

  /// That of the ReLU of `x`, in one step: what `nn::Sequential` makes of a `ReLU` before a
  /// `MaxPool2d`.
  Tensor after_relu(const Tensor& x) const {
    const detail::Running running(this);
    return reel::detail::relu_max_pool2d(x, kernel_size, options());
  }

  MaxPool2dOptions options() const { return {stride, padding, dilation, ceil_mode}; }
};

/// The mean of each window; shapes as `MaxPool2d`. Follows `torch.nn.AvgPool2d`.
struct AvgPool2d {
  Required<Pair> kernel_size;
  Pair stride = kernel_size;
  Pair padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;  ///< whether the zeros around the image count

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] {
      return avg_pool2d(x, kernel_size, {stride, padding, ceil_mode, count_include_pad});
    });
  }
};

/// Means over as many windows as `output_size` asks for: `[N, C, H, W]` ->
/// `[N, C, output_size.h, output_size.w]`. Follows `torch.nn.AdaptiveAvgPool2d`.
struct AdaptiveAvgPool2d {
  Required<Pair> output_size;

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return adaptive_avg_pool2d(x, output_size); });
  }
};

}  // namespace reel::nn
