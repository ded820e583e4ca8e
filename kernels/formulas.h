#pragma once

// Internal: the formulas of kernels/pointwise_rows.inc that do not fit a line, in the words that
// tensors, the elements of kernels and the test's own numbers all know.

namespace reel::kernels::rows {

inline constexpr double infinity = __builtin_inf();
inline constexpr double not_a_number = __builtin_nan("");
inline constexpr double pi = 3.14159265358979323846;
inline constexpr double ln_2 = 0.69314718055994530942;
inline constexpr double ln_10 = 2.30258509299404568402;
inline constexpr double half_sqrt_pi = 0.88622692545275801365;
inline constexpr double two_by_sqrt_pi = 1.12837916709551257390;
inline constexpr double two_sqrt_two_by_pi = 1.59576912160573071176;  // 2 sqrt(2 / pi)

/// Whether x lies between the bounds. An infinite bound is none: it is itself within it.
template <class X, class Number>
constexpr auto lies_within(const X& x, Number min, Number max) {
  return x >= min && x <= max && (x > min || x == -infinity) && (x < max || x == infinity);
}

/// log(z / (1 - z)) of x, or of what is left of it between eps and 1 - eps where eps is not below 0.
template <class X, class Number>
constexpr X logit_of(const X& x, Number eps) {
  const X z = eps < 0 ? x : clamp(x, eps, 1 - eps);
  return log(z / (1 - z));
}
template <class X, class Number>
constexpr X logit_backward(const X& dy, const X& x, Number eps) {
  const Number low = eps < 0 ? 0 : eps;
  const auto inside = x >= low && x <= 1 - low;
  const X z = where(inside, x, 0.5);
  return where(inside, dy / (z * (1 - z)), eps < 0 ? not_a_number : 0);
}

// Near 0 the slope of sinc is taken from its series, as the difference of its two parts loses its
// digits; each side is given numbers at which it is finite, so that its derivatives are too.

template <class X>
constexpr X sinc_of(const X& x) {
  const auto at_0 = x == 0;
  const X z = pi * where(at_0, 1, x);
  return where(at_0, 1, sin(z) / z);
}
template <class X>
constexpr X sinc_slope(const X& x) {
  const auto near_0 = abs(x) < 0.15;
  const X u = pi * where(near_0, x, 0), v = u * u;
  const X first = 1. / 30 + v * (-1. / 840 + v * (1. / 45360));
  const X rest = -1. / 3991680 + v * (1. / 518918400 - v * (1. / 93405312000));
  const X series = u * (-1. / 3 + v * (first + v * v * v * rest));
  const X z = pi * where(near_0, 1, x);
  return pi * where(near_0, series, (cos(z) - sin(z) / z) / z);
}

/// i1'(x) = i0(x) - i1(x) / x, near 0 from its series too.
template <class X>
constexpr X i1_slope(const X& x, const X& y) {
  const auto near_0 = abs(x) < 0.1;
  const X u = where(near_0, x, 0), v = u * u;
  const X series = v * (3. / 16 + v * (5. / 384 + v * (7. / 18432 + v * (9. / 1474560)))) + 0.5;
  return where(near_0, series, i0(x) - y / where(near_0, 1, x));
}

/// x softened to the bounds of a hard sigmoid of width 6: 0 to 6.
template <class X>
constexpr X up_to_6(const X& x) {
  return minimum(6, maximum(0, x + 3));
}
template <class X>
constexpr X hardswish_backward(const X& dy, const X& x) {
  return where(x <= -3, 0, where(x >= 3, dy, dy * (x * (1. / 3) + 0.5)));
}

/// tanh(log(1 + e^x)) = n / (n + 2), n = e^x (e^x + 2), which is 1 long before x = 40.
template <class X>
constexpr X mish_gate(const X& x) {
  const X e = exp_or_0(minimum(x, 40)), n = e * (e + 2);
  return n / (n + 2);
}
template <class X>
constexpr X mish_slope(const X& x) {
  const X z = clamp(x, -1000, 1000), t = mish_gate(z);
  return z * sigmoid(z) * (1 - t * t) + t;
}

template <class X>
constexpr X softsign_slope(const X& x) {
  const X s = 1 / (abs(x) + 1);
  return s * s;
}

// The numbers of Klambauer et al., "Self-normalizing neural networks", 2017.
inline constexpr double selu_scale = 1.0507009873554804934;
inline constexpr double selu_alpha = 1.6732632423543772848;
template <class X>
constexpr X selu_of(const X& x) {
  return where(x > 0, x * selu_scale, selu_scale * selu_alpha * expm1(x));
}

// The slopes of gelu and silu have reached their limits where x is cut: at infinity itself they
// would come to infinity * 0.

template <class X>
constexpr X silu_slope(const X& x) {
  const X z = clamp(x, -1000, 1000), s = sigmoid(z);
  return s * (z * (1 - s) + 1);
}

template <class X>
constexpr X gelu_slope(const X& x) {
  const X z = clamp(x, -40, 40);
  const auto [cdf, density] = normal_at(z);
  return z * density + cdf;
}

/// gelu's approximation: x / 2 (1 + tanh(u)) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
template <class X>
constexpr X gelu_gate(const X& x) {
  return sigmoid(two_sqrt_two_by_pi * (0.044715 * x * x * x + x));
}
template <class X>
constexpr X gelu_tanh_slope(const X& x) {
  const X z = clamp(x, -40, 40), s = gelu_gate(z);
  const X du = two_sqrt_two_by_pi * (0.134145 * (z * z) + 1);
  return s * (z * (1 - s) * du + 1);
}

/// log(1 + e^z) = max(z, 0) + log(1 + e^-|z|), which cannot overflow.
template <class X, class Number>
constexpr X softplus_of(const X& x, Number beta, Number threshold) {
  const X z = x * beta;
  const X y = relu(z) + log1p_of_fraction(exp_or_0(-abs(z)));
  return where(z > threshold, x, y * (1 / beta));
}

/// The gradient of what is chosen from two: all where it was chosen, half where both are equal.
template <class Truth, class X>
constexpr X half_where_equal(const Truth& other, const Truth& equal, const X& dy) {
  return where(other, 0, where(equal, dy * 0.5, dy));
}

/// The same for the other one of the two.
template <class Truth, class X>
constexpr X chosen_or_half(const Truth& chosen, const Truth& equal, const X& dy) {
  return where(equal, dy * 0.5, where(chosen, dy, 0));
}

template <class X>
constexpr X copysign_by_a(const X& dy, const X& a, const X& b) {
  return where(a == 0, 0, dy * (copysign(X(1), a) * copysign(X(1), b)));
}

/// `side` over the squared distance from the origin, where it is 0.
template <class X>
constexpr X atan2_part(const X& a, const X& b, const X& side) {
  const X square = a * a + b * b;
  return side / where(square == 0, 1, square);
}

/// log(e^(a u) + e^(b u)) / u from the larger of a and b. Equal ones are told apart, as infinities
/// have no difference.
template <class X>
constexpr X logaddexp_of(const X& a, const X& b, double u) {
  const X more = log1p_of_fraction(exp_or_0(-abs(a - b) * u)) * (1 / u);
  return where(a == b, a + ln_2 / u, maximum(a, b) + more);
}

template <class X>
constexpr X xlogy_by_a(const X& dy, const X& a, const X& b) {
  const auto flat = a == 0 && b <= 0;
  return where(flat, 0, dy * log(where(flat, 1, b)));
}
template <class X>
constexpr X xlog1py_by_a(const X& dy, const X& a, const X& b) {
  const auto flat = a == 0 && b <= -1;
  return where(flat, 0, dy * log1p(where(flat, 1, b)));
}

/// With respect to a of a^b. Where b is 0 this is 0 even if a^-1 is not finite. There the base is put
/// aside before the power is taken, so that it is not infinite in later derivatives either.
template <class X>
constexpr X pow_by_base(const X& dy, const X& a, const X& b) {
  const auto flat = b == 0 && !isfinite(1 / a);
  return where(flat, 0, dy * (b * pow(where(flat, 1, a), b - 1)));
}

/// With respect to b of a^b. At 0 to a power of 0 or more the logarithm is infinite, this 0.
template <class X>
constexpr X pow_by_exponent(const X& dy, const X& a, const X& b) {
  const auto flat = a == 0 && b >= 0;
  return where(flat, 0, dy * (pow(a, b) * log(where(flat, 1, a))));
}

}  // namespace reel::kernels::rows
