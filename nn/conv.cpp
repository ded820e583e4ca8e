#include "reel/nn/conv.h"

#include "reel/autograd/fail.h"
#include "reel/nn/init.h"

namespace reel::nn {

Tensor detail::conv2d_weight(Size in_channels, Size out_channels, const Pair& kernel_size,
                             Size groups) {
  check(in_channels > 0 && out_channels > 0, "Conv2d",
        "expected in_channels and out_channels above 0, got {} and {}", in_channels, out_channels);
  check(kernel_size.h > 0 && kernel_size.w > 0, "Conv2d",
        "expected a kernel_size above 0, got [{}, {}]", kernel_size.h, kernel_size.w);
  check(groups > 0 && in_channels % groups == 0 && out_channels % groups == 0, "Conv2d",
        "expected groups that divide in_channels {} and out_channels {}, got {}", in_channels,
        out_channels, groups);
  const Size in = in_channels / groups;
  return default_values({out_channels, in, kernel_size.h, kernel_size.w},
                        in * kernel_size.h * kernel_size.w);
}

Tensor detail::conv2d_bias(Size in_channels, Size out_channels, const Pair& kernel_size,
                           Size groups) {
  return default_values({out_channels}, in_channels / groups * kernel_size.h * kernel_size.w);
}

}  // namespace reel::nn
