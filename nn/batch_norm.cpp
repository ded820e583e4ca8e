#include "reel/nn/batch_norm.h"

#include <string_view>

#include "reel/autograd/fail.h"
#include "reel/autograd/ops/norm.h"
#include "reel/autograd/ops/pointwise.h"
#include "reel/autograd/tape.h"

namespace reel::nn {

Tensor detail::batch_norm_values(const char* layer, Size num_features, bool wanted, double value) {
  check(num_features >= 0, layer, "expected num_features of 0 or more, got {}", num_features);
  return wanted ? full({num_features}, value, {.dtype = float32}) : Tensor();
}

Tensor detail::run_batch_norm(const Tensor& x, const BatchNormState& s) {
  const bool images = s.layer == std::string_view("BatchNorm2d");
  const bool rank_fits = images ? x.dim() == 4 : x.dim() == 2 || x.dim() == 3;
  check(rank_fits && x.size(1) == s.num_features, s.layer, "expected input of shape {}, got {}",
        images ? fmt::format("[N, {}, H, W]", s.num_features)
               : fmt::format("[N, {0}] or [N, {0}, L]", s.num_features),
        x.shape());

  double momentum = s.momentum.value_or(0);
  if (s.training && s.num_batches_tracked.defined()) {
    const NoGradGuard no_grad;
    s.num_batches_tracked.add_(1);
    if (!s.momentum) momentum = 1 / s.num_batches_tracked.item();
  }
  const auto run = s.relu ? reel::detail::batch_norm_relu : batch_norm;
  return run(
      x, s.running_mean, s.running_var, s.weight, s.bias,
      {.training = s.training || !s.running_mean.defined(), .momentum = momentum, .eps = s.eps});
}

}  // namespace reel::nn
