#pragma once

// Internal: how windows slide over images, for convolutions and pooling alike. What is checked here
// may be calculated with afterwards: no product or sum of it overflows.

#include "reel/base/shape.h"
#include "reel/ops/image/pair.h"

namespace reel::detail {

/// Windows along one axis of an image.
struct WindowAxis {
  Size input;   // pixels
  Size kernel;  // cells of a window
  Size stride = 1;
  Size padding = 0;
  Size dilation = 1;

  /// The pixels from a window's first cell to its last, gaps included.
  Size reach() const { return dilation * (kernel - 1) + 1; }
};

/// Throws `[conv2d] expected a stride of at least 1, got [1, -1]`, and for what is above 2^31 - 1.
void check_pair(const char* op, const char* name, const Pair& pair, Size least);
/// The same for ops along one axis: `[conv1d] expected a stride of at least 1, got -1`.
void check_size(const char* op, const char* name, Size value, Size least);

/// Windows along both axes of images.
struct WindowAxes {
  WindowAxis rows, columns;
};

/// How windows were asked for.
struct WindowOptions {
  Pair kernel;
  Pair stride;
  Pair padding;
  Pair dilation = 1;
};

/// The windows over images `[N, C, H, W]`. Throws where `check_pair` does.
WindowAxes window_axes(const char* op, const Shape& images, const WindowOptions& options);

/// How many windows fit, with `ceil_mode` also one that reaches over the far edge, unless it would
/// begin in the padding there. The numbers must have passed `check_pair`.
/// Throws `[conv2d] expected a kernel no larger than the padded input, got 9 cells over 8`.
Size count_windows(const char* op, const WindowAxis& axis, bool ceil_mode = false);

/// Throws `[max_pool2d] expected a padding of at most half the kernel, got 2 for 2 cells`.
void check_padding_within_half(const char* op, const WindowAxis& axis);

/// The same `count` windows without cells that lie outside the image in every one of them, so that
/// no loop runs over padding that no pixel is near.
WindowAxis without_idle_cells(WindowAxis axis, Size count);

}  // namespace reel::detail
