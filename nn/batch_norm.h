#pragma once

#include <optional>

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"

namespace reel::nn {

struct BatchNorm1d;
struct BatchNorm2d;
template <>
REEL_API void detail::complete(BatchNorm1d& layer);
template <>
REEL_API void detail::complete(BatchNorm2d& layer);

namespace detail {

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
  /// Whether there are `weight` and, unless it is false, `bias`.
  bool affine = true;
  /// Without them the batch is used in evaluation too.
  bool track_running_stats = true;
  Bias bias = true;                 ///< `[C]`, starts as zeros
  Parameter weight = {};            ///< `[C]`, starts as ones
  Buffer running_mean = {};         ///< `[C]`, starts as zeros
  Buffer running_var = {};          ///< `[C]`, starts as ones
  Buffer num_batches_tracked = {};  ///< int64 `[]`
  bool training = true;
  detail::Completed<BatchNorm1d> completed = {};

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return detail::run_batch_norm(x, state(false)); });
  }

  /// The ReLU of it, in one step: what `nn::Sequential` makes of it before a `ReLU`.
  Tensor then_relu(const Tensor& x) const {
    const detail::Running running(this);
    return detail::run_batch_norm(x, state(true));
  }

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
  /// Whether there are `weight` and, unless it is false, `bias`.
  bool affine = true;
  /// Without them the batch is used in evaluation too.
  bool track_running_stats = true;
  Bias bias = true;                 ///< `[C]`, starts as zeros
  Parameter weight = {};            ///< `[C]`, starts as ones
  Buffer running_mean = {};         ///< `[C]`, starts as zeros
  Buffer running_var = {};          ///< `[C]`, starts as ones
  Buffer num_batches_tracked = {};  ///< int64 `[]`
  bool training = true;
  detail::Completed<BatchNorm2d> completed = {};

  Tensor operator()(const Tensor& x) const {
    return detail::call(this, [&] { return detail::run_batch_norm(x, state(false)); });
  }

  /// The ReLU of it, in one step: what `nn::Sequential` makes of it before a `ReLU`.
  Tensor then_relu(const Tensor& x) const {
    const detail::Running running(this);
    return detail::run_batch_norm(x, state(true));
  }

 private:
  detail::BatchNormState state(bool relu) const {
    return {"BatchNorm2d", num_features,        eps,      momentum, weight, bias, running_mean,
            running_var,   num_batches_tracked, training, relu};
  }
};

}  // namespace reel::nn
