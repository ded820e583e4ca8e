#pragma once

/// @file
/// Pooling of images `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]`, or one image without `N`, of
/// float32 or float64: what is said of two axes holds for one and three. Results, but those of
/// `max_unpool2d`, lie channels-last in memory, as those of `conv2d`. All of them throw for other
/// ranks and dtypes, and for images without pixels or channels.

#include <limits>
#include <optional>

#include "reel/autograd/tensor.h"
#include "reel/ops/image/conv.h"
#include "reel/ops/image/sizes.h"

namespace reel {

/// The default stride of pooling: windows that lie side by side.
inline constexpr Size same_as_kernel = std::numeric_limits<Size>::min();

// ---- maxima

/// What a maximum over so many axes can be told; each number for all axes or a list of one for
/// each.
template <int axes>
struct MaxPoolOptions {
  Sizes<axes> stride = same_as_kernel;  ///< steps between neighbouring windows
  Sizes<axes> padding = 0;              ///< cells around the image, which never win
  Sizes<axes> dilation = 1;             ///< steps between the cells of a window
  bool ceil_mode = false;               ///< keep a last window that reaches over the edge
};
using MaxPool1dOptions = MaxPoolOptions<1>;  ///< what `max_pool1d` can be told
using MaxPool2dOptions = MaxPoolOptions<2>;  ///< what `max_pool2d` can be told
using MaxPool3dOptions = MaxPoolOptions<3>;  ///< what `max_pool3d` can be told

/// The largest value of each window, NaN if it holds one: `[N, C, H_out, W_out]` with
/// `H_out = (H + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down (up with
/// `ceil_mode`). Among equals the first one gets the gradient.
///
/// Throws for kernels, strides and dilations that are not positive, for a padding that is negative
/// or more than half the window, and when the window is larger than the padded image. Follows
/// `torch.nn.functional.max_pool2d`.
REEL_API Tensor max_pool2d(Tensor x, const Sizes<2>& kernel_size,
                           const MaxPool2dOptions& options = {});
/// `max_pool2d` in one dimension. Follows `torch.nn.functional.max_pool1d`.
REEL_API Tensor max_pool1d(Tensor x, const Sizes<1>& kernel_size,
                           const MaxPool1dOptions& options = {});
/// `max_pool2d` in three dimensions. Follows `torch.nn.functional.max_pool3d`.
REEL_API Tensor max_pool3d(Tensor x, const Sizes<3>& kernel_size,
                           const MaxPool3dOptions& options = {});

/// Maxima and where they were: the number of the pixel in its image, counted row by row, int64.
struct MaxPooled {
  Tensor values;   ///< as `max_pool2d` gives them
  Tensor indices;  ///< int64, of the same shape; outside the tape
};

/// `max_pool2d` and where the maxima were, as `max_unpool2d` takes it. Follows
/// `torch.nn.functional.max_pool2d` with `return_indices`.
REEL_API MaxPooled max_pool2d_with_indices(const Tensor& x, const Sizes<2>& kernel_size,
                                           const MaxPool2dOptions& options = {});
/// The same for `max_pool1d`.
REEL_API MaxPooled max_pool1d_with_indices(const Tensor& x, const Sizes<1>& kernel_size,
                                           const MaxPool1dOptions& options = {});
/// The same for `max_pool3d`.
REEL_API MaxPooled max_pool3d_with_indices(const Tensor& x, const Sizes<3>& kernel_size,
                                           const MaxPool3dOptions& options = {});

/// What putting maxima back can be told.
template <int axes>
struct MaxUnpoolOptions {
  Sizes<axes> stride = same_as_kernel;  ///< that of the pooling
  Sizes<axes> padding = 0;              ///< that of the pooling
  /// The size of the images that were pooled, of which several give the same result: each number
  /// less than a stride from `(H_in - 1) stride - 2 padding + kernel`, which it is without it.
  std::optional<Sizes<axes>> output_size = {};
};
using MaxUnpool1dOptions = MaxUnpoolOptions<1>;  ///< what `max_unpool1d` can be told
using MaxUnpool2dOptions = MaxUnpoolOptions<2>;  ///< what `max_unpool2d` can be told
using MaxUnpool3dOptions = MaxUnpoolOptions<3>;  ///< what `max_unpool3d` can be told

/// Puts maxima back to where they were, among zeros: `x` and `indices`
/// `[N, C, H_in, W_in]`, as `max_pool2d_with_indices` gives them with these options, to
/// `[N, C, H, W]`. Of several at one place any may be the one that stays. Throws for indices
/// outside the image, of another shape or of another dtype than int64, and for another
/// `output_size` than there can be. Follows `torch.nn.functional.max_unpool2d`.
REEL_API Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const Sizes<2>& kernel_size,
                             const MaxUnpool2dOptions& options = {});
/// `max_unpool2d` in one dimension. Follows `torch.nn.functional.max_unpool1d`.
REEL_API Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const Sizes<1>& kernel_size,
                             const MaxUnpool1dOptions& options = {});
/// `max_unpool2d` in three dimensions. Follows `torch.nn.functional.max_unpool3d`.
REEL_API Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const Sizes<3>& kernel_size,
                             const MaxUnpool3dOptions& options = {});

// ---- averages

/// What an average over so many axes can be told; each number for all axes or a list of one for
/// each.
template <int axes>
struct AvgPoolOptions {
  Sizes<axes> stride = same_as_kernel;        ///< steps between neighbouring windows
  Sizes<axes> padding = 0;                    ///< zeros around the image
  bool ceil_mode = false;                     ///< keep a last window that reaches over the edge
  bool count_include_pad = true;              ///< whether the zeros count in the average
  std::optional<Size> divisor_override = {};  ///< divides the sums instead of their count
};
using AvgPool1dOptions = AvgPoolOptions<1>;  ///< what `avg_pool1d` can be told
using AvgPool2dOptions = AvgPoolOptions<2>;  ///< what `avg_pool2d` can be told
using AvgPool3dOptions = AvgPoolOptions<3>;  ///< what `avg_pool3d` can be told

/// The average of each window, with sizes as `max_pool2d`. Throws as that does, and for a
/// `divisor_override` of 0. Follows `torch.nn.functional.avg_pool2d`.
REEL_API Tensor avg_pool2d(const Tensor& x, const Sizes<2>& kernel_size,
                           const AvgPool2dOptions& options = {});
/// `avg_pool2d` in one dimension. Follows `torch.nn.functional.avg_pool1d`.
REEL_API Tensor avg_pool1d(const Tensor& x, const Sizes<1>& kernel_size,
                           const AvgPool1dOptions& options = {});
/// `avg_pool2d` in three dimensions. Follows `torch.nn.functional.avg_pool3d`.
REEL_API Tensor avg_pool3d(const Tensor& x, const Sizes<3>& kernel_size,
                           const AvgPool3dOptions& options = {});

/// What a power average can be told.
template <int axes>
struct LPPoolOptions {
  Sizes<axes> stride = same_as_kernel;  ///< steps between neighbouring windows
  bool ceil_mode = false;               ///< keep a last window that reaches over the edge
};
using LPPool1dOptions = LPPoolOptions<1>;  ///< what `lp_pool1d` can be told
using LPPool2dOptions = LPPoolOptions<2>;  ///< what `lp_pool2d` can be told
using LPPool3dOptions = LPPoolOptions<3>;  ///< what `lp_pool3d` can be told

/// `(sum of x^p)^(1 / p)` over each window: the sum for `p` 1, nearer to the maximum the larger `p`
/// is. Where the sum is 0 no gradient goes back. Throws for `p` 0, and as `max_pool2d` does.
/// Follows `torch.nn.functional.lp_pool2d`.
REEL_API Tensor lp_pool2d(const Tensor& x, double p, const Sizes<2>& kernel_size,
                          const LPPool2dOptions& options = {});
/// `lp_pool2d` in one dimension. Follows `torch.nn.functional.lp_pool1d`.
REEL_API Tensor lp_pool1d(const Tensor& x, double p, const Sizes<1>& kernel_size,
                          const LPPool1dOptions& options = {});
/// `lp_pool2d` in three dimensions. Follows `torch.nn.functional.lp_pool3d`.
REEL_API Tensor lp_pool3d(const Tensor& x, double p, const Sizes<3>& kernel_size,
                          const LPPool3dOptions& options = {});

// ---- a given number of windows

/// As a number of the output size of adaptive pooling: as many windows as there are pixels, as
/// PyTorch's `None`.
inline constexpr Size same_as_input = std::numeric_limits<Size>::min();

/// Averages over as many windows as `output_size` asks for, which cover the image evenly and
/// overlap where they must: `[N, C, H, W]` -> `[N, C, output_size[0], output_size[1]]`. Throws
/// unless both are positive or `same_as_input`. Follows `torch.nn.functional.adaptive_avg_pool2d`.
REEL_API Tensor adaptive_avg_pool2d(const Tensor& x, const Sizes<2>& output_size);
/// `adaptive_avg_pool2d` in one dimension. Follows `torch.nn.functional.adaptive_avg_pool1d`.
REEL_API Tensor adaptive_avg_pool1d(const Tensor& x, const Sizes<1>& output_size);
/// `adaptive_avg_pool2d` in three dimensions. Follows `torch.nn.functional.adaptive_avg_pool3d`.
REEL_API Tensor adaptive_avg_pool3d(const Tensor& x, const Sizes<3>& output_size);

/// The maxima of the windows of `adaptive_avg_pool2d`. Follows
/// `torch.nn.functional.adaptive_max_pool2d`.
REEL_API Tensor adaptive_max_pool2d(const Tensor& x, const Sizes<2>& output_size);
/// `adaptive_max_pool2d` in one dimension. Follows `torch.nn.functional.adaptive_max_pool1d`.
REEL_API Tensor adaptive_max_pool1d(const Tensor& x, const Sizes<1>& output_size);
/// `adaptive_max_pool2d` in three dimensions. Follows `torch.nn.functional.adaptive_max_pool3d`.
REEL_API Tensor adaptive_max_pool3d(const Tensor& x, const Sizes<3>& output_size);

/// `adaptive_max_pool2d` and where the maxima were. Follows
/// `torch.nn.functional.adaptive_max_pool2d` with `return_indices`.
REEL_API MaxPooled adaptive_max_pool2d_with_indices(const Tensor& x, const Sizes<2>& output_size);
/// The same for `adaptive_max_pool1d`.
REEL_API MaxPooled adaptive_max_pool1d_with_indices(const Tensor& x, const Sizes<1>& output_size);
/// The same for `adaptive_max_pool3d`.
REEL_API MaxPooled adaptive_max_pool3d_with_indices(const Tensor& x, const Sizes<3>& output_size);

namespace detail {

// The functions above for any number of axes.

template <int axes>
REEL_API Tensor max_pool(Tensor x, const Sizes<axes>& kernel_size,
                         const MaxPoolOptions<axes>& options);
template <int axes>
REEL_API MaxPooled max_pool_with_indices(const Tensor& x, const Sizes<axes>& kernel_size,
                                         const MaxPoolOptions<axes>& options);
template <int axes>
REEL_API Tensor max_unpool(const Tensor& x, const Tensor& indices, const Sizes<axes>& kernel_size,
                           const MaxUnpoolOptions<axes>& options);
template <int axes>
REEL_API Tensor avg_pool(const Tensor& x, const Sizes<axes>& kernel_size,
                         const AvgPoolOptions<axes>& options);
template <int axes>
REEL_API Tensor lp_pool(const Tensor& x, double p, const Sizes<axes>& kernel_size,
                        const LPPoolOptions<axes>& options);
template <int axes>
REEL_API Tensor adaptive_avg_pool(const Tensor& x, const Sizes<axes>& output_size);
template <int axes>
REEL_API Tensor adaptive_max_pool(const Tensor& x, const Sizes<axes>& output_size);
template <int axes>
REEL_API MaxPooled adaptive_max_pool_with_indices(const Tensor& x, const Sizes<axes>& output_size);

/// `max_pool2d(relu(conv2d(x, weight, bias, options)), kernel_size, pool_options)`, for any number
/// of axes, as one op: a few images at a time go through all of it while they are in the cache,
/// forward and backward, and what the convolution gives is never written as a whole.
template <int axes>
REEL_API Tensor conv_relu_max_pool(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                   const ConvOptions<axes>& options, const Sizes<axes>& kernel_size,
                                   const MaxPoolOptions<axes>& pool_options);

}  // namespace detail

}  // namespace reel
