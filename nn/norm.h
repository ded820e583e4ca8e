#pragma once

#include "reel/nn/detail/call.h"
#include "reel/nn/detail/completed.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"
#include "reel/ops/norm/norm.h"

namespace reel::nn {

struct LayerNorm;
struct GroupNorm;
template <>
REEL_API void detail::complete(LayerNorm& layer);
template <>
REEL_API void detail::complete(GroupNorm& layer);

/// Normalises the last dimensions of `[.., normalized_shape]` by their own mean and variance, then
/// scales and shifts. Ba et al., "Layer normalization", 2016; follows `torch.nn.LayerNorm`.
///
/// Throws `[LayerNorm] expected ...` for sizes below 1 and given tensors of another shape, and
/// `[layer_norm] expected ...` for inputs that do not end in `normalized_shape`.
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
  /// Whether there are `weight` and, unless it is false, `bias`.
  bool elementwise_affine = true;
  Bias bias = true;       ///< `normalized_shape`, starts as zeros
  Parameter weight = {};  ///< `normalized_shape`, starts as ones
  Hooks hooks = {};       ///< see `nn::Hooks`
  detail::Completed<LayerNorm> completed = {};

  /// Of the same shape.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return layer_norm(x, normalized_shape, weight, bias, eps); }, x);
  }
};

/// Normalises groups of `num_channels / num_groups` neighbouring channels of `[N, C, ..]`, at all
/// positions, by their own mean and variance, then scales and shifts each channel. Wu and He,
/// "Group normalization", 2018; follows `torch.nn.GroupNorm`.
///
/// Throws `[GroupNorm] expected ...` unless the groups divide the channels, and for given tensors
/// of another shape.
struct GroupNorm {
  Required<Size> num_groups;    ///< a divisor of `num_channels`
  Required<Size> num_channels;  ///< `C`
  /// Added to the variance.
  double eps = 1e-5;
  /// Whether there are `weight` and, unless it is false, `bias`.
  bool affine = true;
  Bias bias = true;       ///< `[C]`, starts as zeros
  Parameter weight = {};  ///< `[C]`, starts as ones
  Hooks hooks = {};       ///< see `nn::Hooks`
  detail::Completed<GroupNorm> completed = {};

  /// Of the same shape. Throws as `group_norm` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this, [&] { return group_norm(x, num_groups, weight, bias, eps); }, x);
  }
};

}  // namespace reel::nn
