#include "reel/ops/image/windows.h"

#include <algorithm>

#include "reel/base/fail.h"

namespace reel::detail {
namespace {

/// Beyond any image, and small enough for products of two.
constexpr Size most = (Size{1} << 31) - 1;

}  // namespace

void check_pair(const char* op, const char* name, const Pair& pair, Size least) {
  check(pair.h >= least && pair.w >= least, op, "expected {} of at least {}, got [{}, {}]", name,
        least, pair.h, pair.w);
  check(pair.h <= most && pair.w <= most, op, "expected {} of at most {}, got [{}, {}]", name, most,
        pair.h, pair.w);
}

void check_size(const char* op, const char* name, Size value, Size least) {
  check(value >= least, op, "expected {} of at least {}, got {}", name, least, value);
  check(value <= most, op, "expected {} of at most {}, got {}", name, most, value);
}

WindowAxes window_axes(const char* op, const Shape& images, const WindowOptions& o) {
  check_pair(op, "a kernel", o.kernel, 1);
  check_pair(op, "a stride", o.stride, 1);
  check_pair(op, "a dilation", o.dilation, 1);
  check_pair(op, "a padding", o.padding, 0);
  // A single cell has no gaps.
  const auto dilation = [](Size cells, Size given) { return cells == 1 ? 1 : given; };
  return {
      .rows = {images[2], o.kernel.h, o.stride.h, o.padding.h, dilation(o.kernel.h, o.dilation.h)},
      .columns = {images[3], o.kernel.w, o.stride.w, o.padding.w,
                  dilation(o.kernel.w, o.dilation.w)}};
}

Size count_windows(const char* op, const WindowAxis& axis, bool ceil_mode) {
  check_size(op, "a kernel", axis.kernel, 1);
  const Size padded = axis.input + 2 * axis.padding, room = padded - axis.reach();
  check(room >= 0, op, "expected a kernel no larger than the padded input, got {} cells over {}",
        axis.reach(), padded);
  const Size count = room / axis.stride + 1;
  const bool rest = ceil_mode && room % axis.stride != 0;
  return rest && count * axis.stride < axis.input + axis.padding ? count + 1 : count;
}

void check_padding_within_half(const char* op, const WindowAxis& axis) {
  check(axis.padding <= axis.reach() / 2, op,
        "expected a padding of at most half the kernel, got {} for {} cells", axis.padding,
        axis.reach());
}

WindowAxis without_idle_cells(WindowAxis axis, Size count) {
  // The last window has its first cells furthest in the image, the first one its last cells.
  const Size before = axis.padding - (count - 1) * axis.stride;
  const Size skipped = std::max<Size>(before, 0) / axis.dilation;
  const Size end = std::min(axis.kernel, (axis.input - 1 + axis.padding) / axis.dilation + 1);
  axis.kernel = end - skipped;
  axis.padding -= skipped * axis.dilation;
  return axis;
}

}  // namespace reel::detail
