#pragma once

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"
#include "reel/ops/image/conv.h"
#include "reel/ops/shape/pad.h"

namespace reel::nn {

template <int axes>
struct ConvNd;
using Conv1d = ConvNd<1>;  ///< over `[N, C, L]`
using Conv2d = ConvNd<2>;  ///< over `[N, C, H, W]`
using Conv3d = ConvNd<3>;  ///< over `[N, C, D, H, W]`
template <>
REEL_API void detail::complete(Conv1d& layer);
template <>
REEL_API void detail::complete(Conv2d& layer);
template <>
REEL_API void detail::complete(Conv3d& layer);

template <int axes>
struct ConvTransposeNd;
using ConvTranspose1d = ConvTransposeNd<1>;  ///< over `[N, C, L]`
using ConvTranspose2d = ConvTransposeNd<2>;  ///< over `[N, C, H, W]`
using ConvTranspose3d = ConvTransposeNd<3>;  ///< over `[N, C, D, H, W]`
template <>
REEL_API void detail::complete(ConvTranspose1d& layer);
template <>
REEL_API void detail::complete(ConvTranspose2d& layer);
template <>
REEL_API void detail::complete(ConvTranspose3d& layer);

namespace detail {

/// `x` with what a convolution's `padding_mode` puts around it.
template <int axes>
REEL_API Tensor surrounded(const Tensor& x, const ConvNd<axes>& layer);

/// What `output_padding` makes of `x` images of that size.
template <int axes>
REEL_API Sizes<axes> output_padding_for(const ConvTransposeNd<axes>& layer, const Tensor& x,
                                        const Sizes<axes>& output_size);

}  // namespace detail

/// Slides `out_channels` kernels over images: `[N, in_channels, H, W]` ->
/// `[N, out_channels, H_out, W_out]`, see `conv2d`, or over one or three axes. Weights and biases
/// start uniform in +-1 / sqrt(in_channels / groups * cells of the kernel). Follows
/// `torch.nn.Conv1d` to `Conv3d`.
///
/// Throws `[Conv2d] expected ...` for channels, groups and kernels that are not positive, groups
/// that do not divide the channels, and given tensors of another shape.
///
/// **Example**
/// ```cpp
/// nn::Conv2d conv{.in_channels = 1, .out_channels = 32, .kernel_size = 3, .padding = 1};
/// nn::Conv2d wide{.in_channels = 1, .out_channels = 32, .kernel_size = {3, 5}};
/// ```
template <int axes>
struct ConvNd {
  Required<Size> in_channels;         ///< of the images
  Required<Size> out_channels;        ///< of the result: how many kernels there are
  Required<Sizes<axes>> kernel_size;  ///< cells of a kernel along each axis
  Sizes<axes> stride = 1;             ///< steps between neighbouring windows
  Padding<axes> padding = 0;          ///< cells around the image, or "same", "valid"
  Sizes<axes> dilation = 1;           ///< steps between the kernel's cells in the image
  Size groups = 1;   ///< channels are divided into so many groups that do not see each other
  Bias bias = true;  ///< `[out]`
  PadMode padding_mode = "zeros";  ///< what `padding` consists of; see `PadMode`
  Parameter weight = {};           ///< `[out, in / groups, kh, kw]`
  Hooks hooks = {};                ///< see `nn::Hooks`
  detail::Completed<ConvNd> completed = {};

  /// `[N, in_channels, ..]` -> `[N, out_channels, ..]`, or one image without `N`. Throws as
  /// `conv2d` does.
  Tensor operator()(const Tensor& x) const {
    using reel::detail::conv;
    return detail::call(
        this,
        [&] {
          if (padding_mode == "zeros")
            return conv(x, weight, bias, ConvOptions<axes>{stride, padding, dilation, groups});
          return conv(detail::surrounded(x, *this), weight, bias,
                      ConvOptions<axes>{stride, 0, dilation, groups});
        },
        x);
  }
};

/// The transpose of a convolution, which makes images larger: `[N, in_channels, H, W]` ->
/// `[N, out_channels, H_out, W_out]`, see `conv_transpose2d`, or over one or three axes. Weights
/// and biases start uniform in +-1 / sqrt(out_channels / groups * cells of the kernel). Follows
/// `torch.nn.ConvTranspose1d` to `ConvTranspose3d`.
///
/// Throws `[ConvTranspose2d] expected ...` for channels, groups and kernels that are not positive,
/// groups that do not divide the channels, and given tensors of another shape.
///
/// **Example**
/// ```cpp
/// nn::ConvTranspose2d up{.in_channels = 32, .out_channels = 16, .kernel_size = 2, .stride = 2};
/// ```
template <int axes>
struct ConvTransposeNd {
  Required<Size> in_channels;         ///< of the images
  Required<Size> out_channels;        ///< of the result
  Required<Sizes<axes>> kernel_size;  ///< cells of a kernel along each axis
  Sizes<axes> stride = 1;             ///< steps between neighbouring windows in the result
  Sizes<axes> padding = 0;            ///< what is cut off around the result
  Sizes<axes> output_padding = 0;     ///< what the result has more on its far side
  Size groups = 1;   ///< channels are divided into so many groups that do not see each other
  Bias bias = true;  ///< `[out]`
  Sizes<axes> dilation = 1;  ///< steps between the kernel's cells in the result
  Parameter weight = {};     ///< `[in, out / groups, kh, kw]`
  Hooks hooks = {};          ///< see `nn::Hooks`
  detail::Completed<ConvTransposeNd> completed = {};

  /// `[N, in_channels, ..]` -> `[N, out_channels, ..]`, or one image without `N`. Throws as
  /// `conv_transpose2d` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return run(x, output_padding); }, x);
  }

  /// With the `output_padding` that gives images of this size: `up(x, {28, 28})`. Throws where none
  /// below the stride does.
  Tensor operator()(const Tensor& x, const Sizes<axes>& output_size) const {
    return detail::call(
        this, [&] { return run(x, detail::output_padding_for(*this, x, output_size)); }, x,
        output_size);
  }

 private:
  Tensor run(const Tensor& x, const Sizes<axes>& more) const {
    return reel::detail::conv_transpose(
        x, weight, bias, ConvTransposeOptions<axes>{stride, padding, more, groups, dilation});
  }
};

}  // namespace reel::nn
