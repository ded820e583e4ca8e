#pragma once

#include "reel/kernels/array.h"
#include "reel/kernels/window_axis.h"

namespace reel::kernels {

/// The shape of a convolution over up to three axes. Images lie channels-last ([N, D, H, W, C] in
/// memory), weights [out, in / groups, kd, kh, kw] row-major. Axes that they lack come first.
struct ConvShape {
  Size batch = 0, groups = 1;
  Size in_channels = 0, out_channels = 0;
  WindowAxis depth, rows, columns;
};

/// The pixels of an image, of an output, and the cells of a window.
Size in_pixels(const ConvShape& shape);
Size out_pixels(const ConvShape& shape);
Size cell_count(const ConvShape& shape);
Size weight_count(const ConvShape& shape);

/// y = conv(x, w) + bias, which may be missing; float32 and float64. No size may be 0.
void conv(const ConvShape& shape, const ConstArray& x, const ConstArray& w, const ConstArray& bias,
          const Array& y);

/// The gradient of the images from that of the output.
void conv_input(const ConvShape& shape, const ConstArray& dy, const ConstArray& w, const Array& dx);

/// The gradient of the weights and, unless it is missing, of the bias. The order of the sums
/// depends on the shape only.
void conv_weight(const ConvShape& shape, const ConstArray& x, const ConstArray& dy, const Array& dw,
                 const Array& db);

}  // namespace reel::kernels
