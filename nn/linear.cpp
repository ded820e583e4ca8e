#include "reel/nn/linear.h"

#include "reel/autograd/fail.h"
#include "reel/nn/init.h"

namespace reel::nn {

Tensor detail::linear_weight(Size in_features, Size out_features) {
  check(in_features >= 0 && out_features >= 0, "Linear",
        "expected in_features and out_features of 0 or more, got {} and {}", in_features,
        out_features);
  return default_values({out_features, in_features}, in_features);
}

Tensor detail::linear_bias(Size in_features, Size out_features) {
  return default_values({out_features}, in_features);
}

}  // namespace reel::nn
