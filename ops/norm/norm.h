#pragma once

#include "reel/autograd/tensor.h"

namespace reel {

/// What `batch_norm` can be told.
struct BatchNormOptions {
  bool training = false;  ///< normalise by the batch's own moments and move the running ones
  double momentum = 0.1;  ///< how much a batch counts in the running moments
  double eps = 1e-5;      ///< added to the variance before the root
};

/// `(x - mean) / sqrt(var + eps) * weight + bias` for each channel: `x` `[N, C]`, `[N, C, L]`,
/// `[N, C, H, W]` or `[N, C, D, H, W]` of float32 or float64; everything else `[C]` or undefined.
/// Results keep the channels of images last in memory.
///
/// In training, mean and biased variance are the batch's, and the running moments, where defined,
/// are changed in place: `running = (1 - momentum) running + momentum batch`, with the unbiased
/// variance. (For a cumulative average give `momentum = 1 / batches seen`.) Otherwise the running
/// moments are used.
///
/// Throws for other ranks and dtypes, when sizes do not fit, in training for a single value per
/// channel, and otherwise when a running moment is missing. Ioffe and Szegedy 2015; follows
/// `torch.nn.functional.batch_norm`.
REEL_API Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                           const Tensor& weight = {}, const Tensor& bias = {},
                           const BatchNormOptions& options = {});

/// `(x - mean) / sqrt(var + eps) * weight + bias` with mean and biased variance over the last
/// dimensions, whose sizes are `normalized_shape`; `weight` and `bias` of that shape or undefined.
///
/// Throws when `x` does not end in `normalized_shape`, and when dtypes or sizes do not fit.
/// Ba et al. 2016; follows `torch.nn.functional.layer_norm`.
REEL_API Tensor layer_norm(const Tensor& x, const Shape& normalized_shape,
                           const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);

/// Normalises `x` `[N, C, ...]` over groups of `C / num_groups` neighbouring channels and all
/// positions; `weight` and `bias` `[C]` or undefined.
///
/// Throws when the groups do not divide the channels. Wu and He 2018; follows
/// `torch.nn.functional.group_norm`.
REEL_API Tensor group_norm(const Tensor& x, Size num_groups, const Tensor& weight = {},
                           const Tensor& bias = {}, double eps = 1e-5);

/// What `instance_norm` can be told.
struct InstanceNormOptions {
  bool use_input_stats =
      true;               ///< normalise by the moments of each image, else by the running ones
  double momentum = 0.1;  ///< how much a batch counts in the running moments
  double eps = 1e-5;      ///< added to the variance before the root
};

/// `(x - mean) / sqrt(var + eps) * weight + bias` for each channel of each image: `x` `[N, C, L]`,
/// `[N, C, H, W]` or `[N, C, D, H, W]` of float32 or float64; everything else `[C]` or undefined.
///
/// Mean and biased variance are the image's own, and the running moments, where defined, are changed
/// in place by the averages over the batch, as those of `batch_norm`; or they are the running
/// moments.
///
/// Throws for other ranks and dtypes, when sizes do not fit, for a single value per channel and
/// image, and without `use_input_stats` when a running moment is missing. Ulyanov et al. 2016;
/// follows `torch.nn.functional.instance_norm`.
REEL_API Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {},
                              const Tensor& running_var = {}, const Tensor& weight = {},
                              const Tensor& bias = {}, const InstanceNormOptions& options = {});

}  // namespace reel
