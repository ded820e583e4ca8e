#pragma once

// Internal: gradients that a fused kernel computes in one pass over memory. Each is an op itself:
// where its inputs are being recorded it gives the same by differentiable ops.

#include "reel/autograd/tensor.h"

namespace reel::detail {

/// `dy` where the clamped `x` lay within the bounds, else 0.
Tensor clamp_backward(const Tensor& dy, const Tensor& x, double min, double max);
/// `dy * sign(x)`.
Tensor abs_backward(const Tensor& dy, const Tensor& x);
/// `dy` where `a` is the larger of the two (`largest`) or the smaller, half of it where they are
/// equal.
Tensor extremum_backward(const Tensor& dy, const Tensor& a, const Tensor& b, bool largest);

/// With respect to `b` of `a / b`: `-dy (a / b) / b`.
Tensor div_backward(const Tensor& dy, const Tensor& a, const Tensor& b);

/// `dy 2 x`.
Tensor square_backward(const Tensor& dy, const Tensor& x);
/// `dy / (x + 1)`.
Tensor log1p_backward(const Tensor& dy, const Tensor& x);
/// From the output: `dy (y + 1)`.
Tensor expm1_backward(const Tensor& dy, const Tensor& y);
/// From the output: `-dy y^2`.
Tensor reciprocal_backward(const Tensor& dy, const Tensor& y);
/// From the output: `-dy y^3 / 2`.
Tensor rsqrt_backward(const Tensor& dy, const Tensor& y);
/// From the output: `dy / (2 y)`.
Tensor sqrt_backward(const Tensor& dy, const Tensor& y);
/// From the output: `dy (1 - y^2)`.
Tensor tanh_backward(const Tensor& dy, const Tensor& y);
/// From the output: `dy y (1 - y)`.
Tensor sigmoid_backward(const Tensor& dy, const Tensor& y);
/// From the output: `dy` where `y > 0`, else 0.
Tensor relu_backward(const Tensor& dy, const Tensor& y);

Tensor leaky_relu_backward(const Tensor& dy, const Tensor& x, double negative_slope);
Tensor gelu_backward(const Tensor& dy, const Tensor& x);
Tensor gelu_tanh_backward(const Tensor& dy, const Tensor& x);
Tensor silu_backward(const Tensor& dy, const Tensor& x);
Tensor softplus_backward(const Tensor& dy, const Tensor& x, double beta, double threshold);
Tensor elu_backward(const Tensor& dy, const Tensor& x, double alpha);

}  // namespace reel::detail
