#include "reel/nn/linear.h"

#include "reel/nn/detail/fill.h"
#include "reel/nn/init.h"

namespace reel::nn {

template <>
void detail::complete(Linear& layer) {
  const Size in = layer.in_features, out = layer.out_features;
  check(in >= 0 && out >= 0, "Linear",
        "expected in_features and out_features of 0 or more, got {} and {}", in, out);
  const auto uniform = [&](const Shape& shape) { return default_values(shape, in); };
  fill("Linear", "weight", layer.weight, {out, in}, uniform);
  fill("Linear", "bias", layer.bias, {out}, uniform);
}

}  // namespace reel::nn
