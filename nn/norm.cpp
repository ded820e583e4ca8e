#include "reel/nn/norm.h"

#include <algorithm>

#include "reel/autograd/fail.h"
#include "reel/autograd/ops/create.h"

namespace reel::nn {

Tensor detail::layer_norm_values(const Shape& shape, bool wanted, double value) {
  const bool has_elements =
      !shape.empty() && std::all_of(shape.begin(), shape.end(), [](Size size) { return size > 0; });
  check(has_elements, "LayerNorm", "expected a normalized_shape of sizes 1 or more, got {}", shape);
  return wanted ? full(shape, value, {.dtype = float32}) : Tensor();
}

Tensor detail::group_norm_values(Size num_groups, Size num_channels, bool wanted, double value) {
  check(num_groups >= 1 && num_channels >= 1 && num_channels % num_groups == 0, "GroupNorm",
        "expected num_groups to divide num_channels, got {} and {}", num_groups, num_channels);
  return wanted ? full(num_channels, value, {.dtype = float32}) : Tensor();
}

}  // namespace reel::nn
