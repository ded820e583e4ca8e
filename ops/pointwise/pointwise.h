#pragma once

/// @file
/// Elementwise ops. Inputs of different shapes broadcast together as in NumPy; dtypes are promoted
/// as in PyTorch, a C++ number counting by its kind only; the result keeps the memory order of the
/// first input that has its shape without gaps. Two inputs that do not broadcast are an error:
/// `[add] expected shapes that broadcast together, got [2, 3] and [4]`.
///
/// Functions of one tensor make float32 of integers except where told. Comparisons, tests and logic
/// give bools: numbers are compared in the dtype that both are promoted to, and whatever is not 0
/// counts as true, NaN too.
///
/// Forms that work in place, with names that end in `_`, are in ops/pointwise/in_place.h.

#include <optional>
#include <string_view>

#include "reel/autograd/tensor.h"

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

/// What `div` can be told.
struct DivOptions {
  std::string_view rounding_mode = "none";  ///< "none", "trunc" (towards 0) or "floor" (down)
};
/// `a / b`, rounded if so told, which keeps integers integers and has the gradient 0. Throws for an
/// unknown mode and, where it rounds, for integers divided by 0. Follows `torch.div`.
REEL_API Tensor div(const Tensor& a, const Tensor& b, const DivOptions& options);
/// `div` rounded down. Follows `torch.floor_divide`.
REEL_API Tensor floor_divide(const Tensor& a, const Tensor& b);
/// `a - b * trunc(a / b)`, which has the sign of `a`. Throws for integers divided by 0. Follows
/// `torch.fmod`.
REEL_API Tensor fmod(const Tensor& a, const Tensor& b);
/// `a - b * floor(a / b)`, which has the sign of `b`. Throws for integers divided by 0. Follows
/// `torch.remainder`.
REEL_API Tensor remainder(const Tensor& a, const Tensor& b);
/// `x` to the power of `exponent`; of integers exact and of their dtype, wrapping around as
/// products do. Throws for integers to a power below 0, and for two bool tensors. Follows
/// `torch.pow`, which lets a tensor of powers below 0 pass.
REEL_API Tensor pow(const Tensor& x, const Tensor& exponent);
/// The larger of the two, NaN where either is; where they are equal each gets half of the gradient,
/// where one is NaN both get all of it.
REEL_API Tensor maximum(const Tensor& a, const Tensor& b);
/// The smaller of the two, as `maximum`.
REEL_API Tensor minimum(const Tensor& a, const Tensor& b);
/// The larger of the two, the other one where one is NaN; where they are equal each gets half of the
/// gradient. Follows `torch.fmax`.
REEL_API Tensor fmax(const Tensor& a, const Tensor& b);
/// The smaller of the two, as `fmax`.
REEL_API Tensor fmin(const Tensor& a, const Tensor& b);
/// `|a|` with the sign of `b`; integers become float32; the gradient at `a = 0` is 0. Follows
/// `torch.copysign`.
REEL_API Tensor copysign(const Tensor& a, const Tensor& b);
/// The angle of the point (b, a), in [-pi, pi]; integers become float32. Follows `torch.atan2`.
REEL_API Tensor atan2(const Tensor& a, const Tensor& b);
/// `sqrt(a * a + b * b)` without overflow; integers become float32. Follows `torch.hypot`.
REEL_API Tensor hypot(const Tensor& a, const Tensor& b);
/// `log(exp(a) + exp(b))` without overflow; integers become float32. Follows `torch.logaddexp`.
REEL_API Tensor logaddexp(const Tensor& a, const Tensor& b);
/// `log2(exp2(a) + exp2(b))`, as `logaddexp`.
REEL_API Tensor logaddexp2(const Tensor& a, const Tensor& b);
/// `a * log(b)`, 0 where `a` is 0 and `b` is not NaN; integers become float32. Follows
/// `torch.xlogy`.
REEL_API Tensor xlogy(const Tensor& a, const Tensor& b);
/// `a * log1p(b)`, 0 where `a` is 0 and `b` is not NaN; integers become float32. Follows
/// `torch.special.xlog1py`.
REEL_API Tensor xlog1py(const Tensor& a, const Tensor& b);
/// 0 below 0 and for NaN, 1 above, `b` where `a` is 0, which alone has a gradient. Follows
/// `torch.heaviside`, which has none.
REEL_API Tensor heaviside(const Tensor& a, const Tensor& b);
/// `start + weight * (end - start)`, exact at a `weight` of 0 and of 1. Throws unless both ends
/// are floating. Follows `torch.lerp`.
REEL_API Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight);
/// `a` where `condition` (bool) holds, else `b`. Throws unless `condition` is bool.
REEL_API Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

/// As `add`.
inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
/// As `sub`.
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
/// As `mul`.
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
/// As `div`.
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }

// ---- functions of one tensor

/// `-x`, of the same dtype. Throws for bool.
REEL_API Tensor neg(const Tensor& x);
/// `|x|`, of the same dtype; the gradient at 0 is 0. Throws for bool.
REEL_API Tensor abs(const Tensor& x);
/// -1, 0 or 1, of the same dtype; the gradient is 0. Throws for bool.
REEL_API Tensor sign(const Tensor& x);
/// `sign` under the name that complex numbers give it in PyTorch.
inline Tensor sgn(const Tensor& x) { return sign(x); }
/// `x` itself. Throws for bool. Follows `torch.positive`.
REEL_API Tensor positive(const Tensor& x);
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
/// The next whole number towards 0; integers stay as they are; the gradient is 0.
REEL_API Tensor trunc(const Tensor& x);
/// What `trunc` takes off, with the sign of `x`; the gradient is 1. Follows `torch.frac`, which
/// knows no integers.
REEL_API Tensor frac(const Tensor& x);

/// What `nan_to_num` puts in the place of numbers that are not finite.
struct NanToNumOptions {
  double nan = 0;                     ///< for NaN
  std::optional<double> posinf = {};  ///< for infinity; else the largest number of the dtype
  std::optional<double> neginf = {};  ///< for -infinity; else the lowest number of the dtype
};
/// `x` with numbers in the place of NaN and infinities, whose gradient is 0; integers and bools stay
/// as they are. Follows `torch.nan_to_num`.
REEL_API Tensor nan_to_num(const Tensor& x, const NanToNumOptions& options = {});

/// `e` to the power of `x`.
REEL_API Tensor exp(const Tensor& x);
/// The natural logarithm: NaN below 0, -infinity at 0.
REEL_API Tensor log(const Tensor& x);
/// 2 to the power of `x`.
REEL_API Tensor exp2(const Tensor& x);
/// The logarithm to the base 2.
REEL_API Tensor log2(const Tensor& x);
/// The logarithm to the base 10.
REEL_API Tensor log10(const Tensor& x);
/// `log(1 + x)`, exact for small `x`.
REEL_API Tensor log1p(const Tensor& x);
/// `exp(x) - 1`, exact for small `x`.
REEL_API Tensor expm1(const Tensor& x);
/// The square root: NaN below 0; the gradient at 0 is infinite.
REEL_API Tensor sqrt(const Tensor& x);
/// `1 / sqrt(x)`.
REEL_API Tensor rsqrt(const Tensor& x);
/// `1 / x`.
REEL_API Tensor reciprocal(const Tensor& x);
/// The sine of radians.
REEL_API Tensor sin(const Tensor& x);
/// The cosine of radians.
REEL_API Tensor cos(const Tensor& x);
/// The tangent of an angle in radians.
REEL_API Tensor tan(const Tensor& x);
/// The angle in [-pi / 2, pi / 2] whose sine is `x`; NaN beyond -1 and 1.
REEL_API Tensor asin(const Tensor& x);
/// The angle in [0, pi] whose cosine is `x`; NaN beyond -1 and 1.
REEL_API Tensor acos(const Tensor& x);
/// The angle in [-pi / 2, pi / 2] whose tangent is `x`.
REEL_API Tensor atan(const Tensor& x);
/// The hyperbolic sine, `(exp(x) - exp(-x)) / 2`.
REEL_API Tensor sinh(const Tensor& x);
/// The hyperbolic cosine, `(exp(x) + exp(-x)) / 2`.
REEL_API Tensor cosh(const Tensor& x);
/// The hyperbolic tangent, between -1 and 1.
REEL_API Tensor tanh(const Tensor& x);
/// The inverse of `sinh`.
REEL_API Tensor asinh(const Tensor& x);
/// The inverse of `cosh`, of 0 or more; NaN below 1.
REEL_API Tensor acosh(const Tensor& x);
/// The inverse of `tanh`: infinite at -1 and 1, NaN beyond.
REEL_API Tensor atanh(const Tensor& x);
/// `sin(pi * x) / (pi * x)`, 1 at 0. Follows `torch.sinc`, whose second derivative at 0 is 0 where
/// this one's is right.
REEL_API Tensor sinc(const Tensor& x);
/// Degrees as radians.
REEL_API Tensor deg2rad(const Tensor& x);
/// Radians as degrees.
REEL_API Tensor rad2deg(const Tensor& x);
/// `1 / (1 + exp(-x))`.
REEL_API Tensor sigmoid(const Tensor& x);
/// The inverse of `sigmoid`, `log(x / (1 - x))`, NaN outside [0, 1]; with `eps`, of `x` brought into
/// [eps, 1 - eps], outside of which the gradient is 0. Throws for an `eps` outside [0, 0.5].
/// Follows `torch.logit`.
REEL_API Tensor logit(const Tensor& x, std::optional<double> eps = {});
/// The Gauss error function.
REEL_API Tensor erf(const Tensor& x);
/// `1 - erf(x)`, exact also where that is next to nothing.
REEL_API Tensor erfc(const Tensor& x);
/// The inverse of `erf`: infinite at -1 and 1, NaN beyond.
REEL_API Tensor erfinv(const Tensor& x);
/// The logarithm of the absolute value of the gamma function, infinite at 0 and below at whole
/// numbers.
REEL_API Tensor lgamma(const Tensor& x);
/// The derivative of `lgamma`: at 0 infinite, below NaN at whole numbers.
REEL_API Tensor digamma(const Tensor& x);
/// The n-th derivative of `digamma`. Throws for an `n` below 0. Follows `torch.polygamma`.
REEL_API Tensor polygamma(Size n, const Tensor& x);
/// The modified Bessel function of the first kind of order 0. Follows `torch.i0`.
REEL_API Tensor i0(const Tensor& x);
/// The same of order 1. Follows `torch.special.i1`.
REEL_API Tensor i1(const Tensor& x);

/// As `neg`.
inline Tensor operator-(const Tensor& x) { return neg(x); }

// ---- activations

/// `max(x, 0)`, of the same dtype; the gradient at 0 is 0. Throws for bool. A tensor that is given
/// away, as in `relu(linear(x, weight))`, lends the result its memory.
REEL_API Tensor relu(Tensor x);
/// `x` above 0, `negative_slope * x` below. Follows `torch.nn.functional.leaky_relu`.
REEL_API Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);

/// What `gelu` can be told.
struct GELUOptions {
  std::string_view approximate = "none";  ///< "none", or "tanh" for the cheaper approximation
};
/// `x` times the normal distribution's cumulative probability of `x` (Hendrycks and Gimpel 2016).
/// Throws for an unknown approximation. Follows `torch.nn.functional.gelu`.
REEL_API Tensor gelu(const Tensor& x, const GELUOptions& options = {});
/// `x * sigmoid(x)`, also called swish.
REEL_API Tensor silu(const Tensor& x);
/// `log(1 + exp(beta * x)) / beta`, and `x` itself where `beta * x > threshold`.
/// Follows `torch.nn.functional.softplus`.
REEL_API Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);
/// `x` above 0, `alpha * (exp(x) - 1)` below. Follows `torch.nn.functional.elu`.
REEL_API Tensor elu(const Tensor& x, double alpha = 1);

/// `alpha * (exp(x / alpha) - 1)` below 0, `x` above, and so smooth at 0 (Barron 2017). Throws for
/// an `alpha` of 0. Follows `torch.nn.functional.celu`.
REEL_API Tensor celu(const Tensor& x, double alpha = 1);
/// `scale * elu(x, alpha)` with the two numbers that keep mean and variance (Klambauer et al.
/// 2017). Follows `torch.nn.functional.selu`.
REEL_API Tensor selu(const Tensor& x);
/// `log(sigmoid(x))`, exact where that is next to 0. Follows `torch.nn.functional.logsigmoid`.
REEL_API Tensor logsigmoid(const Tensor& x);
/// `x * tanh(softplus(x))` (Misra 2019). Follows `torch.nn.functional.mish`.
REEL_API Tensor mish(const Tensor& x);
/// `x / (1 + |x|)`. Follows `torch.nn.functional.softsign`.
REEL_API Tensor softsign(const Tensor& x);
/// `x - tanh(x)`. Follows `torch.nn.functional.tanhshrink`.
REEL_API Tensor tanhshrink(const Tensor& x);
/// `(x + 3) / 6` between 0 and 1; the gradient at -3 and 3 is 0. Follows
/// `torch.nn.functional.hardsigmoid`.
REEL_API Tensor hardsigmoid(const Tensor& x);
/// `x * hardsigmoid(x)` (Howard et al. 2019); the gradient is 0 at -3 and 1 at 3. Follows
/// `torch.nn.functional.hardswish`.
REEL_API Tensor hardswish(const Tensor& x);
/// `x` between two bounds, on which the gradient is 0; integers stay integers, between bounds
/// rounded towards 0. Throws for bool and where `min_val > max_val`. Follows
/// `torch.nn.functional.hardtanh`.
REEL_API Tensor hardtanh(const Tensor& x, double min_val = -1, double max_val = 1);
/// `hardtanh(x, 0, 6)`. Follows `torch.nn.functional.relu6`.
REEL_API Tensor relu6(const Tensor& x);
/// `x` above `threshold`, else `value`; integers stay integers, and so do both numbers, rounded
/// towards 0. Throws for bool. Follows `torch.nn.functional.threshold`.
REEL_API Tensor threshold(const Tensor& x, double threshold, double value);
/// `x` brought nearer to 0 by `lambd`, 0 within it. Throws for a `lambd` below 0. Follows
/// `torch.nn.functional.softshrink`.
REEL_API Tensor softshrink(const Tensor& x, double lambd = 0.5);
/// `x` where it is further from 0 than `lambd`, else 0. Follows `torch.nn.functional.hardshrink`.
REEL_API Tensor hardshrink(const Tensor& x, double lambd = 0.5);
/// `x` above 0, `weight * x` below; `weight` of one element, or of one for each channel of `x`, `[N,
/// C, ..]` or, what PyTorch refuses, `[C]`. Throws where `weight` has another number of elements or several dimensions.
/// He et al., "Delving deep into rectifiers", 2015; follows `torch.nn.functional.prelu`.
REEL_API Tensor prelu(const Tensor& x, const Tensor& weight);
/// The first half along `dim`, times the sigmoid of the second (Dauphin et al. 2017). Throws where
/// the size is odd. Follows `torch.nn.functional.glu`.
REEL_API Tensor glu(const Tensor& x, Size dim = -1);

/// What `rrelu` can be told.
struct RReLUOptions {
  double lower = 1. / 8;  ///< the least slope below 0
  double upper = 1. / 3;  ///< the largest
  bool training = false;  ///< whether slopes are drawn, else all are the mean of the two
};
/// `x` above 0, `x` times a slope drawn for each element below (Xu et al. 2015). Throws where
/// `.lower > .upper`. Follows `torch.nn.functional.rrelu`.
REEL_API Tensor rrelu(const Tensor& x, const RReLUOptions& options = {});
/// The same, slopes drawn from `generator`.
REEL_API Tensor rrelu(const Tensor& x, const RReLUOptions& options, Generator& generator);

// ---- comparisons

/// Whether `a == b`; false where either is NaN.
REEL_API Tensor eq(const Tensor& a, const Tensor& b);
/// Whether `a != b`; true where either is NaN.
REEL_API Tensor ne(const Tensor& a, const Tensor& b);
/// Whether `a < b`; false where either is NaN.
REEL_API Tensor lt(const Tensor& a, const Tensor& b);
/// Whether `a <= b`; false where either is NaN.
REEL_API Tensor le(const Tensor& a, const Tensor& b);
/// Whether `a > b`; false where either is NaN.
REEL_API Tensor gt(const Tensor& a, const Tensor& b);
/// Whether `a >= b`; false where either is NaN.
REEL_API Tensor ge(const Tensor& a, const Tensor& b);

/// As `eq`.
inline Tensor operator==(const Tensor& a, const Tensor& b) { return eq(a, b); }
/// As `ne`.
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ne(a, b); }
/// As `lt`.
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
/// As `le`.
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
/// As `gt`.
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
/// As `ge`.
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }

/// Whether `x` is NaN; false for integers and bools.
REEL_API Tensor isnan(const Tensor& x);
/// Whether `x` is infinite, of either sign; false for integers and bools.
REEL_API Tensor isinf(const Tensor& x);
/// Whether `x` is neither NaN nor infinite; true for integers and bools.
REEL_API Tensor isfinite(const Tensor& x);
/// Whether a number is infinity.
REEL_API Tensor isposinf(const Tensor& x);
/// Whether a number is -infinity.
REEL_API Tensor isneginf(const Tensor& x);
/// Whether the sign is a minus: of -0 too.
REEL_API Tensor signbit(const Tensor& x);

// ---- logic

/// Whether both are true.
REEL_API Tensor logical_and(const Tensor& a, const Tensor& b);
/// Whether either is true, or both.
REEL_API Tensor logical_or(const Tensor& a, const Tensor& b);
/// Whether one is true and the other is not.
REEL_API Tensor logical_xor(const Tensor& a, const Tensor& b);
/// Whether `x` is 0 or false.
REEL_API Tensor logical_not(const Tensor& x);

/// `logical_and`: unlike C++'s own `&&`, both sides are always evaluated.
inline Tensor operator&&(const Tensor& a, const Tensor& b) { return logical_and(a, b); }
/// `logical_or`: unlike C++'s own `||`, both sides are always evaluated.
inline Tensor operator||(const Tensor& a, const Tensor& b) { return logical_or(a, b); }
/// As `logical_not`.
inline Tensor operator!(const Tensor& x) { return logical_not(x); }

// ---- bits: of integers, promoted as in arithmetic, and of bools, as their logic

/// The bits that both have. Throws for floating dtypes, as all of these.
REEL_API Tensor bitwise_and(const Tensor& a, const Tensor& b);
/// The bits that either has.
REEL_API Tensor bitwise_or(const Tensor& a, const Tensor& b);
/// The bits that one of them has.
REEL_API Tensor bitwise_xor(const Tensor& a, const Tensor& b);
/// The bits that `x` does not have.
REEL_API Tensor bitwise_not(const Tensor& x);
/// `a` times 2 to the power of `b`, modulo the size of the dtype; 0 where `b` is below 0 or not below
/// the number of bits. Throws for bools too. Follows `torch.bitwise_left_shift`.
REEL_API Tensor bitwise_left_shift(const Tensor& a, const Tensor& b);
/// `a` divided by 2 to the power of `b`, rounded down; -1 or 0 where `b` is below 0 or not below the
/// number of bits. Throws for bools too. Follows `torch.bitwise_right_shift`.
REEL_API Tensor bitwise_right_shift(const Tensor& a, const Tensor& b);

/// `bitwise_and`.
inline Tensor operator&(const Tensor& a, const Tensor& b) { return bitwise_and(a, b); }
/// `bitwise_or`.
inline Tensor operator|(const Tensor& a, const Tensor& b) { return bitwise_or(a, b); }
/// `bitwise_xor`.
inline Tensor operator^(const Tensor& a, const Tensor& b) { return bitwise_xor(a, b); }
/// `bitwise_not`.
inline Tensor operator~(const Tensor& x) { return bitwise_not(x); }

}  // namespace reel
