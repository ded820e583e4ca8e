#pragma once

#include "reel/autograd/ops/norm.h"
#include "reel/nn/detail/observe.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"

namespace reel::nn {

namespace detail {
/// `value` in this shape, or no tensor unless `wanted`.
REEL_API Tensor layer_norm_values(const Shape& shape, bool wanted, double value);
/// `value` for each channel, or no tensor unless `wanted`.
REEL_API Tensor group_norm_values(Size num_groups, Size num_channels, bool wanted, double value);
}  // namespace detail

/// Normalises the last dimensions of `[.., normalized_shape]` by their own mean and variance, then
/// scales and shifts. Ba et al., "Layer normalization", 2016; follows `torch.nn.LayerNorm`.
///
/// Throws `[LayerNorm] expected ...` for sizes below 1, and `[layer_norm] expected ...` for inputs
/// that do not end in `normalized_shape`.
///
/// **Example**
/// ```cpp
/// nn::LayerNorm rows{128};            // of the last dimension
/// nn::LayerNorm images{{3, 32, 32}};  // of the last three
/// ```
struct LayerNorm {
  /// The sizes of the dimensions to normalise: one number or a list.
  Required<Shape> normalized_shape;
  /// Added to the variance.
  double eps = 1e-5;
  /// Whether there are `weight` and `bias`.
  bool elementwise_affine = true;
  /// Whether there is a `bias` then.
  bool use_bias = true;
  /// `normalized_shape`, starts as ones.
  Parameter weight = detail::layer_norm_values(normalized_shape, elementwise_affine, 1);
  /// `normalized_shape`, starts as zeros.
  Parameter bias = detail::layer_norm_values(normalized_shape, elementwise_affine&& use_bias, 0);

  Tensor operator()(const Tensor& x) const {
    return detail::observe(this, layer_norm(x, normalized_shape, weight, bias, eps));
  }
};

/// Normalises groups of `num_channels / num_groups` neighbouring channels of `[N, C, ..]`, at all
/// positions, by their own mean and variance, then scales and shifts each channel. Wu and He,
/// "Group normalization", 2018; follows `torch.nn.GroupNorm`.
///
/// Throws `[GroupNorm] expected ...` unless the groups divide the channels.
struct GroupNorm {
  Required<Size> num_groups;
  Required<Size> num_channels;
  /// Added to the variance.
  double eps = 1e-5;
  /// Whether there are `weight` and `bias`.
  bool affine = true;
  /// `[C]`, starts as ones.
  Parameter weight = detail::group_norm_values(num_groups, num_channels, affine, 1);
  /// `[C]`, starts as zeros.
  Parameter bias = detail::group_norm_values(num_groups, num_channels, affine, 0);

  Tensor operator()(const Tensor& x) const {
    return detail::observe(this, group_norm(x, num_groups, weight, bias, eps));
  }
};

}  // namespace reel::nn
