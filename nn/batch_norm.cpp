#include "reel/nn/batch_norm.h"

#include "reel/autograd/tape.h"
#include "reel/nn/detail/fill.h"
#include "reel/ops/create/create.h"
#include "reel/ops/norm/norm.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"

namespace reel::nn {

namespace {

constexpr const char* batch_names[] = {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d"};
constexpr const char* instance_names[] = {"InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"};
constexpr const char* pixels[] = {"L", "H, W", "D, H, W"};

template <class Norm>
void complete_norm(const char* name, Norm& layer) {
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
  complete_norm(batch_names[0], layer);
}

template <>
void detail::complete(BatchNorm2d& layer) {
  complete_norm(batch_names[1], layer);
}

template <>
void detail::complete(BatchNorm3d& layer) {
  complete_norm(batch_names[2], layer);
}

template <>
void detail::complete(InstanceNorm1d& layer) {
  complete_norm(instance_names[0], layer);
}

template <>
void detail::complete(InstanceNorm2d& layer) {
  complete_norm(instance_names[1], layer);
}

template <>
void detail::complete(InstanceNorm3d& layer) {
  complete_norm(instance_names[2], layer);
}

template <int axes>
Tensor detail::run_batch_norm(const BatchNormNd<axes>& layer, const Tensor& x) {
  const Size features = layer.num_features;
  const bool rank_fits = x.dim() == axes + 2 || (axes == 1 && x.dim() == 2);
  check(rank_fits && x.size(1) == features, batch_names[axes - 1],
        "expected input of shape {}[N, {}, {}], got {}",
        axes == 1 ? fmt::format("[N, {}] or ", features) : "", features, pixels[axes - 1],
        x.shape());

  double momentum = layer.momentum.value_or(0);
  if (layer.training && layer.num_batches_tracked.defined()) {
    const NoGradGuard no_grad;
    layer.num_batches_tracked.add_(1);
    if (!layer.momentum) momentum = 1 / layer.num_batches_tracked.item();
  }
  return batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias,
                    {.training = layer.training || !layer.running_mean.defined(),
                     .momentum = momentum,
                     .eps = layer.eps});
}

template <int axes>
Tensor detail::run_instance_norm(const InstanceNormNd<axes>& layer, const Tensor& x) {
  const Size features = layer.num_features;
  const bool batched = x.dim() == axes + 2;
  check((batched || x.dim() == axes + 1) && x.size(-axes - 1) == features, instance_names[axes - 1],
        "expected input of shape [N, {0}, {1}] or [{0}, {1}], got {2}", features, pixels[axes - 1],
        x.shape());
  const Tensor y =
      instance_norm(batched ? x : unsqueeze(x, 0), layer.running_mean, layer.running_var,
                    layer.weight, layer.bias,
                    {.use_input_stats = layer.training || !layer.running_mean.defined(),
                     .momentum = layer.momentum.value_or(0),
                     .eps = layer.eps});
  return batched ? y : squeeze(y, 0);
}

template REEL_API Tensor detail::run_batch_norm(const BatchNorm1d&, const Tensor&);
template REEL_API Tensor detail::run_instance_norm(const InstanceNorm1d&, const Tensor&);
template REEL_API Tensor detail::run_batch_norm(const BatchNorm2d&, const Tensor&);
template REEL_API Tensor detail::run_instance_norm(const InstanceNorm2d&, const Tensor&);
template REEL_API Tensor detail::run_batch_norm(const BatchNorm3d&, const Tensor&);
template REEL_API Tensor detail::run_instance_norm(const InstanceNorm3d&, const Tensor&);

}  // namespace reel::nn
