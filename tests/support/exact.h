#pragma once

// Numbers for the formulas of kernels/pointwise_rows.inc: arithmetic as C++ has it, and every word by
// the C library in long double. What kernels are held to.

#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

#include "reel/kernels/pointwise_rows.h"
#include "support/special.h"

namespace reel::testing {

struct ExactTruth {
  bool value;
  friend ExactTruth operator&&(ExactTruth a, ExactTruth b) { return {a.value && b.value}; }
  friend ExactTruth operator||(ExactTruth a, ExactTruth b) { return {a.value || b.value}; }
  friend ExactTruth operator!(ExactTruth a) { return {!a.value}; }
  friend ExactTruth operator!=(ExactTruth a, ExactTruth b) { return {a.value != b.value}; }
  friend double where(ExactTruth c, double a, double b) { return c.value ? a : b; }
};

/// A float or a double.
template <class T>
struct Exact {
  T value = 0;

  Exact() = default;
  template <class Number>
    requires std::is_arithmetic_v<Number>
  Exact(Number number) : value(static_cast<T>(number)) {}

  friend Exact operator-(Exact x) { return -x.value; }
  friend Exact operator+(Exact a, Exact b) { return a.value + b.value; }
  friend Exact operator-(Exact a, Exact b) { return a.value - b.value; }
  friend Exact operator*(Exact a, Exact b) { return a.value * b.value; }
  friend Exact operator/(Exact a, Exact b) { return a.value / b.value; }
  friend ExactTruth operator==(Exact a, Exact b) { return {a.value == b.value}; }
  friend ExactTruth operator!=(Exact a, Exact b) { return {a.value != b.value}; }
  friend ExactTruth operator<(Exact a, Exact b) { return {a.value < b.value}; }
  friend ExactTruth operator<=(Exact a, Exact b) { return {a.value <= b.value}; }
  friend ExactTruth operator>(Exact a, Exact b) { return {a.value > b.value}; }
  friend ExactTruth operator>=(Exact a, Exact b) { return {a.value >= b.value}; }

  long double wide() const { return static_cast<long double>(value); }
  static Exact sigmoid_of(long double x) { return 1 / (1 + std::exp(-x)); }

  friend Exact where(ExactTruth c, Exact a, Exact b) { return c.value ? a : b; }
  friend Exact maximum(Exact a, Exact b) { return a.value > b.value || a.value != a.value ? a : b; }
  friend Exact minimum(Exact a, Exact b) { return a.value < b.value || a.value != a.value ? a : b; }
  friend Exact clamp(Exact x, double low, double high) { return minimum(high, maximum(low, x)); }
  friend Exact copysign(Exact a, Exact b) { return std::copysign(a.value, b.value); }
  friend Exact fmod(Exact a, Exact b) { return std::fmod(a.value, b.value); }
  friend Exact remainder(Exact a, Exact b) {
    const T rest = std::fmod(a.value, b.value);
    return rest != 0 && std::signbit(rest) != std::signbit(b.value) ? rest + b.value : rest;
  }
  /// Rounded down once and exactly where the quotient is small; else as good as it is.
  friend Exact floor_divide(Exact a, Exact b) {
    if (b.value == 0) return a.value / b.value;
    const T rest = remainder(a, b).value;
    if (std::isinf(rest)) return -1;  // a finite number on the other side of 0 than an infinite one
    return std::nearbyint((a.wide() - static_cast<long double>(rest)) / b.wide());
  }
  friend Exact trunc_divide(Exact a, Exact b) { return std::trunc(a.value / b.value); }
  friend ExactTruth isnan(Exact x) { return {std::isnan(x.value)}; }
  friend ExactTruth isinf(Exact x) { return {std::isinf(x.value)}; }
  friend ExactTruth isfinite(Exact x) { return {std::isfinite(x.value)}; }
  friend ExactTruth signbit(Exact x) { return {std::signbit(x.value)}; }
  friend Exact zeros_like(Exact) { return 0; }
  friend Exact sign(Exact x) { return (x.value > 0) - (x.value < 0); }
  friend Exact relu(Exact x) { return x.value < 0 ? 0 : x.value; }
  friend Exact square(Exact x) { return x * x; }
  friend Exact abs(Exact x) { return std::fabs(x.value); }
  friend Exact floor(Exact x) { return std::floor(x.value); }
  friend Exact ceil(Exact x) { return std::ceil(x.value); }
  friend Exact round(Exact x) { return std::nearbyint(x.value); }
  friend Exact trunc(Exact x) { return std::trunc(x.value); }
  friend Exact sqrt(Exact x) { return std::sqrt(x.wide()); }
  friend Exact rsqrt(Exact x) { return 1 / std::sqrt(x.wide()); }
  friend Exact exp(Exact x) { return std::exp(x.wide()); }
  friend Exact exp_or_0(Exact x) { return std::exp(x.wide()); }
  friend Exact expm1(Exact x) { return std::expm1(x.wide()); }
  friend Exact log(Exact x) { return std::log(x.wide()); }
  friend Exact log1p(Exact x) { return std::log1p(x.wide()); }
  friend Exact log1p_of_fraction(Exact x) { return std::log1p(x.wide()); }
  friend Exact sin(Exact x) { return std::sin(x.wide()); }
  friend Exact cos(Exact x) { return std::cos(x.wide()); }
  friend Exact exp2(Exact x) { return std::exp2(x.wide()); }
  friend Exact log2(Exact x) { return std::log2(x.wide()); }
  friend Exact log10(Exact x) { return std::log10(x.wide()); }
  friend Exact tan(Exact x) { return std::tan(x.wide()); }
  friend Exact asin(Exact x) { return std::asin(x.wide()); }
  friend Exact acos(Exact x) { return std::acos(x.wide()); }
  friend Exact atan(Exact x) { return std::atan(x.wide()); }
  friend Exact sinh(Exact x) { return std::sinh(x.wide()); }
  friend Exact cosh(Exact x) { return std::cosh(x.wide()); }
  friend Exact tanh(Exact x) { return std::tanh(x.wide()); }
  friend Exact asinh(Exact x) { return std::asinh(x.wide()); }
  friend Exact acosh(Exact x) { return std::acosh(x.wide()); }
  friend Exact atanh(Exact x) { return std::atanh(x.wide()); }
  friend Exact erfc(Exact x) { return std::erfc(x.wide()); }
  friend Exact erfinv(Exact x) { return special::erfinv(x.wide()); }
  friend Exact lgamma(Exact x) { return std::lgamma(x.wide()); }
  friend Exact digamma(Exact x) { return special::digamma(x.wide()); }
  friend Exact nth_polygamma(Exact x, double n) {
    return special::polygamma(static_cast<int>(n), x.wide());
  }
  friend Exact i0(Exact x) { return special::bessel_i(0, x.wide()); }
  friend Exact i1(Exact x) { return special::bessel_i(1, x.wide()); }
  friend Exact erf(Exact x) { return std::erf(x.wide()); }
  friend Exact sigmoid(Exact x) { return sigmoid_of(x.wide()); }
  friend Exact times_sigmoid(Exact x, Exact y) { return x.wide() / (1 + std::exp(-y.wide())); }
  friend Exact atan2(Exact a, Exact b) { return std::atan2(a.wide(), b.wide()); }
  friend Exact hypot(Exact a, Exact b) { return std::hypot(a.wide(), b.wide()); }
  friend Exact pow(Exact a, Exact b) { return std::pow(a.wide(), b.wide()); }
  friend kernels::rows::Normal<Exact> normal_at(Exact x) {
    const long double z = x.wide();
    return {std::erfc(-z / std::numbers::sqrt2_v<long double>) / 2,
            std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi_v<long double>)};
  }
};

}  // namespace reel::testing
