#pragma once

#include <string_view>

#include "reel/autograd/tensor.h"

// Elementwise ops. Inputs of different shapes broadcast together as in NumPy; dtypes are promoted
// as in PyTorch, a C++ number counting by its kind only; the result keeps the memory order of the
// first input that has its shape without gaps. Two inputs that do not broadcast are an error:
// `[add] expected shapes that broadcast together, got [2, 3] and [4]`.

namespace reel {

// ---- arithmetic

/// `a + b`; of bools, their "or".
REEL_API Tensor add(const Tensor& a, const Tensor& b);
/// `a - b`. Throws for two bool tensors.
REEL_API Tensor sub(const Tensor& a, const Tensor& b);
/// `a * b`; of bools, their "and".
REEL_API Tensor mul(const Tensor& a, const Tensor& b);
/// `a / b`; integers are divided as float32.
REEL_API Tensor div(const Tensor& a, const Tensor& b);
/// `x` to the power of `exponent`; of integers exact and of their dtype, wrapping around as
/// products do. Throws for integers to a power below 0, and for two bool tensors. Follows
/// `torch.pow`, which lets a tensor of powers below 0 pass.
REEL_API Tensor pow(const Tensor& x, const Tensor& exponent);
/// The larger of the two, NaN where either is; where they are equal each gets half of the gradient,
/// where one is NaN both get all of it.
REEL_API Tensor maximum(const Tensor& a, const Tensor& b);
/// The smaller of the two, as `maximum`.
REEL_API Tensor minimum(const Tensor& a, const Tensor& b);
/// `a` where `condition` (bool) holds, else `b`. Throws unless `condition` is bool.
REEL_API Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }

// ---- functions of one tensor; integers become float32 except where told

/// `-x`, of the same dtype. Throws for bool.
REEL_API Tensor neg(const Tensor& x);
/// `|x|`, of the same dtype; the gradient at 0 is 0. Throws for bool.
REEL_API Tensor abs(const Tensor& x);
/// -1, 0 or 1, of the same dtype; the gradient is 0. Throws for bool.
REEL_API Tensor sign(const Tensor& x);
/// `x * x`, of the same dtype. Throws for bool.
REEL_API Tensor square(const Tensor& x);
/// `min(max(x, min), max)` with numbers or tensors as bounds, of which one may be left out:
/// `clamp(x, 0, 1)`, `clamp(x, {}, 1)`. NaN stays NaN, and where a bound is NaN so is the result.
/// The gradient passes where `min < x < max`; on a bound that is a tensor each gets half of it.
/// Integers stay integers unless a bound is floating; bounds beyond their dtype are its last
/// values; bools become the dtype of the bounds, and with bounds of bool are an error. Throws when
/// no bound is given. Follows `torch.clamp`.
REEL_API Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max = {});
/// The next whole number below; integers stay as they are; the gradient is 0.
REEL_API Tensor floor(const Tensor& x);
/// The next whole number above; integers stay as they are; the gradient is 0.
REEL_API Tensor ceil(const Tensor& x);
/// The nearest whole number, halves to the even one; integers stay as they are; the gradient is 0.
REEL_API Tensor round(const Tensor& x);

REEL_API Tensor exp(const Tensor& x);
/// The natural logarithm: NaN below 0, -infinity at 0.
REEL_API Tensor log(const Tensor& x);
/// `log(1 + x)`, exact for small `x`.
REEL_API Tensor log1p(const Tensor& x);
/// `exp(x) - 1`, exact for small `x`.
REEL_API Tensor expm1(const Tensor& x);
REEL_API Tensor sqrt(const Tensor& x);
/// `1 / sqrt(x)`.
REEL_API Tensor rsqrt(const Tensor& x);
/// `1 / x`.
REEL_API Tensor reciprocal(const Tensor& x);
REEL_API Tensor sin(const Tensor& x);
REEL_API Tensor cos(const Tensor& x);
REEL_API Tensor tanh(const Tensor& x);
/// `1 / (1 + exp(-x))`.
REEL_API Tensor sigmoid(const Tensor& x);
/// The Gauss error function.
REEL_API Tensor erf(const Tensor& x);

inline Tensor operator-(const Tensor& x) { return neg(x); }

// ---- activations

/// `max(x, 0)`, of the same dtype; the gradient at 0 is 0. Throws for bool.
REEL_API Tensor relu(const Tensor& x);
/// `x` above 0, `negative_slope * x` below. Follows `torch.nn.functional.leaky_relu`.
REEL_API Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);

/// What `gelu` can be told.
struct GeluOptions {
  std::string_view approximate = "none";  ///< "none", or "tanh" for the cheaper approximation
};
/// `x` times the normal distribution's cumulative probability of `x` (Hendrycks and Gimpel 2016).
/// Throws for an unknown approximation. Follows `torch.nn.functional.gelu`.
REEL_API Tensor gelu(const Tensor& x, const GeluOptions& options = {});
/// `x * sigmoid(x)`, also called swish.
REEL_API Tensor silu(const Tensor& x);
/// `log(1 + exp(beta * x)) / beta`, and `x` itself where `beta * x > threshold`.
/// Follows `torch.nn.functional.softplus`.
REEL_API Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);
/// `x` above 0, `alpha * (exp(x) - 1)` below. Follows `torch.nn.functional.elu`.
REEL_API Tensor elu(const Tensor& x, double alpha = 1);

// ---- comparisons: bool results, across dtypes

REEL_API Tensor eq(const Tensor& a, const Tensor& b);
REEL_API Tensor ne(const Tensor& a, const Tensor& b);
REEL_API Tensor lt(const Tensor& a, const Tensor& b);
REEL_API Tensor le(const Tensor& a, const Tensor& b);
REEL_API Tensor gt(const Tensor& a, const Tensor& b);
REEL_API Tensor ge(const Tensor& a, const Tensor& b);

inline Tensor operator==(const Tensor& a, const Tensor& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }

REEL_API Tensor isnan(const Tensor& x);
REEL_API Tensor isinf(const Tensor& x);
REEL_API Tensor isfinite(const Tensor& x);

// ---- logic: what is not 0 counts as true; bool results

REEL_API Tensor logical_and(const Tensor& a, const Tensor& b);
REEL_API Tensor logical_or(const Tensor& a, const Tensor& b);
REEL_API Tensor logical_xor(const Tensor& a, const Tensor& b);
REEL_API Tensor logical_not(const Tensor& x);

/// `logical_and`: unlike C++'s own `&&`, both sides are always evaluated.
inline Tensor operator&&(const Tensor& a, const Tensor& b) { return logical_and(a, b); }
/// `logical_or`: unlike C++'s own `||`, both sides are always evaluated.
inline Tensor operator||(const Tensor& a, const Tensor& b) { return logical_or(a, b); }
inline Tensor operator!(const Tensor& x) { return logical_not(x); }

// ---- in place
//
// Each changes and returns its first tensor, and so every view of the same memory. Allowed only
// where the tape does not look: under a `NoGradGuard`, or when neither side requires gradients. The
// other side broadcasts to the target's shape and is converted to its dtype, but not to a lower
// kind: `[add_] expected a result that fits dtype int64, got float32`.

REEL_API const Tensor& add_(const Tensor& x, const Tensor& other);
REEL_API const Tensor& sub_(const Tensor& x, const Tensor& other);
REEL_API const Tensor& mul_(const Tensor& x, const Tensor& other);
REEL_API const Tensor& div_(const Tensor& x, const Tensor& other);
REEL_API const Tensor& clamp_(const Tensor& x, const Tensor& min, const Tensor& max = {});
/// Sets every element to a number or a 0-d tensor, converted to the dtype of `x`.
REEL_API const Tensor& fill_(const Tensor& x, const Tensor& value);
REEL_API const Tensor& zero_(const Tensor& x);
/// Copies the elements of `source`, broadcast and converted to any dtype.
REEL_API const Tensor& copy_(const Tensor& x, const Tensor& source);

}  // namespace reel
