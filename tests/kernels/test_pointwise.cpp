#include "reel/kernels/pointwise.h"

#include <doctest/doctest.h>
#include <bit>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "support/special.h"

using namespace reel;
using namespace reel::kernels;

namespace {

struct Level {
  std::string name;
  const UnaryTable* unary;
  const BinaryTable* binary;
  const SlopeTable* slope;
};

/// Every instruction set that this machine can run.
std::vector<Level> levels() {
  std::vector<Level> result;
#if defined(__x86_64__)
  result.push_back({"v2", &v2::unary_table(), &v2::binary_table(), &v2::slope_table()});
  if (isa() >= Isa::v3) {
    result.push_back({"v3", &v3::unary_table(), &v3::binary_table(), &v3::slope_table()});
  }
  if (isa() >= Isa::v4) {
    result.push_back({"v4", &v4::unary_table(), &v4::binary_table(), &v4::slope_table()});
  }
#else
  result.push_back(
      {"generic", &generic::unary_table(), &generic::binary_table(), &generic::slope_table()});
#endif
  return result;
}

template <class T>
constexpr int index_of = static_cast<int>(dtype_of<T>);

template <class T>
std::vector<T> run_unary(Loop loop, const std::vector<T>& x, const double* params = nullptr) {
  std::vector<T> y(x.size());
  run_flat(
      loop, static_cast<Size>(x.size()),
      {Operand{.data = y.data(), .item = sizeof(T)}, Operand{.data = x.data(), .item = sizeof(T)}},
      params);
  return y;
}

template <class T>
std::vector<T> run_binary(Loop loop, const std::vector<T>& a, const std::vector<T>& b,
                          const double* params = nullptr) {
  std::vector<T> y(a.size());
  run_flat(
      loop, static_cast<Size>(a.size()),
      {Operand{.data = y.data(), .item = sizeof(T)}, Operand{.data = a.data(), .item = sizeof(T)},
       Operand{.data = b.data(), .item = sizeof(T)}},
      params);
  return y;
}

/// Distance from the exact value in units of the last place; huge where one is infinite or NaN
/// alone.
template <class T>
double ulps(T got, long double exact) {
  const T nearest = static_cast<T>(exact);
  if (std::isnan(nearest) || std::isnan(got)) {
    return std::isnan(nearest) && std::isnan(got) ? 0 : 1e9;
  }
  if (std::isinf(nearest) || std::isinf(got)) return nearest == got ? 0 : 1e9;
  const T size = std::abs(nearest);
  const T unit = std::nextafter(size, std::numeric_limits<T>::infinity()) - size;
  return static_cast<double>(std::abs(static_cast<long double>(got) - exact) /
                             static_cast<long double>(unit));
}

template <class T>
std::vector<T> spread(double low, double high) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> x(4003);
  for (T& value : x) value = static_cast<T>(uniform(random));
  return x;
}

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> x = {T(0),   T(-0.0), T(1),    T(-1),   T(1e-8), T(-1e-8), T(0.5), T(2),
                      T(20),  T(88.7), T(-88),  T(-90),  T(-100), T(-104),  T(700), T(709.5),
                      T(720), T(-709), T(-720), T(-745), T(-750), T(1e5),   T(1e9), T(-1e9)};
  x.insert(x.end(), {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), Limits::min(),
                     Limits::denorm_min(), -Limits::denorm_min(), Limits::max(), Limits::lowest(),
                     Limits::min() / 3});
  return x;
}

struct Allowed {
  double ulps = 3;
  bool flush = false;  // results close to the smallest normal number may become 0
  const double* params = nullptr;
};

template <class T, class F>
void check_dtype(Unary op, F exact, double low, double high, const Allowed& allowed) {
  for (const Level& level : levels()) {
    const Loop loop = level.unary->value[static_cast<int>(op)][std::is_same_v<T, float> ? 0 : 1];
    for (const auto& x : {spread<T>(low, high), special_values<T>()}) {
      const std::vector<T> y = run_unary<T>(loop, x, allowed.params);
      double worst = 0;
      T at = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const long double expected = exact(static_cast<long double>(x[i]));
        if (allowed.flush && y[i] == 0 &&
            std::abs(expected) < 1000 * std::numeric_limits<T>::min()) {
          continue;
        }
        const double error = ulps<T>(y[i], expected);
        if (error > worst) {
          worst = error;
          at = x[i];
        }
      }
      const std::string where =
          level.name + " " + name(dtype_of<T>) + ", worst at " + std::to_string(at);
      CAPTURE(where);
      CHECK(worst <= allowed.ulps);
    }
  }
}

template <class F>
void check_unary(Unary op, F exact, double low, double high, const Allowed& allowed = {}) {
  check_dtype<float>(op, exact, low, high, allowed);
  check_dtype<double>(op, exact, low, high, allowed);
}

}  // namespace

TEST_CASE("exp and its kin stay within a few ulp, at special values too") {
  using L = long double;
  SUBCASE("exp") {
    check_unary(Unary::exp, [](L x) { return std::exp(x); }, -100, 100, {.ulps = 1.5});
  }
  SUBCASE("expm1") {
    check_unary(
        Unary::expm1, [](L x) { return std::expm1(x); }, -5, 5);
  }
  SUBCASE("log") {
    check_unary(
        Unary::log, [](L x) { return std::log(x); }, 0, 10);
  }
  SUBCASE("log1p") {
    check_unary(
        Unary::log1p, [](L x) { return std::log1p(x); }, -1, 10);
  }
  SUBCASE("sin") {
    check_unary(
        Unary::sin, [](L x) { return std::sin(x); }, -100, 100);
  }
  SUBCASE("cos") {
    check_unary(
        Unary::cos, [](L x) { return std::cos(x); }, -100, 100);
  }
  SUBCASE("tanh") {
    check_unary(
        Unary::tanh, [](L x) { return std::tanh(x); }, -10, 10);
  }
  SUBCASE("erf") {
    check_unary(
        Unary::erf, [](L x) { return std::erf(x); }, -4, 4);
  }
}

TEST_CASE("functions that networks seldom call stay within a few ulp, at special values too") {
  using L = long double;
  const auto check = [](const char* name, Unary op, L (*exact)(L), double low, double high,
                        double allowed = 4) {
    CAPTURE(std::string(name));
    check_unary(op, exact, low, high, {.ulps = allowed, .flush = true});
  };
  check("exp2", Unary::exp2, std::exp2, -30, 30);
  check("log2", Unary::log2, std::log2, 0, 10);
  check("log10", Unary::log10, std::log10, 0, 10);
  check("tan", Unary::tan, std::tan, -100, 100);
  check("asin", Unary::asin, std::asin, -1, 1);
  check("acos", Unary::acos, std::acos, -1, 1);
  check("atan", Unary::atan, std::atan, -5, 5);
  check("sinh", Unary::sinh, std::sinh, -90, 90);
  check("cosh", Unary::cosh, std::cosh, -90, 90);
  check("asinh", Unary::asinh, std::asinh, -100, 100);
  check("acosh", Unary::acosh, std::acosh, 1, 100);
  check("atanh", Unary::atanh, std::atanh, -1, 1);
  check("erfc", Unary::erfc, std::erfc, -4, 9, 64);  // x^2 is rounded where there is no FMA
  check("erfinv", Unary::erfinv, reel::testing::special::erfinv, -1, 1);
  check("lgamma", Unary::lgamma, std::lgamma, 3, 50);
  check("digamma", Unary::digamma, reel::testing::special::digamma, 2, 50, 16);
  check(
      "i0", Unary::i0, [](L x) { return reel::testing::special::bessel_i(0, x); }, -80, 80, 16);
  check(
      "i1", Unary::i1, [](L x) { return reel::testing::special::bessel_i(1, x); }, -80, 80, 16);
}

TEST_CASE("activations stay within a few ulp, in their tails too") {
  using L = long double;
  const auto logistic = [](L x) { return 1 / (1 + std::exp(-x)); };
  SUBCASE("sigmoid") { check_unary(Unary::sigmoid, logistic, -50, 50, {.flush = true}); }
  SUBCASE("silu") {
    check_unary(Unary::silu, [&](L x) { return x * logistic(x); }, -50, 50, {.flush = true});
  }
  SUBCASE("gelu") {
    check_unary(Unary::gelu, [](L x) { return x * std::erfc(-x / std::numbers::sqrt2_v<L>) / 2; },
                -6, 6, {.ulps = 64, .flush = true});  // x^2 is rounded in double
  }
  SUBCASE("softplus") {
    const double params[] = {1, 20};
    check_unary(Unary::softplus, [](L x) { return x > 20 ? x : std::log1p(std::exp(x)); }, -30, 30,
                {.flush = true, .params = params});
  }
}

TEST_CASE("exp that underflows takes no longer than exp that does not") {
  const auto nanoseconds = [](float at) {
    const std::vector<float> x(4096, at);
    double best = 1e9;
    for (int repeat = 0; repeat < 50; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      run_unary<float>(find(Unary::exp, float32), x);
      const std::chrono::duration<double, std::nano> time =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count());
    }
    return best;
  };
  CHECK(nanoseconds(-1000) < 4 * nanoseconds(-1));
}

TEST_CASE("pow agrees with the C library, special cases included") {
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    const auto check_pairs = [&]<class T>(T, const std::vector<T>& bases,
                                          const std::vector<T>& exponents) {
      std::vector<T> a, b;
      for (T base : bases) {
        for (T exponent : exponents) {
          a.push_back(base);
          b.push_back(exponent);
        }
      }
      const int dtype = std::is_same_v<T, float> ? 0 : 1;
      const Loop loop = level.binary->value[static_cast<int>(Binary::pow)][dtype];
      const std::vector<T> y = run_binary<T>(loop, a, b);
      for (std::size_t i = 0; i < y.size(); ++i) {
        CAPTURE(a[i]);
        CAPTURE(b[i]);
        const T expected = std::pow(a[i], b[i]);
        CHECK(ulps<T>(y[i], static_cast<long double>(expected)) <= 1.5);
        if (!std::isnan(expected)) CHECK(std::signbit(y[i]) == std::signbit(expected));
      }
    };
    const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
    const std::vector<float> bases = {0,     -0.f,  1,      -1,     2,      -2,  0.5f, -0.5f, 3.7f,
                                      -3.7f, 1e30f, 1e-30f, -1e30f, 1e-40f, inf, -inf, nan};
    const std::vector<float> exponents = {0,    -0.f, 1,     -1,   2,     3,   -3,   0.5f, -0.5f,
                                          2.3f, 1e9f, 1e30f, 17.f, -2.5f, inf, -inf, nan};
    check_pairs(float{}, bases, exponents);
    check_pairs(double{}, std::vector<double>(bases.begin(), bases.end()),
                std::vector<double>(exponents.begin(), exponents.end()));
    check_pairs(float{}, spread<float>(0, 50), {2.3f});
  }
}

TEST_CASE("a vector's last, short part gives the same bits as its whole ones") {
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    const Loop loop = level.unary->value[static_cast<int>(Unary::tanh)][0];
    const std::vector<float> x = spread<float>(-3, 3);
    const std::vector<float> whole = run_unary<float>(loop, x);
    for (std::size_t n = 1; n < 40; ++n) {
      const std::vector<float> part =
          run_unary<float>(loop, std::vector<float>(x.begin(), x.begin() + static_cast<long>(n)));
      CHECK(std::memcmp(part.data(), whole.data(), n * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("integers wrap instead of overflowing") {
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    const auto& binary = level.binary->value;
    const auto& unary = level.unary->value;
    const std::int32_t most = std::numeric_limits<std::int32_t>::max(), least = -most - 1;
    const int i32 = index_of<std::int32_t>;
    CHECK(run_binary<std::int32_t>(binary[static_cast<int>(Binary::add)][i32], {most, 2}, {1, 3}) ==
          std::vector<std::int32_t>{least, 5});
    CHECK(run_binary<std::int32_t>(binary[static_cast<int>(Binary::mul)][i32], {most, -7},
                                   {2, 3}) == std::vector<std::int32_t>{-2, -21});
    CHECK(run_unary<std::int32_t>(unary[static_cast<int>(Unary::neg)][i32], {least, 7}) ==
          std::vector<std::int32_t>{least, -7});
    CHECK(run_unary<std::uint8_t>(unary[static_cast<int>(Unary::neg)][index_of<std::uint8_t>],
                                  {1, 0}) == std::vector<std::uint8_t>{255, 0});
    CHECK(run_unary<std::int64_t>(unary[static_cast<int>(Unary::abs)][index_of<std::int64_t>],
                                  {-5, 6}) == std::vector<std::int64_t>{5, 6});
  }
}

TEST_CASE("clamp reads the bounds of integers from the bits of its parameters") {
  const auto bits = [](std::int64_t value) { return std::bit_cast<double>(value); };
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;
  const double wide[] = {bits(INT64_MIN), bits(odd)}, narrow[] = {bits(1), bits(254)};
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    const auto& loops = level.unary->value[static_cast<int>(Unary::clamp)];
    CHECK(run_unary<std::int64_t>(loops[index_of<std::int64_t>], {-5, odd + 1, INT64_MIN}, wide) ==
          std::vector<std::int64_t>{-5, odd, INT64_MIN});
    CHECK(run_unary<std::uint8_t>(loops[index_of<std::uint8_t>], {0, 7, 255}, narrow) ==
          std::vector<std::uint8_t>{1, 7, 254});
  }
}

TEST_CASE("maximum, minimum, relu and clamp let NaN through") {
  const float nan = std::nanf("");
  const double params[] = {-1, 1};
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    for (Binary op : {Binary::maximum, Binary::minimum}) {
      const auto y = run_binary<float>(level.binary->value[static_cast<int>(op)][0], {nan, 1, nan},
                                       {1, nan, nan});
      for (float value : y) CHECK(std::isnan(value));
    }
    for (Unary op : {Unary::relu, Unary::clamp}) {
      CHECK(std::isnan(
          run_unary<float>(level.unary->value[static_cast<int>(op)][0], {nan}, params)[0]));
    }
  }
}

TEST_CASE("all instruction sets give nearly the same activations and gradients") {
  const double params[] = {0.7, 20};
  const std::vector<double> x = spread<double>(-6, 6);
  const std::vector<double> dy = spread<double>(-1, 1);
  const Level first = levels().front();
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    for (Unary op : {Unary::sigmoid, Unary::gelu, Unary::gelu_tanh, Unary::silu, Unary::softplus,
                     Unary::elu}) {
      const auto a = run_unary<double>(first.unary->value[static_cast<int>(op)][1], x, params);
      const auto b = run_unary<double>(level.unary->value[static_cast<int>(op)][1], x, params);
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(a[i] - b[i]) < 1e-14);
    }
    for (Slope op : {Slope::gelu, Slope::gelu_tanh, Slope::silu, Slope::softplus, Slope::elu}) {
      const auto a = run_binary<double>(first.slope->slope[static_cast<int>(op)][1], dy, x, params);
      const auto b = run_binary<double>(level.slope->slope[static_cast<int>(op)][1], dy, x, params);
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(a[i] - b[i]) < 1e-13);
    }
  }
}
