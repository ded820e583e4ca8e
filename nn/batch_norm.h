#pragma once

#include <optional>

#include "reel/autograd/ops/create.h"
#include "reel/nn/detail/observe.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"

namespace reel::nn {

namespace detail {

/// `value` for each feature, or no tensor unless `wanted`.
REEL_API Tensor batch_norm_values(const char* layer, Size num_features, bool wanted, double value);

/// What both layers do; changes the running moments and the number of batches in training.
struct BatchNormState {
  const char* layer;
  Size num_features;
  double eps;
  std::optional<double> momentum;
  const Tensor& weight;
  const Tensor& bias;
  const Tensor& running_mean;
  const Tensor& running_var;
  const Tensor& num_batches_tracked;
  bool training;
  bool relu = false;  // of the result, in the same pass
};
REEL_API Tensor run_batch_norm(const Tensor& x, const BatchNormState& state);

}  // namespace detail

/// Normalises each feature of `[N, C]` or `[N, C, L]` by the mean and variance of the batch, in
/// evaluation by their running averages; then scales and shifts. Ioffe and Szegedy, "Batch
/// normalization", 2015; follows `torch.nn.BatchNorm1d`.
///
/// Throws `[BatchNorm1d] expected ...` for negative sizes, inputs of another shape, and in training
/// for a single number a feature.
struct BatchNorm1d {
  Required<Size> num_features;
  /// Added to the variance.
  double eps = 1e-5;
  /// How much the newest batch counts in the running averages; none makes them plain averages.
  std::optional<double> momentum = 0.1;
  /// Whether there are `weight` and `bias`.
  bool affine = true;
  /// Without them the batch is used in evaluation too.
  bool track_running_stats = true;
  /// `[C]`, starts as ones.
  Parameter weight = detail::batch_norm_values("BatchNorm1d", num_features, affine, 1);
  /// `[C]`, starts as zeros.
  Parameter bias = detail::batch_norm_values("BatchNorm1d", num_features, affine, 0);
  /// `[C]`, starts as zeros.
  Buffer running_mean =
      detail::batch_norm_values("BatchNorm1d", num_features, track_running_stats, 0);
  /// `[C]`, starts as ones.
  Buffer running_var =
      detail::batch_norm_values("BatchNorm1d", num_features, track_running_stats, 1);
  /// int64 `[]`.
  Buffer num_batches_tracked = track_running_stats ? zeros({}, {.dtype = int64}) : Tensor();
  bool training = true;

  Tensor operator()(const Tensor& x) const {
    return detail::observe(this, detail::run_batch_norm(x, state(false)));
  }

  /// The ReLU of it, in one step: what `nn::Sequential` makes of it before a `ReLU`.
  Tensor then_relu(const Tensor& x) const { return detail::run_batch_norm(x, state(true)); }

 private:
  detail::BatchNormState state(bool relu) const {
    return {"BatchNorm1d", num_features,        eps,      momentum, weight, bias, running_mean,
            running_var,   num_batches_tracked, training, relu};
  }
};

/// `BatchNorm1d` for images `[N, C, H, W]`. Follows `torch.nn.BatchNorm2d`.
struct BatchNorm2d {
  Required<Size> num_features;
  /// Added to the variance.
  double eps = 1e-5;
  /// How much the newest batch counts in the running averages; none makes them plain averages.
  std::optional<double> momentum = 0.1;
  /// Whether there are `weight` and `bias`.
  bool affine = true;
  /// Without them the batch is used in evaluation too.
  bool track_running_stats = true;
  /// `[C]`, starts as ones.
  Parameter weight = detail::batch_norm_values("BatchNorm2d", num_features, affine, 1);
  /// `[C]`, starts as zeros.
  Parameter bias = detail::batch_norm_values("BatchNorm2d", num_features, affine, 0);
  /// `[C]`, starts as zeros.
  Buffer running_mean =
      detail::batch_norm_values("BatchNorm2d", num_features, track_running_stats, 0);
  /// `[C]`, starts as ones.
  Buffer running_var =
      detail::batch_norm_values("BatchNorm2d", num_features, track_running_stats, 1);
  /// int64 `[]`.
  Buffer num_batches_tracked = track_running_stats ? zeros({}, {.dtype = int64}) : Tensor();
  bool training = true;

  Tensor operator()(const Tensor& x) const {
    return detail::observe(this, detail::run_batch_norm(x, state(false)));
  }

  /// The ReLU of it, in one step: what `nn::Sequential` makes of it before a `ReLU`.
  Tensor then_relu(const Tensor& x) const { return detail::run_batch_norm(x, state(true)); }

 private:
  detail::BatchNormState state(bool relu) const {
    return {"BatchNorm2d", num_features,        eps,      momentum, weight, bias, running_mean,
            running_var,   num_batches_tracked, training, relu};
  }
};

}  // namespace reel::nn
