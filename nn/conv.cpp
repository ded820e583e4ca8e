#include "reel/nn/conv.h"

#include "reel/nn/detail/fill.h"
#include "reel/nn/init.h"

namespace reel::nn {

template <>
void detail::complete(Conv2d& layer) {
  const Size in = layer.in_channels, out = layer.out_channels, groups = layer.groups;
  const auto [height, width] = layer.kernel_size();
  check(in > 0 && out > 0, "Conv2d", "expected in_channels and out_channels above 0, got {} and {}",
        in, out);
  check(height > 0 && width > 0, "Conv2d", "expected a kernel_size above 0, got [{}, {}]", height,
        width);
  check(groups > 0 && in % groups == 0 && out % groups == 0, "Conv2d",
        "expected groups that divide in_channels {} and out_channels {}, got {}", in, out, groups);
  const Shape weight{out, in / groups, height, width};
  const Size fan_in = reel::detail::checked_numel("Conv2d", weight) / out;
  const auto uniform = [&](const Shape& shape) { return default_values(shape, fan_in); };
  fill("Conv2d", "weight", layer.weight, weight, uniform);
  fill("Conv2d", "bias", layer.bias, {out}, uniform);
}

}  // namespace reel::nn
