#pragma once

// Internal: how windows slide over images, for convolutions and pooling alike. What is checked here
// may be calculated with afterwards: no product or sum of it overflows.

#include <array>
#include <string>

#include "reel/base/shape.h"
#include "reel/kernels/window_axis.h"
#include "reel/ops/image/sizes.h"

namespace reel::detail {

using kernels::WindowAxis;

/// `[1, -1]` as messages show it; a single number without brackets.
std::string listed(const Shape& numbers);

/// Throws `[conv2d] expected a stride of at least 1, got [1, -1]`, and for what is above 2^31 - 1.
void check_sizes(const char* op, const char* name, const Shape& sizes, Size least);

/// The axes of images: depth, rows and columns. Those that images lack come first and are flat.
struct WindowAxes {
  std::array<WindowAxis, 3> all;
  Size count;

  WindowAxis* begin() { return all.data() + 3 - count; }
  WindowAxis* end() { return all.data() + 3; }
  const WindowAxis* begin() const { return all.data() + 3 - count; }
  const WindowAxis* end() const { return all.data() + 3; }
};

/// The shape `[n, c, ...]` of images with the last `axes` of a depth, height and width.
Shape image_shape(Size n, Size c, Size axes, const std::array<Size, 3>& sizes);
/// The shape of what the windows of `shape`, a `ConvShape` or `PoolShape`, see and give.
template <class S>
Shape input_shape(const S& shape, Size channels, Size axes) {
  return image_shape(shape.batch, channels, axes,
                     {shape.depth.in, shape.rows.in, shape.columns.in});
}
template <class S>
Shape output_shape(const S& shape, Size channels, Size axes) {
  return image_shape(shape.batch, channels, axes,
                     {shape.depth.out, shape.rows.out, shape.columns.out});
}

/// How windows were asked for, along each axis.
struct WindowOptions {
  Shape kernel;
  Shape stride;
  Shape padding;
  Shape dilation;
};

/// The windows over images `[N, C, ...]`, of which nobody has counted how many there are. Throws
/// where `check_sizes` does.
WindowAxes window_axes(const char* op, const Shape& images, const WindowOptions& options);

/// How many windows fit, with `ceil_mode` also one that reaches over the far edge, unless it would
/// begin in the padding there. The numbers must have passed `check_sizes`.
/// Throws `[conv2d] expected a kernel no larger than the padded input, got 9 cells over 8`.
Size count_windows(const char* op, const WindowAxis& axis, bool ceil_mode = false);

/// Throws `[max_pool2d] expected a padding of at most half the kernel, got 2 for 2 cells`.
void check_padding_within_half(const char* op, const WindowAxis& axis);

/// The same `axis.out` windows without cells that lie outside the image in every one of them, so
/// that no loop runs over padding that no pixel is near.
WindowAxis without_idle_cells(WindowAxis axis);

}  // namespace reel::detail
