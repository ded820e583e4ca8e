#pragma once

/// @file
/// Elementwise ops in place: each changes and returns its first tensor, and so every view of the same
/// memory. Values and gradients are those of the form without `_`, see ops/pointwise/pointwise.h. The
/// other tensors broadcast to the shape of `x` and are converted to its dtype, but not to a lower
/// kind: `[add_] expected a result that fits dtype int64, got float32`.
///
/// The tape follows: gradients flow through what was written, also to a view, to all that shows it.
/// Throws, while anything is recorded, for a leaf that requires gradients and for a view of one:
/// change those under a `NoGradGuard`. What an earlier op saved for its backward must not change:
/// backward then throws and names both ops. As in PyTorch.

#include "reel/autograd/tensor.h"

namespace reel {

/// Adds `other` to `x`; of bools, their "or".
REEL_API const Tensor& add_(const Tensor& x, const Tensor& other);
/// Subtracts `other` from `x`. Throws for two bool tensors.
REEL_API const Tensor& sub_(const Tensor& x, const Tensor& other);
/// Multiplies `x` by `other`; of bools, their "and".
REEL_API const Tensor& mul_(const Tensor& x, const Tensor& other);
/// Divides `x` by `other`. Throws unless `x` is floating, as quotients are.
REEL_API const Tensor& div_(const Tensor& x, const Tensor& other);
/// Raises `x` to a power; see `pow`.
REEL_API const Tensor& pow_(const Tensor& x, const Tensor& exponent);
/// See `fmod`.
REEL_API const Tensor& fmod_(const Tensor& x, const Tensor& other);
/// See `remainder`.
REEL_API const Tensor& remainder_(const Tensor& x, const Tensor& other);
/// See `floor_divide`.
REEL_API const Tensor& floor_divide_(const Tensor& x, const Tensor& other);
/// See `copysign`.
REEL_API const Tensor& copysign_(const Tensor& x, const Tensor& other);
/// See `atan2`.
REEL_API const Tensor& atan2_(const Tensor& x, const Tensor& other);
/// See `hypot`.
REEL_API const Tensor& hypot_(const Tensor& x, const Tensor& other);
/// See `xlogy`.
REEL_API const Tensor& xlogy_(const Tensor& x, const Tensor& other);
/// Moves `x` towards `end`; see `lerp`.
REEL_API const Tensor& lerp_(const Tensor& x, const Tensor& end, const Tensor& weight);
/// Holds `x` between bounds, which broadcast to its shape, as `clamp` does. Throws for floating
/// bounds of integers.
REEL_API const Tensor& clamp_(const Tensor& x, const Tensor& min, const Tensor& max = {});
/// Sets every element to a number or a 0-d tensor, converted to the dtype of `x`.
REEL_API const Tensor& fill_(const Tensor& x, const Tensor& value);
/// Sets every element to 0, bools to false.
REEL_API const Tensor& zero_(const Tensor& x);
/// Copies the elements of `source`, broadcast and converted to any dtype.
REEL_API const Tensor& copy_(const Tensor& x, const Tensor& source);
/// Sets the elements where `mask` holds; see `masked_fill`.
REEL_API const Tensor& masked_fill_(const Tensor& x, const Tensor& mask, const Tensor& value);

/// @name Functions of one tensor
/// @{

/// As the function without `_`. Throws for integers where that makes float32 of them.
REEL_API const Tensor& neg_(const Tensor& x);
REEL_API const Tensor& abs_(const Tensor& x);
REEL_API const Tensor& sign_(const Tensor& x);
REEL_API const Tensor& square_(const Tensor& x);
REEL_API const Tensor& floor_(const Tensor& x);
REEL_API const Tensor& ceil_(const Tensor& x);
REEL_API const Tensor& round_(const Tensor& x);
REEL_API const Tensor& trunc_(const Tensor& x);
REEL_API const Tensor& frac_(const Tensor& x);
REEL_API const Tensor& exp_(const Tensor& x);
REEL_API const Tensor& exp2_(const Tensor& x);
REEL_API const Tensor& log_(const Tensor& x);
REEL_API const Tensor& log2_(const Tensor& x);
REEL_API const Tensor& log10_(const Tensor& x);
REEL_API const Tensor& log1p_(const Tensor& x);
REEL_API const Tensor& expm1_(const Tensor& x);
REEL_API const Tensor& sqrt_(const Tensor& x);
REEL_API const Tensor& rsqrt_(const Tensor& x);
REEL_API const Tensor& reciprocal_(const Tensor& x);
REEL_API const Tensor& sin_(const Tensor& x);
REEL_API const Tensor& cos_(const Tensor& x);
REEL_API const Tensor& tan_(const Tensor& x);
REEL_API const Tensor& asin_(const Tensor& x);
REEL_API const Tensor& acos_(const Tensor& x);
REEL_API const Tensor& atan_(const Tensor& x);
REEL_API const Tensor& sinh_(const Tensor& x);
REEL_API const Tensor& cosh_(const Tensor& x);
REEL_API const Tensor& asinh_(const Tensor& x);
REEL_API const Tensor& acosh_(const Tensor& x);
REEL_API const Tensor& atanh_(const Tensor& x);
REEL_API const Tensor& sinc_(const Tensor& x);
REEL_API const Tensor& deg2rad_(const Tensor& x);
REEL_API const Tensor& rad2deg_(const Tensor& x);
REEL_API const Tensor& tanh_(const Tensor& x);
REEL_API const Tensor& sigmoid_(const Tensor& x);
REEL_API const Tensor& erf_(const Tensor& x);
REEL_API const Tensor& erfc_(const Tensor& x);
REEL_API const Tensor& erfinv_(const Tensor& x);
REEL_API const Tensor& lgamma_(const Tensor& x);
REEL_API const Tensor& digamma_(const Tensor& x);
REEL_API const Tensor& i0_(const Tensor& x);
REEL_API const Tensor& i1_(const Tensor& x);
REEL_API const Tensor& silu_(const Tensor& x);
REEL_API const Tensor& logsigmoid_(const Tensor& x);
REEL_API const Tensor& mish_(const Tensor& x);
REEL_API const Tensor& softsign_(const Tensor& x);
REEL_API const Tensor& tanhshrink_(const Tensor& x);
REEL_API const Tensor& hardsigmoid_(const Tensor& x);
REEL_API const Tensor& hardswish_(const Tensor& x);
REEL_API const Tensor& selu_(const Tensor& x);
/// @}

/// @name Activations
/// @{

/// As the function without `_`.
REEL_API const Tensor& relu_(const Tensor& x);
REEL_API const Tensor& leaky_relu_(const Tensor& x, double negative_slope = 0.01);
REEL_API const Tensor& elu_(const Tensor& x, double alpha = 1);
REEL_API const Tensor& celu_(const Tensor& x, double alpha = 1);
REEL_API const Tensor& hardtanh_(const Tensor& x, double min_val = -1, double max_val = 1);
REEL_API const Tensor& threshold_(const Tensor& x, double threshold, double value);
/// @}

}  // namespace reel
