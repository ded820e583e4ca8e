// What kernels calculate with, compiled here for the machine that every other one contains: so this
// also tries what there is for machines without vector instructions of their own.

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#define REEL_ISA tested
#include "reel/kernels/simd/lane_special.h"
#include "reel/kernels/simd/lane_trig.h"

using namespace reel;
namespace simd = reel::kernels::tested;

namespace {

template <class T>
using Lanes = simd::Lanes<T>;
template <class T>
constexpr Size width = simd::lane_count<T>;

/// The value of a function of registers at one number.
template <class T, class F>
T at(const F& f, T x) {
  return f(simd::splat<T>(x))[width<T> - 1];
}

/// Numbers of all sizes, and those with functions' ends and bends among them.
template <class T>
std::vector<T> numbers() {
  std::vector<T> all;
  const int most = std::numeric_limits<T>::max_exponent, least = sizeof(T) == 4 ? -148 : -1073;
  for (int power = least; power < most; ++power) {
    for (double m : {1.0, 1.1447298858494002, 1.5, 1.9890437907365466}) {
      all.push_back(static_cast<T>(std::ldexp(m, power)));
    }
  }
  for (int i = 1; i <= 4000; ++i) all.push_back(static_cast<T>(i * 0.0271));
  for (std::size_t i = 0, n = all.size(); i < n; ++i) all.push_back(-all[i]);
  return all;
}

/// How far a is from the exact value, in units of the last place.
template <class T>
double ulps(T a, long double exact) {
  const T rounded = static_cast<T>(exact);
  if (std::isnan(rounded)) return std::isnan(a) ? 0 : 1e9;
  if (std::isinf(rounded) || std::isinf(a)) return a == rounded ? 0 : 1e9;
  int exponent = 0;
  std::frexp(rounded, &exponent);
  const int lowest = std::numeric_limits<T>::min_exponent;
  const int last = std::max(exponent, lowest) - std::numeric_limits<T>::digits;
  return static_cast<double>(std::fabs(a - exact) / std::ldexp(1.0L, last));
}

/// The greatest error of f over all numbers.
template <class T, class F, class Exact>
double worst(const F& f, const Exact& exact) {
  double most = 0;
  for (const T x : numbers<T>()) {
    const double error = ulps<T>(at<T>(f, x), exact(static_cast<long double>(x)));
    if (error > most) most = error;
  }
  return most;
}

}  // namespace

TEST_CASE_TEMPLATE("A register loads and stores as many of its lanes as there are", T, float,
                   double) {
  T from[2 * width<T>], to[2 * width<T>];
  for (Size i = 0; i < 2 * width<T>; ++i) from[i] = static_cast<T>(i + 1);
  for (Size n = 0; n <= width<T>; ++n) {
    CAPTURE(n);
    for (T& x : to) x = -1;
    const Lanes<T> v = simd::load_some(from, n);
    simd::store_some(to, v, n);
    for (Size i = 0; i < width<T>; ++i) {
      CHECK(v[i] == (i < n ? from[i] : T(0)));
      CHECK(to[i] == (i < n ? from[i] : T(-1)));
      CHECK((simd::first_lanes<T>(n)[i] != 0) == (i < n));
    }
    const Lanes<T> more = simd::load_some(from, n + width<T>);
    CHECK(std::memcmp(&more, from, sizeof more) == 0);
  }
}

TEST_CASE_TEMPLATE("any and all see each lane", T, float, double) {
  CHECK_FALSE(simd::any<T>(Lanes<T>{} > T(0)));
  CHECK(simd::all<T>(Lanes<T>{} == T(0)));
  for (Size i = 0; i < width<T>; ++i) {
    Lanes<T> v = {};
    v[i] = 1;
    CHECK(simd::any<T>(v > T(0)));
    CHECK_FALSE(simd::all<T>(v > T(0)));
    CHECK_FALSE(simd::all<T>(v == T(0)));
  }
}

TEST_CASE_TEMPLATE("Lanes fold into one", T, float, double) {
  Lanes<T> v = {};
  for (Size i = 0; i < width<T>; ++i) v[i] = static_cast<T>(1 << i);
  const auto sum = simd::fold_lanes(v, [](const auto& a, const auto& b) { return a + b; });
  CHECK(sum == static_cast<T>((1 << width<T>)-1));
}

TEST_CASE_TEMPLATE("Registers round, and keep signs of zeros and NaNs", T, float, double) {
  const auto floor = [](const auto& x) { return simd::floor<T>(x); };
  const auto ceil = [](const auto& x) { return simd::ceil<T>(x); };
  const auto trunc = [](const auto& x) { return simd::trunc<T>(x); };
  const auto round = [](const auto& x) { return simd::round<T>(x); };
  for (T x : {T(-2.5), T(-1.5), T(-0.5), T(-0.0), T(0.5), T(1.5), T(2.5), T(2.75), T(1e30)}) {
    CAPTURE(x);
    CHECK(at<T>(floor, x) == std::floor(x));
    CHECK(at<T>(ceil, x) == std::ceil(x));
    CHECK(at<T>(trunc, x) == std::trunc(x));
    CHECK(at<T>(round, x) == std::nearbyint(x));
    CHECK(at<T>([](const auto& v) { return simd::abs<T>(v); }, x) == std::fabs(x));
    for (T sign : {T(-3), T(-0.0), T(0), T(3)}) {
      const T y = simd::copysign<T>(simd::splat<T>(x), simd::splat<T>(sign))[0];
      CHECK(y == std::copysign(x, sign));
      CHECK(std::signbit(y) == std::signbit(sign));
    }
  }
  const Lanes<T> nan = simd::splat(std::numeric_limits<T>::quiet_NaN()), one = simd::splat(T(1));
  CHECK(std::isnan(simd::max<T>(one, nan)[0]));
  CHECK(simd::max<T>(nan, one)[0] == 1);
  CHECK(std::isnan(simd::min<T>(one, nan)[0]));
  CHECK(simd::min<T>(nan, one)[0] == 1);
}

#define CHECK_FUNCTION(word, bound)                                            \
  CHECK_MESSAGE(worst<T>([](const Lanes<T>& x) { return simd::word<T>(x); },   \
                         [](long double x) { return std::word(x); }) <= bound, \
                #word)

TEST_CASE_TEMPLATE("Functions of registers are within a few units of the last place", T, float,
                   double) {
  CHECK_FUNCTION(exp, 1.0);
  CHECK_FUNCTION(exp2, 1.5);
  CHECK_FUNCTION(expm1, 2.0);
  CHECK_FUNCTION(log, 1.5);
  CHECK_FUNCTION(log2, 1.5);
  CHECK_FUNCTION(log10, 1.5);
  CHECK_FUNCTION(log1p, 1.5);
  CHECK_FUNCTION(tanh, 3.0);
  CHECK_FUNCTION(sinh, 3.0);
  CHECK_FUNCTION(cosh, 3.0);
  CHECK_FUNCTION(asinh, 3.0);
  CHECK_FUNCTION(acosh, 3.0);
  CHECK_FUNCTION(atanh, 3.0);
  CHECK_FUNCTION(sin, 2.0);
  CHECK_FUNCTION(cos, 2.0);
  CHECK_FUNCTION(tan, 3.0);
  CHECK_FUNCTION(asin, 2.0);
  CHECK_FUNCTION(acos, 2.0);
  CHECK_FUNCTION(atan, 2.0);
  CHECK_FUNCTION(erf, 3.0);
}

TEST_CASE_TEMPLATE("Functions of registers keep the sign of a zero", T, float, double) {
  for (const T zero : {T(0), T(-0.0)}) {
    CAPTURE(std::signbit(zero));
    const auto sign_of = [&](const auto& f) { return std::signbit(at<T>(f, zero)); };
    CHECK(sign_of([](const auto& x) { return simd::sin<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::tan<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::asin<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::atan<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::sinh<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::tanh<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::asinh<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::atanh<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::log1p<T>(x); }) == std::signbit(zero));
    CHECK(sign_of([](const auto& x) { return simd::expm1<T>(x); }) == std::signbit(zero));
  }
}
