// Elementwise functions do what PyTorch's do: pointwise/make.py has recorded that, at zeros of both
// signs, infinities, NaN, numbers that are not normal, bounds and ordinary numbers.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <std::size_t count>
struct Row {
  const char* name;
  int bits;
  std::array<double, count> value;
  std::array<double, count> first;   // the derivative, or that by a
  std::array<double, count> second;  // the second one, or that by b
};
#include "ops/pointwise/binary.h"
#include "ops/pointwise/unary.h"

struct PromotedRow {
  const char* name;
  DType from;
  DType to;
  std::array<double, 7> value;
};
#include "ops/pointwise/promoted.h"

using Numbers = std::vector<double>;
using Function = std::function<Tensor(const Tensor&)>;
using Function2 = std::function<Tensor(const Tensor&, const Tensor&)>;

#define NAMED(name)                                \
  {                                                \
    #name, [](const Tensor& x) { return name(x); } \
  }
#define NAMED_2(name)                                                  \
  {                                                                    \
    #name, [](const Tensor& a, const Tensor& b) { return name(a, b); } \
  }
#define CALLED(name, call)                     \
  {                                            \
    name, [](const Tensor& x) { return call; } \
  }
#define CALLED_2(name, call)                                    \
  {                                                             \
    name, [](const Tensor& a, const Tensor& b) { return call; } \
  }

const std::map<std::string, Function> unary = {
    NAMED(trunc),
    NAMED(frac),
    NAMED(exp2),
    NAMED(expm1),
    NAMED(log2),
    NAMED(log10),
    NAMED(log1p),
    NAMED(reciprocal),
    NAMED(square),
    NAMED(sgn),
    NAMED(positive),
    NAMED(tan),
    NAMED(asin),
    NAMED(acos),
    NAMED(atan),
    NAMED(sinh),
    NAMED(cosh),
    NAMED(asinh),
    NAMED(acosh),
    NAMED(atanh),
    NAMED(sinc),
    NAMED(deg2rad),
    NAMED(rad2deg),
    NAMED(logit),
    CALLED("logit 0.25", logit(x, 0.25)),
    NAMED(erf),
    NAMED(erfc),
    NAMED(erfinv),
    NAMED(lgamma),
    NAMED(digamma),
    CALLED("polygamma 1", polygamma(1, x)),
    CALLED("polygamma 4", polygamma(4, x)),
    NAMED(i0),
    NAMED(i1),
    NAMED(nan_to_num),
    CALLED("nan_to_num 1 2 3", nan_to_num(x, {.nan = 1, .posinf = 2, .neginf = 3})),
    CALLED("clamp", clamp(x, -1, 1)),
    NAMED(celu),
    CALLED("celu 0.5", celu(x, 0.5)),
    NAMED(selu),
    NAMED(logsigmoid),
    NAMED(mish),
    NAMED(softsign),
    NAMED(tanhshrink),
    NAMED(hardsigmoid),
    NAMED(hardswish),
    NAMED(hardtanh),
    CALLED("hardtanh 0.5 2", hardtanh(x, 0.5, 2)),
    NAMED(relu6),
    CALLED("threshold 0.5 2", threshold(x, 0.5, 2)),
    NAMED(softshrink),
    CALLED("softshrink 2", softshrink(x, 2)),
    NAMED(hardshrink),
    NAMED(rrelu),
    CALLED("softplus 2 2.5", softplus(x, 2, 2.5)),
    CALLED("gelu tanh", gelu(x, {.approximate = "tanh"})),
    CALLED("leaky_relu 0.2", leaky_relu(x, 0.2)),
    CALLED("elu 0.7", elu(x, 0.7)),
    NAMED(isfinite),
    NAMED(isposinf),
    NAMED(isneginf),
    NAMED(signbit),
};

const std::map<std::string, Function2> binary = {
    NAMED_2(pow),
    NAMED_2(fmax),
    NAMED_2(fmin),
    NAMED_2(copysign),
    NAMED_2(heaviside),
    NAMED_2(atan2),
    NAMED_2(hypot),
    NAMED_2(logaddexp),
    NAMED_2(logaddexp2),
    NAMED_2(xlogy),
    NAMED_2(xlog1py),
    NAMED_2(fmod),
    NAMED_2(remainder),
    NAMED_2(floor_divide),
    CALLED_2("div floor", div(a, b, {.rounding_mode = "floor"})),
    CALLED_2("div trunc", div(a, b, {.rounding_mode = "trunc"})),
    CALLED_2("lerp 0.3", lerp(a, b, 0.3)),
    CALLED_2("lerp 0.8", lerp(a, b, 0.8)),
    NAMED_2(prelu),
    NAMED_2(bitwise_and),
    NAMED_2(bitwise_or),
    NAMED_2(bitwise_xor),
    NAMED_2(bitwise_left_shift),
    NAMED_2(bitwise_right_shift),
};

/// The points of make.py, in its order.
Numbers points(int bits) {
  const double tiny = bits == 64 ? 1e-310 : 1e-40;
  Numbers all;
  for (const double size : {0., inf, tiny, 1e-5, 0.2, 0.25, 0.5, 0.75, 0.9, 1., 1.5, 2., 3., 3.7,
                            6., 8., 30., 200., 1e5}) {
    all.insert(all.end(), {size, -size});
  }
  all.push_back(nan);
  return all;
}

/// The pairs of make.py: all of a, and all of b.
std::pair<Numbers, Numbers> pairs() {
  const Numbers values = {0., -0., 1, -1, 2.5, -0.7, inf, -inf, nan};
  std::pair<Numbers, Numbers> all;
  for (const double a : values) {
    for (const double b : values) {
      all.first.push_back(a);
      all.second.push_back(b);
    }
  }
  return all;
}

Tensor tensor_of(Numbers values, DType dtype) {
  return from_blob(values.data(), {static_cast<Size>(values.size())}).to(dtype).clone();
}

Numbers numbers_of(const Tensor& x) {
  const Tensor wide = x.detach().to(float64).contiguous();
  return {wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel()};
}

bool near(double got, double wanted, double tolerance) {
  if (std::isnan(got) || std::isnan(wanted)) return std::isnan(got) && std::isnan(wanted);
  return got == wanted || std::abs(got - wanted) <= tolerance * (std::abs(wanted) + 0.1);
}

/// What is compared: of which function, of how many bits, and which of its numbers.
struct What {
  std::string name;
  int bits;
  std::string of;
  bool is_value() const { return of == "the value"; }
};

bool of_gamma(const What& what) {
  return what.name == "lgamma" || what.name == "digamma" || what.name.starts_with("polygamma");
}

/// PyTorch's trigamma has nine digits.
double tolerance_of(const What& what) {
  if (what.bits == 32) return 2e-5;
  return of_gamma(what) ? 1e-8 : 1e-11;
}

/// Where PyTorch is no measure. Derivatives at NaN, which depend on where in a tensor it lies, and
/// those that are NaN, of infinity times 0, where Reel's may have the limit; those of sinc and i1
/// next to 0, which lose their digits; i0, i1 and polygamma at infinities; trigamma, which is some
/// large number at whole numbers below 0 instead of infinite.
bool is_lost(const What& what, double x, double wanted) {
  if (!what.is_value() && (std::isnan(wanted) || std::isnan(x))) return true;
  const bool bessel = what.name == "i0" || what.name == "i1";
  if (!what.is_value() && (bessel || what.name == "sinc") && std::abs(x) <= 1e-5) return true;
  if ((bessel || what.name.starts_with("polygamma")) && std::isinf(x)) return true;
  return of_gamma(what) && x <= 0 && x == std::floor(x) && std::isfinite(wanted);
}

/// Whether a result at a zero is the zero of the other sign. PyTorch's depends on where in a tensor it
/// lies in softshrink and relu6, and i1, which is odd, has but one.
bool is_other_zero(const What& what, double x, double got, double wanted) {
  const bool any = what.name.starts_with("softshrink") || what.name == "relu6" || what.name == "i1";
  return what.is_value() && x == 0 && wanted == 0 && !any &&
         std::signbit(got) != std::signbit(wanted);
}

void fail_at(const What& what, const std::string& at, double got, double wanted) {
  FAIL_CHECK(fmt::format("{} of {} ({} bits) at {}: {}, PyTorch says {}", what.of, what.name,
                         what.bits, at, got, wanted));
}

void check_near(const What& what, const Tensor& got, std::span<const double> wanted,
                const Numbers& x) {
  const Numbers numbers = numbers_of(got);
  REQUIRE(numbers.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (is_lost(what, x[i], wanted[i])) continue;
    if (!near(numbers[i], wanted[i], tolerance_of(what)) ||
        is_other_zero(what, x[i], numbers[i], wanted[i]))
      fail_at(what, fmt::format("{}", x[i]), numbers[i], wanted[i]);
  }
}

void check_near(const What& what, const Tensor& got, std::span<const double> wanted,
                const Numbers& a, const Numbers& b) {
  const Numbers numbers = numbers_of(got);
  REQUIRE(numbers.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!what.is_value() && std::isnan(wanted[i])) continue;
    if (!near(numbers[i], wanted[i], tolerance_of(what)))
      fail_at(what, fmt::format("{}, {}", a[i], b[i]), numbers[i], wanted[i]);
  }
}

/// Zeros where there is nothing to differentiate.
Tensor derivative_of(const Tensor& y, const Tensor& x, bool create_graph) {
  if (!y.requires_grad()) return zeros_like(x);
  return grad(sum(y), x, {.retain_graph = true, .create_graph = create_graph});
}

}  // namespace

TEST_CASE("functions of one tensor agree with PyTorch, and so do two derivatives") {
  for (const auto& row : unary_rows) {
    const Numbers at = points(row.bits);
    const Tensor x = tensor_of(at, row.bits == 64 ? float64 : float32).requires_grad_();
    const Tensor y = unary.at(row.name)(x);
    const auto check = [&](const char* of, const Tensor& got, std::span<const double> wanted) {
      check_near({row.name, row.bits, of}, got, wanted, at);
    };
    check("the value", y, row.value);
    check("the derivative", derivative_of(y, x, false), row.first);
    const Tensor slope = derivative_of(y, x, true);
    check("the recorded derivative", slope, row.first);
    check("the second derivative", derivative_of(slope, x, false), row.second);
  }
}

TEST_CASE("functions of two tensors agree with PyTorch, and so do their derivatives") {
  const auto [left, right] = pairs();
  for (const auto& row : binary_rows) {
    const DType dtype = row.bits == 64 ? float64 : float32;
    const Tensor a = tensor_of(left, dtype).requires_grad_();
    const Tensor b = tensor_of(right, dtype).requires_grad_();
    const Tensor y = binary.at(row.name)(a, b);
    const auto check = [&row, &left = left, &right = right](const char* of, const Tensor& got,
                                                            std::span<const double> wanted) {
      check_near({row.name, row.bits, of}, got, wanted, left, right);
    };
    check("the value", y, row.value);
    for (const bool recorded : {false, true}) {
      check("the derivative by a", derivative_of(y, a, recorded), row.first);
      check("the derivative by b", derivative_of(y, b, recorded), row.second);
    }
  }
}

TEST_CASE("integers and bools give the dtypes and values that PyTorch gives") {
  const Numbers some = {-7, -2, -1, 1, 2, 3, 7};
  const Numbers back(some.rbegin(), some.rend());
  const auto of = [](const Numbers& values, DType dtype) {
    const Tensor x = tensor_of(values, float64);
    return (dtype == uint8 ? abs(x) : x).to(dtype);
  };
  for (const PromotedRow& row : promoted_rows) {
    CAPTURE(row.name);
    CAPTURE(name(row.from));
    const Tensor a = of(some, row.from), b = of(back, row.from);
    const auto one = unary.find(row.name);
    const Tensor y = one != unary.end() ? one->second(a) : binary.at(row.name)(a, b);
    CHECK(std::string(name(y.dtype())) == name(row.to));
    check_near({row.name, 32, "the value"}, y, row.value, some);
  }
}

TEST_CASE("derivatives keep their limits where PyTorch's are NaN") {
  const auto second = [](const Function& f, double at) {
    const Tensor x = tensor_of({at}, float64).requires_grad_();
    return derivative_of(derivative_of(f(x), x, true), x, false).item();
  };
  const auto first = [](const Function& f, double at) {
    const Tensor x = tensor_of({at}, float64).requires_grad_();
    return derivative_of(f(x), x, false).item();
  };
  constexpr double pi = 3.14159265358979323846;
  for (const double zero : {0., -0., 1e-310}) {
    CHECK(second(unary.at("sinc"), zero) == doctest::Approx(-pi * pi / 3).epsilon(1e-14));
  }
  CHECK(second(unary.at("sinc"), 0.1499999) ==
        doctest::Approx(second(unary.at("sinc"), 0.1500001)).epsilon(1e-5));
  CHECK(first(unary.at("mish"), inf) == 1);
  CHECK(first(unary.at("softsign"), inf) == 0);
  CHECK(i0(tensor(-inf)).item() == inf);
  CHECK(i1(tensor(-inf)).item() == -inf);
  CHECK(polygamma(3, tensor(inf)).item() == 0);
  CHECK(polygamma(1, tensor(-2.0)).item() == inf);
  CHECK(second(unary.at("logit 0.25"), 0) == 0);
}

TEST_CASE("elementwise functions refuse what they cannot do") {
  const Tensor x = ones({2}), whole = tensor({1, 2}), flags = tensor({true, false});
  CHECK_THROWS_WITH_AS(positive(flags), "[positive] expected numbers, got dtype bool", Error);
  CHECK_THROWS_WITH_AS(polygamma(-1, x), "[polygamma] expected an n of 0 or more, got -1", Error);
  CHECK_THROWS_WITH_AS(logit(x, 0.6), "[logit] expected eps in [0, 0.5], got 0.6", Error);
  CHECK_THROWS_WITH_AS(relu6(flags), "[relu6] expected numbers, got dtype bool", Error);
  CHECK_THROWS_WITH_AS(threshold(flags, 0, 1), "[threshold] expected numbers, got dtype bool",
                       Error);
  CHECK_THROWS_WITH_AS(fmod(whole, 0), "[fmod] expected divisors other than 0 for integers, got 0",
                       Error);
  CHECK_THROWS_AS(remainder(whole, tensor({1, 0})), Error);
  CHECK_THROWS_AS(floor_divide(whole, 0), Error);
  CHECK_THROWS_WITH_AS(div(whole, 0, {.rounding_mode = "trunc"}),
                       doctest::Contains("[div] expected divisors other than 0"), Error);
  CHECK_THROWS_WITH_AS(div(x, x, {.rounding_mode = "up"}),
                       "[div] expected .rounding_mode to be \"none\", \"trunc\" or \"floor\", got "
                       "\"up\"",
                       Error);
  CHECK_THROWS_WITH_AS(
      lerp(whole, x, 0.5),
      doctest::Contains("[lerp] expected a floating-point tensor, got dtype int64"), Error);
  CHECK_THROWS_WITH_AS(bitwise_and(x, 1),
                       "[bitwise_and] expected integers or bools, got dtype float32", Error);
  CHECK_THROWS_WITH_AS(bitwise_left_shift(flags, flags),
                       "[bitwise_left_shift] expected integers, got two bool tensors", Error);
}

TEST_CASE("quotients and bits of integers are exact at their ends") {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min(), odd = (1LL << 53) + 1;
  CHECK(floor_divide(tensor({odd}), 1).item<std::int64_t>() == odd);
  CHECK(floor_divide(tensor({least}), -1).item<std::int64_t>() == least);  // wraps around
  CHECK(remainder(tensor({least}), -1).item<std::int64_t>() == 0);
  CHECK(fmod(tensor({least}), -1).item<std::int64_t>() == 0);
  CHECK(bitwise_right_shift(tensor({least}), 63).item<std::int64_t>() == -1);
  CHECK(bitwise_right_shift(tensor({least}), 64).item<std::int64_t>() == -1);
  CHECK(bitwise_left_shift(tensor({odd}), 64).item<std::int64_t>() == 0);
  CHECK(bitwise_left_shift(tensor({odd}), -1).item<std::int64_t>() == 0);
  CHECK(bitwise_right_shift(tensor({200}, {.dtype = uint8}), 8).item<std::int64_t>() == 0);
  CHECK((~tensor({0, 5, -1}) == tensor({-1, -6, 0})).all().item<bool>());
  CHECK((~tensor({0, 255}, {.dtype = uint8}) == tensor({255, 0})).all().item<bool>());
  CHECK((~tensor({true, false}) == tensor({false, true})).all().item<bool>());
  CHECK((((tensor({12, 10}) & 6) | 1) ^ tensor({5, 0})).sum().item<std::int64_t>() == 3);
}

TEST_CASE("lerp by a tensor takes each element's own weight, and gives it a gradient") {
  const Tensor start = tensor({1., 1., 1., 1.}, {.dtype = float64, .requires_grad = true});
  const Tensor end = tensor({3., 3., 3., 3.}, {.dtype = float64, .requires_grad = true});
  const Tensor weight = tensor({0., 0.25, 0.75, 1.}, {.dtype = float64, .requires_grad = true});
  const Tensor y = lerp(start, end, weight);
  CHECK(numbers_of(y) == Numbers{1, 1.5, 2.5, 3});
  const std::vector<Tensor> of = grad({sum(y)}, {start, end, weight});
  CHECK(numbers_of(of[0]) == Numbers{1, 0.75, 0.25, 0});
  CHECK(numbers_of(of[1]) == Numbers{0, 0.25, 0.75, 1});
  CHECK(numbers_of(of[2]) == Numbers{2, 2, 2, 2});
}
