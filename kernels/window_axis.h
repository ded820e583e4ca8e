#pragma once

#include "reel/base/dtype.h"

namespace reel::kernels {

/// Windows along one axis of an image; as it stands, an axis that the image does not have.
struct WindowAxis {
  Size in = 1, out = 1;  // pixels, windows
  Size kernel = 1;       // cells of a window
  Size stride = 1;       // pixels from one window to the next
  Size padding = 0;      // before the first pixel; after the last: what is left
  Size dilation = 1;     // pixels from one cell to the next
};

/// Whether there is nothing along this axis but the image itself.
inline bool is_flat(const WindowAxis& a) {
  return a.in == 1 && a.out == 1 && a.kernel == 1 && a.padding == 0;
}

/// The pixels from a window's first cell to its last, gaps included.
inline Size reach(const WindowAxis& a) { return (a.kernel - 1) * a.dilation + 1; }

}  // namespace reel::kernels
