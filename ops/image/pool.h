#pragma once

#include <limits>

#include "reel/autograd/tensor.h"
#include "reel/ops/image/conv.h"
#include "reel/ops/image/pair.h"

namespace reel {

// Pooling of images `[N, C, H, W]`, or one image `[C, H, W]`, of float32 or float64. Results lie
// channels-last in memory, as those of `conv2d`. All of them throw for other ranks and dtypes, for
// images without pixels or channels, for kernels and strides that are not positive, for negative
// padding or padding of more than half the kernel, and when the window is larger than the padded
// image.

/// The default stride of pooling: windows that lie side by side.
inline constexpr Pair same_as_kernel{std::numeric_limits<Size>::min(),
                                     std::numeric_limits<Size>::min()};

/// What `max_pool2d` can be told; each `Pair` from one number or `{h, w}`.
struct MaxPool2dOptions {
  Pair stride = same_as_kernel;  ///< steps between neighbouring windows
  Pair padding = 0;              ///< cells around the image, which never win
  Pair dilation = 1;             ///< steps between the cells of a window
  bool ceil_mode = false;        ///< keep a last window that reaches over the edge
};

/// The largest value of each window, NaN if it holds one: `[N, C, H', W']` with
/// `H' = (H + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down (up with
/// `ceil_mode`). Among equals the first one gets the gradient. Follows
/// `torch.nn.functional.max_pool2d`.
REEL_API Tensor max_pool2d(const Tensor& x, const Pair& kernel_size,
                           const MaxPool2dOptions& options = {});

/// What `avg_pool2d` can be told; each `Pair` from one number or `{h, w}`.
struct AvgPool2dOptions {
  Pair stride = same_as_kernel;   ///< steps between neighbouring windows
  Pair padding = 0;               ///< zeros around the image
  bool ceil_mode = false;         ///< keep a last window that reaches over the edge
  bool count_include_pad = true;  ///< whether the zeros count in the average
};

/// The average of each window, with sizes as `max_pool2d`. Follows
/// `torch.nn.functional.avg_pool2d`.
REEL_API Tensor avg_pool2d(const Tensor& x, const Pair& kernel_size,
                           const AvgPool2dOptions& options = {});

/// Averages over as many windows as `output_size` asks for, which cover the image evenly and
/// overlap where they must: `[N, C, H, W]` -> `[N, C, output_size.h, output_size.w]`. Throws unless
/// both are positive. Follows `torch.nn.functional.adaptive_avg_pool2d`.
REEL_API Tensor adaptive_avg_pool2d(const Tensor& x, const Pair& output_size);

namespace detail {

/// `max_pool2d(relu(x), ...)` as one op: neither the result nor the gradient of the ReLU is ever
/// written.
REEL_API Tensor relu_max_pool2d(const Tensor& x, const Pair& kernel_size,
                                const MaxPool2dOptions& options = {});

/// `max_pool2d(relu(conv2d(x, weight, bias, options)), kernel_size, pool_options)` as one op: a few
/// images at a time go through all of it while they are in the cache, forward and backward, and
/// what the convolution gives is never kept.
REEL_API Tensor conv2d_relu_max_pool2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                       const Conv2dOptions& options, const Pair& kernel_size,
                                       const MaxPool2dOptions& pool_options = {});

}  // namespace detail
}  // namespace reel
