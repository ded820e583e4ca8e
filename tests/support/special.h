#pragma once

// Special functions of a long double by other ways than the kernels', slow and plain.

#include <cmath>
#include <limits>
#include <numbers>

namespace reel::testing::special {

using Long = long double;
inline constexpr Long infinity = std::numeric_limits<Long>::infinity();
inline constexpr Long not_a_number = std::numeric_limits<Long>::quiet_NaN();
inline constexpr Long pi = std::numbers::pi_v<Long>;

/// By halving.
inline Long erfinv(Long x) {
  if (std::isnan(x) || std::abs(x) > 1) return not_a_number;
  if (std::abs(x) == 1) return x * infinity;
  const Long size = std::abs(x);
  if (size < 1e-6L) return x * std::sqrt(pi) / 2 * (1 + pi / 12 * x * x);
  Long low = 0, high = 10;
  for (int i = 0; i < 80; ++i) {
    const Long y = (low + high) / 2;
    const bool over = size < 0.5L ? std::erf(y) > size : std::erfc(y) < 1 - size;
    (over ? high : low) = y;
  }
  return std::copysign(low, x);
}

/// The sum of (x + k)^-s, by terms up to a base of 1000 and then by the first of Euler's.
inline Long zeta(int s, Long x) {
  Long sum = 0;
  for (; x < 1000; ++x) sum += std::pow(x, static_cast<Long>(-s));
  if (x > 1e4000L) return sum;
  const Long last = std::pow(x, static_cast<Long>(-s)), n = s;
  return sum +
         last * (x / (n - 1) + 0.5L + n / (12 * x) - n * (n + 1) * (n + 2) / (720 * x * x * x));
}

inline Long digamma(Long x) {
  if (x == 0) return std::copysign(infinity, -x);
  if (x < 0) {
    if (x == std::floor(x)) return not_a_number;
    return digamma(1 - x) - pi / std::tan(pi * (x - std::nearbyint(x)));
  }
  Long sum = 0;
  for (; x < 1000; ++x) sum -= 1 / x;
  const Long square = x * x;
  return sum + std::log(x) - 1 / (2 * x) - 1 / (12 * square) + 1 / (120 * square * square);
}

/// Below 0 by adding terms up to 0; so far below that only the nearest matter, from there.
inline Long polygamma(int n, Long x) {
  if (n == 0) return digamma(x);
  const Long factor = (n % 2 == 0 ? -1 : 1) * std::tgamma(static_cast<Long>(n + 1));
  if (x <= 0 && x == std::floor(x)) return factor * infinity;
  Long sum = 0;
  for (; x < 0; ++x) sum += std::pow(x, static_cast<Long>(-n - 1));
  return factor * (sum + zeta(n + 1, x));
}

/// By its power series, all of whose terms are of one sign.
inline Long bessel_i(int order, Long x) {
  if (std::abs(x) > 11000) return order == 0 ? std::abs(x) * infinity : x * infinity;
  const Long quarter = x * x / 4;
  Long term = 1, sum = 1;
  for (int k = 1; term > 1e-22L * sum; ++k) sum += term *= quarter / (k * (k + order));
  return order == 0 ? sum : sum * x / 2;
}

}  // namespace reel::testing::special
