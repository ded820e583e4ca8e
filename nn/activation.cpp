#include "reel/nn/activation.h"

#include "reel/nn/detail/fill.h"
#include "reel/ops/create/create.h"

namespace reel::nn {

template <>
void detail::complete(PReLU& layer) {
  check(layer.num_parameters >= 1, "PReLU", "expected num_parameters of 1 or more, got {}",
        layer.num_parameters);
  fill("PReLU", "weight", layer.weight, {layer.num_parameters},
       [&](const Shape& shape) { return full(shape, layer.init, {.dtype = float32}); });
}

Tensor Softmax2d::operator()(const Tensor& x) const {
  return detail::call(
      this,
      [&] {
        check(x.dim() == 3 || x.dim() == 4, "Softmax2d",
              "expected [N, C, H, W] or [C, H, W], got {}", x.shape());
        return softmax(x, -3);
      },
      x);
}

}  // namespace reel::nn
