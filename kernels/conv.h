#pragma once

#include "reel/base/dtype.h"

namespace reel::kernels {

/// The shape of a 2-D convolution. Images lie channels-last ([N, H, W, C] in memory), weights
/// [out, in / groups, kh, kw] row-major. `dilation` 1 is an ordinary kernel.
struct ConvShape {
  Size batch = 0, groups = 1;
  Size in_channels = 0, in_h = 0, in_w = 0;
  Size out_channels = 0, out_h = 0, out_w = 0;
  Size kernel_h = 0, kernel_w = 0;
  Size stride_h = 1, stride_w = 1;
  Size padding_h = 0,
       padding_w = 0;  // before the first row and column; after the last: what is left
  Size dilation_h = 1, dilation_w = 1;
};

/// y = conv(x, w) (+ bias) (then ReLU); float32 and float64. No size may be 0.
void conv2d(DType dtype, const ConvShape& shape, const void* x, const void* w, const void* bias,
            bool relu, void* y);

/// The gradient of the images from that of the output.
void conv2d_input(DType dtype, const ConvShape& shape, const void* dy, const void* w, void* dx);

/// The gradient of the weights and, unless null, of the bias. The order of the sums depends on the
/// shape only.
void conv2d_weight(DType dtype, const ConvShape& shape, const void* x, const void* dy, void* dw,
                   void* db);

}  // namespace reel::kernels
