#include "reel/ops/image/windows.h"

#include <algorithm>

#include "reel/base/fail.h"

namespace reel::detail {
namespace {

/// Beyond any image, and small enough for products of two.
constexpr Size most = (Size{1} << 31) - 1;

}  // namespace

std::string listed(const Shape& numbers) {
  return numbers.size() == 1 ? std::to_string(numbers[0]) : fmt::format("{}", numbers);
}

void check_sizes(const char* op, const char* name, const Shape& sizes, Size least) {
  for (const Size value : sizes) {
    check(value >= least, op, "expected {} of at least {}, got {}", name, least, listed(sizes));
    check(value <= most, op, "expected {} of at most {}, got {}", name, most, listed(sizes));
  }
}

Shape image_shape(Size n, Size c, Size axes, const std::array<Size, 3>& sizes) {
  Shape shape{n, c};
  for (const Size* size = sizes.end() - axes; size != sizes.end(); ++size) shape.push_back(*size);
  return shape;
}

WindowAxes window_axes(const char* op, const Shape& images, const WindowOptions& o) {
  check_sizes(op, "a kernel", o.kernel, 1);
  check_sizes(op, "a stride", o.stride, 1);
  check_sizes(op, "a dilation", o.dilation, 1);
  check_sizes(op, "a padding", o.padding, 0);
  WindowAxes axes{{}, images.size() - 2};
  for (Size i = 0; i < axes.count; ++i) {
    axes.begin()[i] = {.in = images[i + 2],
                       .kernel = o.kernel[i],
                       .stride = o.stride[i],
                       .padding = o.padding[i],
                       .dilation = o.kernel[i] == 1 ? 1 : o.dilation[i]};  // one cell has no gaps
  }
  return axes;
}

Size count_windows(const char* op, const WindowAxis& axis, bool ceil_mode) {
  const Size padded = axis.in + 2 * axis.padding, room = padded - reach(axis);
  check(room >= 0, op, "expected a kernel no larger than the padded input, got {} cells over {}",
        reach(axis), padded);
  const Size count = room / axis.stride + 1;
  const bool rest = ceil_mode && room % axis.stride != 0;
  return rest && count * axis.stride < axis.in + axis.padding ? count + 1 : count;
}

void check_padding_within_half(const char* op, const WindowAxis& axis) {
  check(axis.padding <= reach(axis) / 2, op,
        "expected a padding of at most half the kernel, got {} for {} cells", axis.padding,
        reach(axis));
}

WindowAxis without_idle_cells(WindowAxis axis) {
  // The last window has its first cells furthest in the image, the first one its last cells.
  const Size before = axis.padding - (axis.out - 1) * axis.stride;
  const Size skipped = std::max<Size>(before, 0) / axis.dilation;
  const Size end = std::min(axis.kernel, (axis.in - 1 + axis.padding) / axis.dilation + 1);
  axis.kernel = end - skipped;
  axis.padding -= skipped * axis.dilation;
  return axis;
}

}  // namespace reel::detail
