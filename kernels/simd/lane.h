#pragma once

// Internal, for the files of this folder only: what the formulas of pointwise_rows.inc are of inside
// a kernel. One number, of any dtype, where the compiler makes vectors of the loop by itself; or a
// vector of floats or doubles, which knows exp and its kin too.

#include <cstdint>
#include <type_traits>

#include "reel/kernels/pointwise_rows.h"
#include "reel/kernels/simd/division.h"
#include "reel/kernels/simd/lane_special.h"
#include "reel/kernels/simd/lane_trig.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class V>
inline constexpr bool is_bool = std::is_same_v<V, bool>;
template <class V>
inline constexpr bool is_integer = std::is_integral_v<V> && !is_bool<V>;

/// The type to calculate in: unsigned for integers, so that overflow wraps as in PyTorch.
template <class V, bool = is_integer<V>>
struct Work {
  using type = V;
};
template <class V>
struct Work<V, true> {
  using type = std::make_unsigned_t<V>;
};

/// What a comparison gives.
template <class V>
using TruthOf = decltype(V() == V());

template <class V>
struct Lane;

template <class V>
struct Truth {
  TruthOf<V> value;

  friend Truth operator&&(const Truth& a, const Truth& b) {
    return {static_cast<TruthOf<V>>(a.value & b.value)};
  }
  friend Truth operator||(const Truth& a, const Truth& b) {
    return {static_cast<TruthOf<V>>(a.value | b.value)};
  }
  friend Truth operator!(const Truth& a) {
    if constexpr (is_register<V>)
      return {~a.value};
    else
      return {!a.value};
  }
  friend Truth operator!=(const Truth& a, const Truth& b) { return {a.value != b.value}; }
  friend Lane<V> where(const Truth& condition, const Lane<V>& a, const Lane<V>& b) {
    return condition.value ? a.value : b.value;
  }
};

template <class V>
struct Lane {
  using W = typename Work<V>::type;
  V value;

  Lane() = default;
  Lane(const V& v) : value(v) {}
  template <class Number>
    requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, V>)
  Lane(Number number) {
    if constexpr (is_register<V>)
      value = splat(static_cast<LaneOf<V>>(number));
    else
      value = static_cast<V>(number);
  }

  friend Lane operator-(const Lane& x) {
    if constexpr (is_integer<V>)
      return static_cast<V>(W(0) - static_cast<W>(x.value));
    else
      return -x.value;
  }
  friend Lane operator+(const Lane& a, const Lane& b) {
    if constexpr (is_bool<V>)
      return static_cast<V>(a.value | b.value);
    else if constexpr (is_register<V>)
      return a.value + b.value;
    else
      return static_cast<V>(static_cast<W>(a.value) + static_cast<W>(b.value));
  }
  friend Lane operator-(const Lane& a, const Lane& b) {
    if constexpr (is_register<V>)
      return a.value - b.value;
    else
      return static_cast<V>(static_cast<W>(a.value) - static_cast<W>(b.value));
  }
  friend Lane operator*(const Lane& a, const Lane& b) {
    if constexpr (is_bool<V>)
      return static_cast<V>(a.value & b.value);
    else if constexpr (is_register<V>)
      return a.value * b.value;
    else
      return static_cast<V>(static_cast<W>(a.value) * static_cast<W>(b.value));
  }
  friend Lane operator/(const Lane& a, const Lane& b) { return a.value / b.value; }

  friend Truth<V> operator==(const Lane& a, const Lane& b) { return {a.value == b.value}; }
  friend Truth<V> operator!=(const Lane& a, const Lane& b) { return {a.value != b.value}; }
  friend Truth<V> operator<(const Lane& a, const Lane& b) { return {a.value < b.value}; }
  friend Truth<V> operator<=(const Lane& a, const Lane& b) { return {a.value <= b.value}; }
  friend Truth<V> operator>(const Lane& a, const Lane& b) { return {a.value > b.value}; }
  friend Truth<V> operator>=(const Lane& a, const Lane& b) { return {a.value >= b.value}; }

  friend Lane square(const Lane& x) { return x * x; }
  friend Lane abs(const Lane& x) {
    if constexpr (is_register<V>)
      return REEL_ISA::abs<LaneOf<V>>(x.value);
    else if constexpr (std::is_same_v<V, float>)
      return __builtin_fabsf(x.value);
    else if constexpr (std::is_same_v<V, double>)
      return __builtin_fabs(x.value);
    else
      return std::is_unsigned_v<V> || x.value >= V(0) ? x : -x;
  }
  friend Lane sign(const Lane& x) {
    if constexpr (is_register<V>) {
      return where(x > 0, 1, where(x < 0, -1, 0));
    } else {
      return static_cast<V>(static_cast<int>(x.value > V(0)) - static_cast<int>(x.value < V(0)));
    }
  }
  friend Lane floor(const Lane& x) {
    if constexpr (is_register<V>)
      return REEL_ISA::floor<LaneOf<V>>(x.value);
    else if constexpr (sizeof(V) == 4)
      return __builtin_floorf(x.value);
    else
      return __builtin_floor(x.value);
  }
  friend Lane ceil(const Lane& x) {
    if constexpr (is_register<V>)
      return REEL_ISA::ceil<LaneOf<V>>(x.value);
    else if constexpr (sizeof(V) == 4)
      return __builtin_ceilf(x.value);
    else
      return __builtin_ceil(x.value);
  }
  /// Halves to the even neighbour.
  friend Lane round(const Lane& x) {
    if constexpr (is_register<V>)
      return REEL_ISA::round<LaneOf<V>>(x.value);
    else if constexpr (sizeof(V) == 4)
      return __builtin_rintf(x.value);
    else
      return __builtin_rint(x.value);
  }
  friend Lane trunc(const Lane& x) {
    if constexpr (is_register<V>)
      return REEL_ISA::trunc<LaneOf<V>>(x.value);
    else if constexpr (sizeof(V) == 4)
      return __builtin_truncf(x.value);
    else
      return __builtin_trunc(x.value);
  }
  friend Lane sqrt(const Lane& x) {
    if constexpr (is_register<V>)
      return REEL_ISA::sqrt<LaneOf<V>>(x.value);
    else if constexpr (sizeof(V) == 4)
      return __builtin_sqrtf(x.value);
    else
      return __builtin_sqrt(x.value);
  }
  /// Either's NaN comes through; b where they are equal.
  friend Lane maximum(const Lane& a, const Lane& b) {
    if constexpr (is_bool<V> || is_integer<V>)
      return where(a > b, a, b);
    else
      return where(a > b || a != a, a, b);
  }
  friend Lane minimum(const Lane& a, const Lane& b) {
    if constexpr (is_bool<V> || is_integer<V>)
      return where(a < b, a, b);
    else
      return where(a < b || a != a, a, b);
  }
  friend Lane copysign(const Lane& a, const Lane& b) {
    if constexpr (is_register<V>)
      return REEL_ISA::copysign<LaneOf<V>>(a.value, b.value);
    else if constexpr (sizeof(V) == 4)
      return __builtin_copysignf(a.value, b.value);
    else
      return __builtin_copysign(a.value, b.value);
  }
  friend Lane fmod(const Lane& a, const Lane& b) { return REEL_ISA::fmod<V>(a.value, b.value); }
  friend Lane remainder(const Lane& a, const Lane& b) {
    return REEL_ISA::remainder<V>(a.value, b.value);
  }
  friend Lane floor_divide(const Lane& a, const Lane& b) {
    return REEL_ISA::floor_divide<V>(a.value, b.value);
  }
  friend Lane trunc_divide(const Lane& a, const Lane& b) {
    return REEL_ISA::trunc_divide<V>(a.value, b.value);
  }
  friend Truth<V> isnan(const Lane& x) {
    if constexpr (is_bool<V> || is_integer<V>)
      return {false};
    else
      return x != x;
  }
  friend Truth<V> isinf(const Lane& x) {
    if constexpr (is_bool<V> || is_integer<V>)
      return {false};
    else
      return abs(x) == rows::infinity;
  }
  friend Truth<V> isfinite(const Lane& x) {
    if constexpr (is_bool<V> || is_integer<V>)
      return {true};
    else
      return abs(x) < rows::infinity;
  }
  friend Truth<V> signbit(const Lane& x) {
    if constexpr (is_integer<V> && std::is_signed_v<V>)
      return {x.value < 0};
    else if constexpr (is_bool<V> || is_integer<V>)
      return {false};
    else
      return {__builtin_signbit(x.value) != 0};
  }
  friend Lane zeros_like(const Lane&) { return V(0); }
};

/// Whole powers of 0 or more, wrapping around as products do.
inline Lane<std::int64_t> pow(const Lane<std::int64_t>& base, const Lane<std::int64_t>& exponent) {
  std::uint64_t power = 1;
  auto factor = static_cast<std::uint64_t>(base.value);
  for (std::int64_t left = exponent.value; left > 0; left >>= 1) {
    if ((left & 1) != 0) power *= factor;
    factor *= factor;
  }
  return static_cast<std::int64_t>(power);
}

// ---- what vectors know besides

#define REEL_WORD_1(word)                 \
  template <class V>                      \
    requires is_register<V>               \
  inline Lane<V> word(const Lane<V>& x) { \
    return word<LaneOf<V>>(x.value);      \
  }
#define REEL_WORD_2(word)                                   \
  template <class V>                                        \
    requires is_register<V>                                 \
  inline Lane<V> word(const Lane<V>& a, const Lane<V>& b) { \
    return word<LaneOf<V>>(a.value, b.value);               \
  }
REEL_WORD_1(exp)
REEL_WORD_1(exp_or_0)
REEL_WORD_1(log)
REEL_WORD_1(log1p)
REEL_WORD_1(log1p_of_fraction)
REEL_WORD_1(expm1)
REEL_WORD_1(rsqrt)
REEL_WORD_1(sin)
REEL_WORD_1(cos)
REEL_WORD_1(tanh)
REEL_WORD_1(sigmoid)
REEL_WORD_1(erf)
REEL_WORD_1(erfc)
REEL_WORD_1(erfinv)
REEL_WORD_1(exp2)
REEL_WORD_1(log2)
REEL_WORD_1(log10)
REEL_WORD_1(tan)
REEL_WORD_1(asin)
REEL_WORD_1(acos)
REEL_WORD_1(atan)
REEL_WORD_1(sinh)
REEL_WORD_1(cosh)
REEL_WORD_1(asinh)
REEL_WORD_1(acosh)
REEL_WORD_1(atanh)
REEL_WORD_1(lgamma)
REEL_WORD_1(digamma)
REEL_WORD_1(i0)
REEL_WORD_1(i1)
REEL_WORD_2(times_sigmoid)
REEL_WORD_2(pow)
REEL_WORD_2(atan2)
REEL_WORD_2(hypot)
#undef REEL_WORD_1
#undef REEL_WORD_2

// In this order of operands a NaN in x comes through.
template <class V>
  requires is_register<V>
inline Lane<V> relu(const Lane<V>& x) {
  return max<LaneOf<V>>(V{}, x.value);
}
template <class V>
  requires is_register<V>
inline Lane<V> clamp(const Lane<V>& x, double low, double high) {
  using T = LaneOf<V>;
  return min<T>(splat(static_cast<T>(high)), max<T>(splat(static_cast<T>(low)), x.value));
}

template <class V>
  requires is_register<V>
inline Lane<V> nth_polygamma(const Lane<V>& x, double n) {
  return nth_polygamma<LaneOf<V>>(x.value, n);
}

/// The normal distribution: the probability of less than x, and its density.
inline rows::Normal<Lane<FloatLanes>> normal_at(const Lane<FloatLanes>& x) {
  const auto tail = normal_tail(x.value);
  const FloatLanes zero = {}, density = tail.density * 0.39894228040f;  // 1 / sqrt(2 pi)
  const FloatLanes cdf = x.value > zero ? 1.0f - tail.probability : tail.probability;
  return {cdf, FloatLanes(tail.probability == zero ? zero : density)};
}
inline rows::Normal<Lane<DoubleLanes>> normal_at(const Lane<DoubleLanes>& x) {
  const DoubleLanes cdf = 0.5 * erfc<double>(x.value * -0.70710678118654752440);
  return {cdf, 0.39894228040143267794 * exp_or_0<double>(-0.5 * x.value * x.value)};
}

// ---- from formulas to kernels

/// What a formula runs on in a kernel of T.
template <class T, bool wide>
struct LaneFor {
  using type = T;
};
template <class T>
struct LaneFor<T, true> {
  using type = Lanes<T>;
};

/// A kernel's parameter as its formula takes it.
template <class T>
inline auto number(double param) {
  if constexpr (is_integer<T>) {
    return __builtin_bit_cast(std::int64_t, param);
  } else {
    return param;
  }
}
template <class T>
using NumberOf = decltype(number<T>(0));

/// The value of a row for a kernel of T, on numbers or on vectors.
template <class Row, class T>
struct ValueOf {
  static constexpr bool wide = rows::needs_of_value<Row>.wide && !std::is_integral_v<T>;
  using V = typename LaneFor<T, wide>::type;
  NumberOf<T> numbers[3] = {};
  explicit ValueOf(const double* params) {
    for (std::size_t i = 0; i < Row::numbers; ++i) numbers[i] = number<T>(params[i]);
  }
  V operator()(const V& x) const {
    return rows::with_numbers<Row::numbers>(
               [&](auto... n) -> Lane<V> { return Row::value(Lane<V>(x), n...); }, numbers)
        .value;
  }
  V operator()(const V& a, const V& b) const {
    return Lane<V>(Row::value(Lane<V>(a), Lane<V>(b))).value;
  }
};

/// A derivative for a kernel of T, of dy and what it mentions.
template <class Derivative, class T>
struct SlopeOf {
  static constexpr rows::Probe needs = rows::needs_of<Derivative>;
  using V = typename LaneFor<T, needs.wide>::type;
  double numbers[3] = {};
  explicit SlopeOf(const double* params) {
    for (std::size_t i = 0; i < Derivative::numbers; ++i) numbers[i] = params[i];
  }
  V operator()(const V& dy, const V& saved) const {
    if constexpr (needs.first) {
      return of(dy, saved, V());
    } else {
      return of(dy, V(), saved);
    }
  }
  V operator()(const V& dy, const V& first, const V& second) const { return of(dy, first, second); }

 private:
  V of(const V& dy, const V& first, const V& second) const {
    return rows::with_numbers<Derivative::numbers>(
               [&](auto... n) {
                 return Derivative::of(Lane<V>(dy), Lane<V>(first), Lane<V>(second), n...);
               },
               numbers)
        .value;
  }
};

/// The condition of a row on numbers of T.
template <class Row>
struct ConditionOf {
  template <class T>
  bool operator()(T x) const {
    return Row::value(Lane<T>(x)).value;
  }
  template <class T>
  bool operator()(T a, T b) const {
    return Row::value(Lane<T>(a), Lane<T>(b)).value;
  }
};

}  // namespace
}  // namespace reel::kernels::REEL_ISA
