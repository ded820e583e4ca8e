#pragma once

#include <optional>

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"

namespace reel::nn {

template <int axes>
struct BatchNormNd;
using BatchNorm1d = BatchNormNd<1>;  ///< over `[N, C]` or `[N, C, L]`
using BatchNorm2d = BatchNormNd<2>;  ///< over `[N, C, H, W]`
using BatchNorm3d = BatchNormNd<3>;  ///< over `[N, C, D, H, W]`
template <>
REEL_API void detail::complete(BatchNorm1d& layer);
template <>
REEL_API void detail::complete(BatchNorm2d& layer);
template <>
REEL_API void detail::complete(BatchNorm3d& layer);

template <int axes>
struct InstanceNormNd;
using InstanceNorm1d = InstanceNormNd<1>;  ///< over `[N, C, L]`
using InstanceNorm2d = InstanceNormNd<2>;  ///< over `[N, C, H, W]`
using InstanceNorm3d = InstanceNormNd<3>;  ///< over `[N, C, D, H, W]`
template <>
REEL_API void detail::complete(InstanceNorm1d& layer);
template <>
REEL_API void detail::complete(InstanceNorm2d& layer);
template <>
REEL_API void detail::complete(InstanceNorm3d& layer);

namespace detail {

/// What the layers do; changes the running moments and the number of batches in training.
template <int axes>
REEL_API Tensor run_batch_norm(const BatchNormNd<axes>& layer, const Tensor& x);
template <int axes>
REEL_API Tensor run_instance_norm(const InstanceNormNd<axes>& layer, const Tensor& x);

}  // namespace detail

/// Normalises each feature of `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]`, for one axis also
/// `[N, C]`, by the mean and variance of the batch, in evaluation by their running averages; then
/// scales and shifts. Ioffe and Szegedy, "Batch normalization", 2015; follows
/// `torch.nn.BatchNorm1d` to `BatchNorm3d`.
///
/// Throws `[BatchNorm1d] expected ...` for negative sizes, inputs of another shape, and in training
/// for a single number a feature.
template <int axes>
struct BatchNormNd {
  Required<Size> num_features;  ///< `C`
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
  bool training = true;             ///< which mode it is in: set by `nn::train` and `nn::eval`
  Hooks hooks = {};                 ///< see `nn::Hooks`
  detail::Completed<BatchNormNd> completed = {};

  /// Of the same shape. In training it moves the running averages too.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return detail::run_batch_norm(*this, x); }, x);
  }
};

/// Normalises each feature of each image of `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]`, or of
/// one without `N`, by the mean and variance of that image; then scales and shifts if `affine`.
/// With `track_running_stats` evaluation uses running averages instead. Ulyanov et al., "Instance
/// normalization", 2016; follows `torch.nn.InstanceNorm1d` to `InstanceNorm3d`, which take inputs
/// with another number of features where they are not affine.
///
/// Throws `[InstanceNorm2d] expected ...` for negative sizes and inputs of another shape, and
/// `[instance_norm] expected ...` for a single number a feature, unless running averages are used.
template <int axes>
struct InstanceNormNd {
  Required<Size> num_features;  ///< `C`
  /// Added to the variance.
  double eps = 1e-5;
  /// How much the newest batch counts in the running averages; none leaves them as they are.
  std::optional<double> momentum = 0.1;
  /// Whether there are `weight` and, unless it is false, `bias`.
  bool affine = false;
  /// Whether there are running averages.
  bool track_running_stats = false;
  Bias bias = true;                 ///< `[C]`, starts as zeros
  Parameter weight = {};            ///< `[C]`, starts as ones
  Buffer running_mean = {};         ///< `[C]`, starts as zeros
  Buffer running_var = {};          ///< `[C]`, starts as ones
  Buffer num_batches_tracked = {};  ///< int64 `[]`
  bool training = true;             ///< which mode it is in: set by `nn::train` and `nn::eval`
  Hooks hooks = {};                 ///< see `nn::Hooks`
  detail::Completed<InstanceNormNd> completed = {};

  /// Of the same shape. In training it moves the running averages too, where there are any.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return detail::run_instance_norm(*this, x); }, x);
  }
};

}  // namespace reel::nn
