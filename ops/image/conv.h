#pragma once

#include "reel/autograd/tensor.h"
#include "reel/ops/image/pair.h"

namespace reel {

/// What `conv2d` can be told; each `Pair` from one number or `{h, w}`.
struct Conv2dOptions {
  Pair stride = 1;      ///< steps between neighbouring windows
  Padding padding = 0;  ///< zeros around the image, or "same", "valid"
  Pair dilation = 1;    ///< steps between the kernel's cells in the image
  Size groups = 1;      ///< channels are divided into so many groups that do not see each other
};

/// Slides a kernel over images: `x` `[N, C, H, W]` (or one image `[C, H, W]`), `weight`
/// `[out, C / groups, kh, kw]`, `bias` `[out]` or undefined for none; gives `[N, out, H', W']` with
/// `H' = (H + 2 padding - dilation (kh - 1) - 1) / stride + 1`, rounded down. float32 and float64.
///
/// The result lies channels-last in memory (`[N, H', W', out]`, under strides that make it
/// `[N, out, H', W']`), which is what convolutions read fastest.
///
/// Throws when ranks, channels, groups, dtypes or the bias do not fit, when a stride or dilation is
/// not positive or a padding negative, and when the kernel is larger than the padded image. Follows
/// `torch.nn.functional.conv2d`.
REEL_API Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                       const Conv2dOptions& options = {});

/// What `conv1d` can be told; see `Conv2dOptions`.
struct Conv1dOptions {
  Size stride = 1;
  Size padding = 0;
  Size dilation = 1;
  Size groups = 1;
};

/// `conv2d` in one dimension: `x` `[N, C, L]` (or `[C, L]`), `weight` `[out, C / groups, k]`.
/// Follows `torch.nn.functional.conv1d`.
REEL_API Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                       const Conv1dOptions& options = {});

namespace detail {

/// `relu(conv2d(x, weight, bias, options))` as one op: the ReLU rides along with the convolution,
/// and backward reads its mask from the output.
REEL_API Tensor conv2d_relu(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                            const Conv2dOptions& options = {});

}  // namespace detail
}  // namespace reel
