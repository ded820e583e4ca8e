#pragma once

/// @file
/// Pooling of images over one, two or three axes: shapes are told for two.

#include <optional>
#include <utility>

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/kernel_stride.h"
#include "reel/nn/required.h"
#include "reel/ops/image/pool.h"

namespace reel::nn {

/// The largest number of each window: `[N, C, H, W]` -> `[N, C, H_out, W_out]`, see `max_pool2d`.
/// Windows lie side by side unless `stride` says otherwise. Follows `torch.nn.MaxPool1d` to
/// `MaxPool3d`, `with_indices` their `return_indices`.
template <int axes>
struct MaxPoolNd {
  Required<Sizes<axes>> kernel_size;                  ///< cells of a window along each axis
  detail::KernelStride<MaxPoolNd, axes> stride = {};  ///< steps between neighbouring windows
  Sizes<axes> padding = 0;                            ///< cells around the image, which never win
  Sizes<axes> dilation = 1;                           ///< steps between the cells of a window
  bool ceil_mode = false;  ///< keep a last window that reaches over the edge
  Hooks hooks = {};        ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, to a number for each window. Throws as `max_pool2d`
  /// does.
  Tensor operator()(Tensor x) const {
    return detail::call(
        this, [&] { return reel::detail::max_pool(std::move(x), kernel_size(), options()); }, x);
  }

  /// The maxima and where they were, for `MaxUnpool2d`.
  MaxPooled with_indices(const Tensor& x) const {
    return reel::detail::max_pool_with_indices(x, kernel_size(), options());
  }

  /// What `max_pool2d` is told beside the kernel.
  MaxPoolOptions<axes> options() const { return {stride, padding, dilation, ceil_mode}; }
};
using MaxPool1d = MaxPoolNd<1>;  ///< over `[N, C, L]`
using MaxPool2d = MaxPoolNd<2>;  ///< over `[N, C, H, W]`
using MaxPool3d = MaxPoolNd<3>;  ///< over `[N, C, D, H, W]`

/// Puts maxima back to where they were, among zeros: `unpool(y.values, y.indices)`, see
/// `max_unpool2d`. Follows `torch.nn.MaxUnpool1d` to `MaxUnpool3d`.
template <int axes>
struct MaxUnpoolNd {
  Required<Sizes<axes>> kernel_size;                    ///< cells of a window along each axis
  detail::KernelStride<MaxUnpoolNd, axes> stride = {};  ///< steps between neighbouring windows
  Sizes<axes> padding = 0;  ///< cells that the pooling had around the image
  Hooks hooks = {};         ///< see `nn::Hooks`

  /// `x` and `indices` of one shape -> images of `output_size`. Without it, and for what it throws,
  /// see `max_unpool2d` and `MaxUnpoolOptions`.
  Tensor operator()(const Tensor& x, const Tensor& indices,
                    const std::optional<Sizes<axes>>& output_size = {}) const {
    return detail::call(
        this,
        [&] {
          return reel::detail::max_unpool(x, indices, kernel_size(),
                                          MaxUnpoolOptions<axes>{stride, padding, output_size});
        },
        x, indices, output_size);
  }
};
using MaxUnpool1d = MaxUnpoolNd<1>;  ///< over `[N, C, L]`
using MaxUnpool2d = MaxUnpoolNd<2>;  ///< over `[N, C, H, W]`
using MaxUnpool3d = MaxUnpoolNd<3>;  ///< over `[N, C, D, H, W]`

/// The mean of each window; shapes as `MaxPool2d`. Follows `torch.nn.AvgPool1d` to `AvgPool3d`.
template <int axes>
struct AvgPoolNd {
  Required<Sizes<axes>> kernel_size;                  ///< cells of a window along each axis
  detail::KernelStride<AvgPoolNd, axes> stride = {};  ///< steps between neighbouring windows
  Sizes<axes> padding = 0;                            ///< zeros around the image
  bool ceil_mode = false;                     ///< keep a last window that reaches over the edge
  bool count_include_pad = true;              ///< whether the zeros around the image count
  std::optional<Size> divisor_override = {};  ///< divides the sums instead of their count
  Hooks hooks = {};                           ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, to a number for each window. Throws as `avg_pool2d`
  /// does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] {
          return reel::detail::avg_pool(x, kernel_size(),
                                        AvgPoolOptions<axes>{stride, padding, ceil_mode,
                                                             count_include_pad, divisor_override});
        },
        x);
  }
};
using AvgPool1d = AvgPoolNd<1>;  ///< over `[N, C, L]`
using AvgPool2d = AvgPoolNd<2>;  ///< over `[N, C, H, W]`
using AvgPool3d = AvgPoolNd<3>;  ///< over `[N, C, D, H, W]`

/// `(sum of x^norm_type)^(1 / norm_type)` over each window; shapes as `MaxPool2d`, see `lp_pool2d`.
/// Follows `torch.nn.LPPool1d` to `LPPool3d`.
template <int axes>
struct LPPoolNd {
  Required<double> norm_type;                        ///< the power; not 0
  Required<Sizes<axes>> kernel_size;                 ///< cells of a window along each axis
  detail::KernelStride<LPPoolNd, axes> stride = {};  ///< steps between neighbouring windows
  bool ceil_mode = false;  ///< keep a last window that reaches over the edge
  Hooks hooks = {};        ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, to a number for each window. Throws as `lp_pool2d`
  /// does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] {
          return reel::detail::lp_pool(x, norm_type, kernel_size(),
                                       LPPoolOptions<axes>{stride, ceil_mode});
        },
        x);
  }
};
using LPPool1d = LPPoolNd<1>;  ///< over `[N, C, L]`
using LPPool2d = LPPoolNd<2>;  ///< over `[N, C, H, W]`
using LPPool3d = LPPoolNd<3>;  ///< over `[N, C, D, H, W]`

/// Means over as many windows as `output_size` asks for: `[N, C, H, W]` ->
/// `[N, C, output_size[0], output_size[1]]`. Follows `torch.nn.AdaptiveAvgPool1d` to
/// `AdaptiveAvgPool3d`, with `same_as_input` for their `None`.
template <int axes>
struct AdaptiveAvgPoolNd {
  Required<Sizes<axes>> output_size;  ///< windows along each axis, or `same_as_input`
  Hooks hooks = {};                   ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, to a number for each window. Throws as
  /// `adaptive_avg_pool2d` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return reel::detail::adaptive_avg_pool(x, output_size()); }, x);
  }
};
using AdaptiveAvgPool1d = AdaptiveAvgPoolNd<1>;  ///< over `[N, C, L]`
using AdaptiveAvgPool2d = AdaptiveAvgPoolNd<2>;  ///< over `[N, C, H, W]`
using AdaptiveAvgPool3d = AdaptiveAvgPoolNd<3>;  ///< over `[N, C, D, H, W]`

/// The largest number of as many windows as `output_size` asks for; shapes as `AdaptiveAvgPool2d`.
/// Follows `torch.nn.AdaptiveMaxPool1d` to `AdaptiveMaxPool3d`, `with_indices` their
/// `return_indices`.
template <int axes>
struct AdaptiveMaxPoolNd {
  Required<Sizes<axes>> output_size;  ///< windows along each axis, or `same_as_input`
  Hooks hooks = {};                   ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, to a number for each window. Throws as
  /// `adaptive_max_pool2d` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return reel::detail::adaptive_max_pool(x, output_size()); }, x);
  }

  /// The maxima and where they were.
  MaxPooled with_indices(const Tensor& x) const {
    return reel::detail::adaptive_max_pool_with_indices(x, output_size());
  }
};
using AdaptiveMaxPool1d = AdaptiveMaxPoolNd<1>;  ///< over `[N, C, L]`
using AdaptiveMaxPool2d = AdaptiveMaxPoolNd<2>;  ///< over `[N, C, H, W]`
using AdaptiveMaxPool3d = AdaptiveMaxPoolNd<3>;  ///< over `[N, C, D, H, W]`

}  // namespace reel::nn
