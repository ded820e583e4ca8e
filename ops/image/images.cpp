#include "reel/ops/image/images.h"

#include "reel/base/fail.h"
#include "reel/ops/support/checks.h"

namespace reel {

const char* detail::images_named(Size axes) {
  static constexpr const char* names[] = {"[N, C, L] or [C, L]", "[N, C, H, W] or [C, H, W]",
                                          "[N, C, D, H, W] or [C, D, H, W]"};
  return names[axes - 1];
}

kernels::Window detail::even_window(Size in, Size out, Size i) {
  const Size begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
  return {begin, end, end - begin};
}

Shape detail::adaptive_sizes(const char* op, const Shape& images, Shape sizes) {
  for (Size i = 0; i < sizes.size(); ++i)
    if (sizes[i] == same_as_input) sizes[i] = images[i + 2];
  check_sizes(op, "an output size", sizes, 1);
  Shape pooled{images[0], images[1]};
  for (const Size size : sizes) pooled.push_back(size);
  checked_numel(op, pooled);
  return sizes;
}

void detail::check_images(const char* op, Size axes, const Tensor& x) {
  check_defined(op, "input", x);
  check(x.dim() == axes + 2 || x.dim() == axes + 1, op, "expected input {}, got shape {}",
        images_named(axes), x.shape());
  check(x.is_floating_point(), op, "expected float32 or float64, got {}\nhelp: x.to(float32)",
        x.dtype());
  for (const Size* size = x.shape().end() - axes - 1; size != x.shape().end(); ++size)
    check(*size > 0, op, "expected images with channels and pixels, got shape {}", x.shape());
}

Shape detail::stride_of(const Shape& stride, const Shape& kernel) {
  Shape result = stride;
  for (Size i = 0; i < stride.size(); ++i)
    if (stride[i] == same_as_kernel) result[i] = kernel[i];
  return result;
}

Size detail::count_pool_windows(const char* op, const WindowAxis& axis, bool ceil_mode) {
  check_padding_within_half(op, axis);
  return count_windows(op, axis, ceil_mode);
}

}  // namespace reel
