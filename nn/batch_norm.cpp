#include "reel/nn/batch_norm.h"

#include <string_view>

#include "reel/autograd/tape.h"
#include "reel/nn/detail/fill.h"
#include "reel/ops/create/create.h"
#include "reel/ops/norm/norm.h"
#include "reel/ops/pointwise/pointwise.h"

namespace reel::nn {

namespace {

template <class BatchNorm>
void complete_batch_norm(const char* name, BatchNorm& layer) {
  const Size features = layer.num_features;
  check(features >= 0, name, "expected num_features of 0 or more, got {}", features);
  const auto constant = [](double value, bool wanted) {
    return [=](const Shape& shape) {
      return wanted ? full(shape, value, {.dtype = float32}) : Tensor();
    };
  };
  const bool affine = layer.affine, tracks = layer.track_running_stats;
  detail::fill(name, "weight", layer.weight, {features}, constant(1, affine));
  detail::fill(name, "bias", layer.bias, {features}, constant(0, affine));
  detail::fill(name, "running_mean", layer.running_mean, {features}, constant(0, tracks));
  detail::fill(name, "running_var", layer.running_var, {features}, constant(1, tracks));
  detail::fill(name, "num_batches_tracked", layer.num_batches_tracked, {}, [&](const Shape& shape) {
    return tracks ? zeros(shape, {.dtype = int64}) : Tensor();
  });
}

}  // namespace

template <>
void detail::complete(BatchNorm1d& layer) {
  complete_batch_norm("BatchNorm1d", layer);
}

template <>
void detail::complete(BatchNorm2d& layer) {
  complete_batch_norm("BatchNorm2d", layer);
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
