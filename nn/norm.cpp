#include "reel/nn/norm.h"

#include <algorithm>

#include "reel/nn/detail/fill.h"
#include "reel/ops/create/create.h"

namespace reel::nn {
namespace {

auto constant(double value, bool wanted) {
  return [=](const Shape& shape) {
    return wanted ? full(shape, value, {.dtype = float32}) : Tensor();
  };
}

}  // namespace

template <>
void detail::complete(LayerNorm& layer) {
  const Shape& shape = layer.normalized_shape;
  const bool has_elements =
      !shape.empty() && std::all_of(shape.begin(), shape.end(), [](Size size) { return size > 0; });
  check(has_elements, "LayerNorm", "expected a normalized_shape of sizes 1 or more, got {}", shape);
  fill("LayerNorm", "weight", layer.weight, shape, constant(1, layer.elementwise_affine));
  fill("LayerNorm", "bias", layer.bias, shape, constant(0, layer.elementwise_affine));
}

template <>
void detail::complete(GroupNorm& layer) {
  const Size groups = layer.num_groups, channels = layer.num_channels;
  check(groups >= 1 && channels >= 1 && channels % groups == 0, "GroupNorm",
        "expected num_groups to divide num_channels, got {} and {}", groups, channels);
  fill("GroupNorm", "weight", layer.weight, {channels}, constant(1, layer.affine));
  fill("GroupNorm", "bias", layer.bias, {channels}, constant(0, layer.affine));
}

}  // namespace reel::nn
