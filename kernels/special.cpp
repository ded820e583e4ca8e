#include "reel/kernels/special.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace reel::kernels::special {
namespace {

using std::numbers::pi;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Bernoulli's numbers B_2, B_4, ...
constexpr double bernoulli[] = {1.0 / 6,      -1.0 / 30,      1.0 / 42, -1.0 / 30,
                                5.0 / 66,     -691. / 2730,   7.0 / 6,  -3617.0 / 510,
                                43867. / 798, -174611.0 / 330};

/// The sum of (q + k)^-s over k from 0 on for q > 0, by Euler and Maclaurin: terms one by one until
/// their base is large, then an integral and what it leaves over.
double zeta_of_positive(double s, double q) {
  double sum = 0, base = q;
  for (; base < s + 10; base += 1) sum += std::pow(base, -s);
  if (std::isinf(base)) return 0;
  const double last = std::pow(base, -s);
  sum += last * (base / (s - 1) + 0.5);
  double factor = last * s / base;  // s (s + 1) ... (s + 2j - 2) base^(-s - 2j + 1)
  double factorial = 2;             // (2j)!
  for (int j = 1; j <= 10; ++j) {
    sum += bernoulli[j - 1] / factorial * factor;
    factor *= (s + 2 * j - 1) * (s + 2 * j) / (base * base);
    factorial *= (2 * j + 1) * (2 * j + 2);
  }
  return sum;
}

/// The same for every q, whole s: the bases below 0 are a sum from their other end.
double zeta(double s, double q) {
  if (q > 0 || std::isnan(q)) return zeta_of_positive(s, q);
  if (q == std::floor(q)) return infinity;
  const double below = zeta_of_positive(s, std::ceil(q) - q) - zeta_of_positive(s, 1 - q);
  const double from_0_on = zeta_of_positive(s, q - std::floor(q));
  return from_0_on + (std::fmod(s, 2) == 0 ? below : -below);
}

/// The modified Bessel function of the first kind of order 0 or 1 for x >= 0.
double bessel_i(int order, double x) {
  if (x > 720) return infinity;  // as a double
  if (!(x > 20)) {
    const double quarter = x * x / 4;
    double term = 1, sum = 1;
    for (int k = 1; term > 1e-17 * sum; ++k) {
      term *= quarter / (k * (k + order));
      sum += term;
    }
    return order == 0 ? sum : sum * (x / 2);
  }
  // e^x / sqrt(2 pi x) times a series in 1 / x, whose terms grow again where they no longer count.
  double term = 1, sum = 1;
  for (int k = 1; std::abs(term) > 1e-17 && k < 2 * x; ++k) {
    const double odd = 2 * k - 1;
    term *= (odd * odd - 4 * order) / (8 * k * x);
    sum += term;
  }
  const double half = std::exp(x / 2);  // e^x alone would overflow before the product does
  return half * (sum / std::sqrt(2 * pi * x)) * half;
}

}  // namespace

double lgamma(double x) {
  int sign = 0;  // std::lgamma writes it to a global, which threads would race for
  return ::lgamma_r(x, &sign);
}

double digamma(double x) {
  if (x == 0) return std::copysign(infinity, -x);
  if (x < 0) {
    const double rest = x - std::nearbyint(x);  // tan has the period pi
    if (!(rest != 0)) return not_a_number;
    return digamma(1 - x) - pi / std::tan(pi * rest);
  }
  double sum = 0;
  for (; x < 10; x += 1) sum -= 1 / x;
  const double square = 1 / (x * x);
  double power = square, series = 0;
  for (int k = 1; k <= 10; ++k, power *= square) series += bernoulli[k - 1] / (2 * k) * power;
  return sum + std::log(x) - 0.5 / x - series;
}

double polygamma(double n, double x) {
  if (n == 0) return digamma(x);
  const double size = std::tgamma(n + 1) * zeta(n + 1, x);
  return std::fmod(n, 2) == 0 ? -size : size;
}

double erfinv(double x) {
  const double size = std::abs(x);
  if (!(size < 1)) return size == 1 ? infinity * x : not_a_number;
  if (size < 1e-9) return x * (std::sqrt(pi) / 2);
  // Winitzki's approximation, to 0.2 %, then Halley's steps, each of which cubes the error. Near 1
  // erfc has the digits that erf has lost.
  constexpr double a = 0.147;
  const double log = std::log1p(-x * x), t = 2 / (pi * a) + log / 2;
  double y = std::sqrt(-log / a / (std::sqrt(t * t - log / a) + t));
  for (int step = 0; step < 2; ++step) {
    const double over = size < 0.5 ? std::erf(y) - size : (1 - size) - std::erfc(y);
    const double ratio = over / (2 / std::sqrt(pi) * std::exp(-y * y));
    y -= ratio / (1 + ratio * y);
  }
  return std::copysign(y, x);
}

double i0(double x) { return bessel_i(0, std::abs(x)); }
double i1(double x) { return std::copysign(bessel_i(1, std::abs(x)), x); }

}  // namespace reel::kernels::special
