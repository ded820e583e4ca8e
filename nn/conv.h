#pragma once

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"
#include "reel/ops/image/conv.h"
#include "reel/ops/image/pool.h"

namespace reel::nn {

struct Conv2d;
template <>
REEL_API void detail::complete(Conv2d& layer);

/// Slides `out_channels` kernels over images: `[N, in_channels, H, W]` -> `[N, out_channels, H',
/// W']`, see `conv2d`. Weights and biases start uniform in
/// +-1 / sqrt(in_channels / groups * kernel height * kernel width). Follows `torch.nn.Conv2d`.
///
/// Throws `[Conv2d] expected ...` for channels, groups and kernels that are not positive, groups
/// that do not divide the channels, and given tensors of another shape.
///
/// **Example**
/// ```cpp
/// nn::Conv2d conv{.in_channels = 1, .out_channels = 32, .kernel_size = 3, .padding = 1};
/// nn::Conv2d wide{.in_channels = 1, .out_channels = 32, .kernel_size = {3, 5}};
/// ```
struct Conv2d {
  Required<Size> in_channels;
  Required<Size> out_channels;
  Required<Pair> kernel_size;
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  Size groups = 1;
  Bias bias = true;       ///< `[out]`
  Parameter weight = {};  ///< `[out, in / groups, kh, kw]`
  detail::Completed<Conv2d> completed = {};

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] {
      return conv2d(x, weight, bias, {stride, padding, dilation, groups});
    });
  }

  /// The ReLU of it, in one step: what `nn::Sequential` makes of a `Conv2d` before a `ReLU`.
  Tensor then_relu(const Tensor& x) const {
    const detail::Running running(this);
    return reel::detail::conv2d_relu(x, weight, bias, {stride, padding, dilation, groups});
  }

  /// The max-pooled ReLU of it, in one step: what `nn::Sequential` makes of a `Conv2d` before a
  /// `ReLU` and a `MaxPool2d`.
  Tensor then_relu_max_pool2d(const Tensor& x, const Pair& pool_size,
                              const MaxPool2dOptions& pool_options = {}) const {
    const detail::Running running(this);
    return reel::detail::conv2d_relu_max_pool2d(
        x, weight, bias, {stride, padding, dilation, groups}, pool_size, pool_options);
  }
};

}  // namespace reel::nn
