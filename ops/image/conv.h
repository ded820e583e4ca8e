#pragma once

#include "reel/autograd/tensor.h"
#include "reel/ops/image/sizes.h"

namespace reel {

/// What a convolution over so many axes can be told: each number for all axes or a list of one for
/// each.
template <int axes>
struct ConvOptions {
  Sizes<axes> stride = 1;     ///< steps between neighbouring windows
  Padding<axes> padding = 0;  ///< zeros around the image, or "valid", or "same" with a stride of 1
  Sizes<axes> dilation = 1;   ///< steps between the kernel's cells in the image
  Size groups = 1;  ///< channels are divided into so many groups that do not see each other
};
using Conv1dOptions = ConvOptions<1>;  ///< what `conv1d` can be told
using Conv2dOptions = ConvOptions<2>;  ///< what `conv2d` can be told
using Conv3dOptions = ConvOptions<3>;  ///< what `conv3d` can be told

/// Slides a kernel over images: `x` `[N, C, H, W]` (or one image `[C, H, W]`), `weight`
/// `[out, C / groups, kh, kw]`, `bias` `[out]` or undefined for none; gives
/// `[N, out, H_out, W_out]` with `H_out = (H + 2 padding - dilation (kh - 1) - 1) / stride + 1`,
/// rounded down. float32 and float64.
///
/// The result lies channels-last in memory (`[N, H_out, W_out, out]`, under strides that make it
/// `[N, out, H_out, W_out]`), which is what convolutions read fastest.
///
/// Throws when ranks, channels, groups, dtypes or the bias do not fit, when a stride or dilation is
/// not positive or a padding negative, and when the kernel is larger than the padded image. Follows
/// `torch.nn.functional.conv2d`.
REEL_API Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                       const Conv2dOptions& options = {});

/// `conv2d` in one dimension: `x` `[N, C, L]` (or `[C, L]`), `weight` `[out, C / groups, k]`.
/// Follows `torch.nn.functional.conv1d`.
REEL_API Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                       const Conv1dOptions& options = {});

/// `conv2d` in three dimensions: `x` `[N, C, D, H, W]` (or `[C, D, H, W]`), `weight`
/// `[out, C / groups, kd, kh, kw]`. Follows `torch.nn.functional.conv3d`.
REEL_API Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                       const Conv3dOptions& options = {});

/// What a transposed convolution over so many axes can be told; see `ConvOptions`.
template <int axes>
struct ConvTransposeOptions {
  Sizes<axes> stride = 1;          ///< steps between neighbouring windows in the result
  Sizes<axes> padding = 0;         ///< what is cut off around the result
  Sizes<axes> output_padding = 0;  ///< what the result has more on its far side
  Size groups = 1;  ///< channels are divided into so many groups that do not see each other
  Sizes<axes> dilation = 1;  ///< steps between the kernel's cells in the result
};
using ConvTranspose1dOptions = ConvTransposeOptions<1>;  ///< what `conv_transpose1d` can be told
using ConvTranspose2dOptions = ConvTransposeOptions<2>;  ///< what `conv_transpose2d` can be told
using ConvTranspose3dOptions = ConvTransposeOptions<3>;  ///< what `conv_transpose3d` can be told

/// The transpose of `conv2d`, which spreads each pixel over a window of the result: `x`
/// `[N, C, H, W]` (or one image `[C, H, W]`), `weight` `[C, out / groups, kh, kw]`, `bias` `[out]`
/// or undefined for none; gives `[N, out, H_out, W_out]` with
/// `H_out = (H - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1`. With the options
/// of a `conv2d` it goes from the size of that one's result back to the size of its images, of
/// which several give the same result: `output_padding` chooses among them.
///
/// Throws where `conv2d` does, unless `output_padding` is smaller than the stride or the dilation,
/// and when nothing would be left of the result. Follows `torch.nn.functional.conv_transpose2d`.
REEL_API Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                                 const ConvTranspose2dOptions& options = {});

/// `conv_transpose2d` in one dimension: `x` `[N, C, L]` (or `[C, L]`), `weight`
/// `[C, out / groups, k]`. Follows `torch.nn.functional.conv_transpose1d`.
REEL_API Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                                 const ConvTranspose1dOptions& options = {});

/// `conv_transpose2d` in three dimensions: `x` `[N, C, D, H, W]` (or `[C, D, H, W]`), `weight`
/// `[C, out / groups, kd, kh, kw]`. Follows `torch.nn.functional.conv_transpose3d`.
REEL_API Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                                 const ConvTranspose3dOptions& options = {});

namespace detail {

/// `conv1d`, `conv2d` or `conv3d`, and their transposes.
template <int axes>
REEL_API Tensor conv(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const ConvOptions<axes>& options);
template <int axes>
REEL_API Tensor conv_transpose(const Tensor& x, const Tensor& weight, const Tensor& bias,
                               const ConvTransposeOptions<axes>& options);

}  // namespace detail

}  // namespace reel
