#include "reel/ops/pointwise/pointwise.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"
#include "support/op_check.h"

using namespace reel;
using reel::testing::check_binary;
using reel::testing::check_gradients;
using reel::testing::check_unary;
using reel::testing::check_values;
using reel::testing::random_tensor;
using reel::testing::values_of;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan_value = std::nan("");

}  // namespace

TEST_CASE("arithmetic of two tensors") {
  SUBCASE("add") {
    check_binary(REEL_OP(add), [](double a, double b) { return a + b; });
  }
  SUBCASE("sub") {
    check_binary(REEL_OP(sub), [](double a, double b) { return a - b; });
  }
  SUBCASE("mul") {
    check_binary(REEL_OP(mul), [](double a, double b) { return a * b; });
  }
  SUBCASE("div") {
    check_binary(REEL_OP(div), [](double a, double b) { return a / b; }, {}, {0.5, 2});
  }
  SUBCASE("pow") {
    check_binary(REEL_OP(pow), [](double a, double b) { return std::pow(a, b); }, {0.5, 2},
                 {-2, 2});
  }
  SUBCASE("maximum") {
    check_binary(REEL_OP(maximum), [](double a, double b) { return std::max(a, b); });
  }
  SUBCASE("minimum") {
    check_binary(REEL_OP(minimum), [](double a, double b) { return std::min(a, b); });
  }
  SUBCASE("where") {
    check_binary(
        [](const Tensor& a, const Tensor& b) { return where(a.detach() > b.detach(), a, b * b); },
        [](double a, double b) { return a > b ? a : b * b; });
  }
}

TEST_CASE("functions of one tensor") {
  SUBCASE("neg") {
    check_unary(REEL_OP(neg), [](double x) { return -x; });
  }
  SUBCASE("abs") {
    check_unary(REEL_OP(abs), [](double x) { return std::abs(x); });
  }
  SUBCASE("sign") {
    check_unary(REEL_OP(sign), [](double x) { return x > 0 ? 1.0 : -1.0; });
  }
  SUBCASE("square") {
    check_unary(REEL_OP(square), [](double x) { return x * x; });
  }
  SUBCASE("floor") {
    check_unary(REEL_OP(floor), [](double x) { return std::floor(x); });
  }
  SUBCASE("ceil") {
    check_unary(REEL_OP(ceil), [](double x) { return std::ceil(x); });
  }
  SUBCASE("round") {
    check_unary(REEL_OP(round), [](double x) { return std::nearbyint(x); });
  }
  SUBCASE("exp") {
    check_unary(REEL_OP(exp), [](double x) { return std::exp(x); });
  }
  SUBCASE("log") {
    check_unary(REEL_OP(log), [](double x) { return std::log(x); }, {0.5, 3});
  }
  SUBCASE("log1p") {
    check_unary(REEL_OP(log1p), [](double x) { return std::log1p(x); }, {-0.5, 3});
  }
  SUBCASE("expm1") {
    check_unary(REEL_OP(expm1), [](double x) { return std::expm1(x); });
  }
  SUBCASE("sqrt") {
    check_unary(REEL_OP(sqrt), [](double x) { return std::sqrt(x); }, {0.5, 3});
  }
  SUBCASE("rsqrt") {
    check_unary(REEL_OP(rsqrt), [](double x) { return 1 / std::sqrt(x); }, {0.5, 3});
  }
  SUBCASE("reciprocal") {
    check_unary(REEL_OP(reciprocal), [](double x) { return 1 / x; }, {0.5, 3});
  }
  SUBCASE("sin") {
    check_unary(REEL_OP(sin), [](double x) { return std::sin(x); });
  }
  SUBCASE("cos") {
    check_unary(REEL_OP(cos), [](double x) { return std::cos(x); });
  }
  SUBCASE("tanh") {
    check_unary(REEL_OP(tanh), [](double x) { return std::tanh(x); });
  }
  SUBCASE("sigmoid") {
    check_unary(REEL_OP(sigmoid), [](double x) { return 1 / (1 + std::exp(-x)); });
  }
  SUBCASE("erf") {
    check_unary(REEL_OP(erf), [](double x) { return std::erf(x); });
  }
  SUBCASE("clamp") {
    check_unary([](const Tensor& x) { return clamp(x, -0.5, 1); },
                [](double x) { return std::clamp(x, -0.5, 1.0); });
    check_unary([](const Tensor& x) { return clamp(x, {}, 1); },
                [](double x) { return std::min(x, 1.0); });
  }
}

TEST_CASE("activations") {
  const auto normal_cdf = [](double x) { return 0.5 * (1 + std::erf(x / std::numbers::sqrt2)); };
  SUBCASE("relu") {
    check_unary(REEL_OP(relu), [](double x) { return std::max(x, 0.0); });
  }
  SUBCASE("leaky_relu") {
    check_unary([](const Tensor& x) { return leaky_relu(x, 0.1); },
                [](double x) { return x > 0 ? x : 0.1 * x; });
  }
  SUBCASE("gelu") {
    check_unary(REEL_OP(gelu), [&](double x) { return x * normal_cdf(x); });
  }
  SUBCASE("gelu by tanh") {
    check_unary([](const Tensor& x) { return gelu(x, {.approximate = "tanh"}); },
                [](double x) {
                  const double u = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
                  return 0.5 * x * (1 + std::tanh(u));
                });
  }
  SUBCASE("silu") {
    check_unary(REEL_OP(silu), [](double x) { return x / (1 + std::exp(-x)); });
  }
  SUBCASE("softplus") {
    check_unary(REEL_OP(softplus), [](double x) { return std::log1p(std::exp(x)); });
    check_unary([](const Tensor& x) { return softplus(x, 2, 1.5); },
                [](double x) { return 2 * x > 1.5 ? x : std::log1p(std::exp(2 * x)) / 2; });
  }
  SUBCASE("elu") {
    check_unary([](const Tensor& x) { return elu(x, 0.7); },
                [](double x) { return x > 0 ? x : 0.7 * std::expm1(x); });
  }
}

TEST_CASE("the fused backward of each function equals its formula") {
  const Tensor x = random_tensor({50}, -3, 3).requires_grad_();
  const auto both_ways_agree = [&](auto f) {
    const Tensor y = f(x);
    const Tensor dy = random_tensor({50}, -1, 1, 5);
    const Tensor fused = grad(y, x, {.grad_outputs = {dy}, .retain_graph = true});
    const Tensor weight = dy.detach().requires_grad_();  // recorded, so that the formula is used
    const Tensor plain = grad(y, x, {.grad_outputs = {weight}, .create_graph = true});
    CHECK(plain.requires_grad());
    check_values(fused, {50}, values_of(plain));
  };
  both_ways_agree(REEL_OP(relu));
  both_ways_agree(REEL_OP(silu));
  both_ways_agree(REEL_OP(tanh));
  both_ways_agree(REEL_OP(sigmoid));
  both_ways_agree(REEL_OP(abs));
  both_ways_agree([](const Tensor& v) { return sqrt(abs(v)); });
  both_ways_agree(REEL_OP(gelu));
  both_ways_agree([](const Tensor& v) { return gelu(v, {.approximate = "tanh"}); });
  both_ways_agree([](const Tensor& v) { return leaky_relu(v, 0.2); });
  both_ways_agree([](const Tensor& v) { return softplus(v, 1.5, 2); });
  both_ways_agree([](const Tensor& v) { return elu(v, 1.3); });
  both_ways_agree([](const Tensor& v) { return clamp(v, -1, 1); });
  both_ways_agree([](const Tensor& v) { return maximum(v, 0.5); });
  both_ways_agree([](const Tensor& v) { return minimum(0.5, v); });
}

TEST_CASE("gradients where a function has a kink follow PyTorch") {
  const Tensor x = tensor({-1., 0., 1.}, {.dtype = float64, .requires_grad = true});
  const auto gradient = [&](const Tensor& y) { return values_of(grad(sum(y), x)); };
  using Values = std::vector<double>;
  CHECK(gradient(abs(x)) == Values{-1, 0, 1});
  CHECK(gradient(relu(x)) == Values{0, 0, 1});
  CHECK(gradient(maximum(x, 0)) == Values{0, 0.5, 1});
  CHECK(gradient(minimum(x, 0)) == Values{1, 0.5, 0});
  CHECK(gradient(maximum(x, x)) == Values{1, 1, 1});
  CHECK(gradient(clamp(x, 0, 1)) == Values{0, 0, 0});
  CHECK(gradient(clamp(x, -2, 1)) == Values{1, 1, 0});
  CHECK(gradient(clamp(x, {}, 0)) == Values{1, 0, 0});
  CHECK(gradient(pow(x, 0)) == Values{0, 0, 0});
  CHECK(gradient(pow(x, 3)) == Values{3, 0, 3});
  CHECK(gradient(floor(x)) == Values{0, 0, 0});
}

TEST_CASE("powers of numbers take the cheap way and stay differentiable") {
  for (double exponent : {-2., -1., -0.5, 0., 0.5, 1., 1.7, 2., 3.}) {
    CAPTURE(exponent);
    check_unary([=](const Tensor& x) { return pow(x, exponent); },
                [=](double x) { return std::pow(x, exponent); }, {0.5, 2});
  }
  check_values(pow(2, tensor({1., 2., 3.})), {3}, {2, 4, 8}, 1e-6);
  check_values(pow(tensor({0., 0.}), tensor({0., 2.})), {2}, {1, 0});
}

TEST_CASE("the gradient of a power at base 0 is finite where it should be") {
  const Tensor base = tensor({0., 0., 2.}, {.dtype = float64, .requires_grad = true});
  check_values(grad(sum(pow(base, tensor({0., 2., 3.}, {.dtype = float64}))), base), {3},
               {0, 0, 12});
  const Tensor x = tensor({0., 2.}, {.dtype = float64});
  const Tensor y = tensor({2., 3.}, {.dtype = float64, .requires_grad = true});
  check_values(grad(sum(pow(x, y)), y), {2}, {0, 8 * std::log(2.0)});
}

TEST_CASE("second derivatives of a power are right at base 0 and at exponent 0") {
  const Tensor x = tensor({2., 0., 0., 0.}, {.dtype = float64, .requires_grad = true});
  const Tensor y = tensor({0., 0., 2., 3.}, {.dtype = float64, .requires_grad = true});
  const Tensor power = sum(pow(x, y));
  const std::vector<Tensor> first = grad({power}, {x, y}, {.create_graph = true});
  const std::vector<Tensor> of_x = grad({sum(first[0])}, {x, y}, {.retain_graph = true});
  check_values(of_x[0], {4}, {0, 0, 2, 0});
  check_values(of_x[1], {4}, {0.5, 0, 0, 0});  // y x^(y - 1) grows by 1 / x from y = 0 on
  const std::vector<Tensor> of_y = grad({sum(first[1])}, {x, y});
  check_values(of_y[0], {4}, {0.5, 0, 0, 0});
  check_values(of_y[1], {4}, {std::log(2.0) * std::log(2.0), 0, 0, 0});
}

TEST_CASE("operators take tensors and numbers on either side") {
  const Tensor x = tensor({1., 2., 4.}, {.dtype = float64});
  check_values(x + 1, {3}, {2, 3, 5});
  check_values(1 + x, {3}, {2, 3, 5});
  check_values(x - 1, {3}, {0, 1, 3});
  check_values(1 - x, {3}, {0, -1, -3});
  check_values(x * 3, {3}, {3, 6, 12});
  check_values(3 * x, {3}, {3, 6, 12});
  check_values(x / 2, {3}, {0.5, 1, 2});
  check_values(2 / x, {3}, {2, 1, 0.5});
  check_values(-x, {3}, {-1, -2, -4});
  check_values(x == 2, {3}, {0, 1, 0});
  check_values(2 != x, {3}, {1, 0, 1});
  check_values(x < 2, {3}, {1, 0, 0});
  check_values(2 <= x, {3}, {0, 1, 1});
  check_values(x > 1.5 && !(x == 4), {3}, {0, 1, 0});
  check_values(x < 2 || x > 2, {3}, {1, 0, 1});
  check_values(x.add(1).mul(2).sub(x).div(x), {3}, {3, 2, 1.5});
}

TEST_CASE("dtypes are promoted as in PyTorch, numbers by their kind") {
  const auto of = [](DType dtype) { return ones({2}, {.dtype = dtype}); };
  CHECK((of(float32) + of(float64)).dtype() == float64);
  CHECK((of(int32) + of(int64)).dtype() == int64);
  CHECK((of(uint8) + of(int32)).dtype() == int32);
  CHECK((of(bool_) + of(uint8)).dtype() == uint8);
  CHECK((of(int64) + of(float32)).dtype() == float32);
  CHECK((of(float32) * 2.5).dtype() == float32);
  CHECK((of(int32) * 2).dtype() == int32);
  CHECK((of(uint8) * 2).dtype() == uint8);
  CHECK((of(int32) * 2.5).dtype() == float32);
  CHECK((of(bool_) * 2).dtype() == int64);
  CHECK((of(bool_) + true).dtype() == bool_);
  CHECK((of(float32) + ones({}, {.dtype = float64})).dtype() == float32);  // 0-d: by kind
  CHECK((of(int32) + ones({}, {.dtype = float64})).dtype() == float64);
  CHECK((ones({}, {.dtype = float64}) + ones({}, {.dtype = float32})).dtype() == float64);
  CHECK((ones({}, {.dtype = int32}) + 1).dtype() == int32);
  CHECK((of(int64) / of(int64)).dtype() == float32);
  CHECK((of(uint8) / 2).dtype() == float32);
  CHECK(exp(of(int64)).dtype() == float32);
  CHECK(pow(of(int32), 2).dtype() == int32);
  CHECK(pow(of(uint8), of(int64)).dtype() == int64);
  CHECK(pow(of(bool_), 2).dtype() == int64);
  CHECK(pow(of(int32), 2.0).dtype() == float32);
  CHECK(pow(Tensor(2), 2).dtype() == int64);
  CHECK(pow(Tensor(2.0), 2).dtype() == float32);
  CHECK(pow(Tensor(2.0), 1.7).dtype() == float32);
  CHECK(relu(of(int32)).dtype() == int32);
  CHECK(maximum(of(int32), 0.5).dtype() == float32);
  CHECK(where(of(bool_), of(int32), 1.5).dtype() == float32);
  CHECK((of(int32) == of(float64)).dtype() == bool_);
  check_values(of(int32) / 2, {2}, {0.5, 0.5});
}

TEST_CASE("gradients come back in each input's dtype") {
  const Tensor a = ones({2}, {.requires_grad = true});
  const Tensor b = ones({2}, {.dtype = float64, .requires_grad = true});
  sum(a * b).backward();
  CHECK(a.grad().dtype() == float32);
  CHECK(b.grad().dtype() == float64);
}

TEST_CASE("integer and bool arithmetic is exact") {
  const Tensor big = tensor({std::int64_t{1} << 60, std::int64_t{-3}});
  CHECK((big + 1)[0].item<std::int64_t>() == (std::int64_t{1} << 60) + 1);
  CHECK((big * -1)[1].item<std::int64_t>() == 3);
  CHECK((big == big - 1)[0].item<bool>() == false);
  check_values(abs(tensor({-3, 4})), {2}, {3, 4});
  for (const Tensor& whole : {floor(big), ceil(big), round(big)}) {
    CHECK(whole.dtype() == int64);
    CHECK((whole == big).all().item<bool>());
  }
  check_values(clamp(tensor({-3, 4, 9}), 0, 5), {3}, {0, 4, 5});
  CHECK(clamp(tensor({-3, 4, 9}), 0, 5).dtype() == int64);
  CHECK(clamp(tensor({-3, 4, 9}), 0.5).dtype() == float32);
  const Tensor yes_no = tensor({true, false});
  check_values(yes_no + yes_no, {2}, {1, 0});
  CHECK((yes_no + yes_no).dtype() == bool_);
  check_values(yes_no * tensor({true, true}), {2}, {1, 0});
}

TEST_CASE("comparisons, tests and logic") {
  const Tensor x = tensor({1., nan_value, inf, -inf, 0.}, {.dtype = float64});
  check_values(isnan(x), {5}, {0, 1, 0, 0, 0});
  check_values(isinf(x), {5}, {0, 0, 1, 1, 0});
  check_values(isfinite(x), {5}, {1, 0, 0, 0, 1});
  check_values(x == x, {5}, {1, 0, 1, 1, 1});
  check_values(logical_not(x), {5}, {0, 0, 0, 0, 1});
  check_values(logical_and(x, 1), {5}, {1, 1, 1, 1, 0});
  check_values(logical_or(x, 0), {5}, {1, 1, 1, 1, 0});
  check_values(logical_xor(x, true), {5}, {0, 0, 0, 0, 1});
  check_values(isnan(tensor({1, 2})), {2}, {0, 0});
  check_values(isfinite(tensor({1, 2})), {2}, {1, 1});
  CHECK(ge(tensor({1, 2}), tensor({2, 2})).dtype() == bool_);
  check_values(tensor({1, 2}).ge(2), {2}, {0, 1});
  check_values(eq(ones({2, 1}), ones({1, 3})), {2, 3}, {1, 1, 1, 1, 1, 1});
  CHECK_FALSE(gt(ones({2}, {.requires_grad = true}), 0).requires_grad());
}

TEST_CASE("results keep the memory order of a dense input") {
  const Tensor image = random_tensor({2, 4, 4, 3}).permute({0, 3, 1, 2});  // channels-last
  CHECK(relu(image).strides() == image.strides());
  CHECK((image + image).strides() == image.strides());
  CHECK((image * 2).strides() == image.strides());
  CHECK((2 * image).strides() == image.strides());
  CHECK((image + ones({3, 1, 1}, {.dtype = float64})).strides() == image.strides());
  CHECK((ones({3, 1, 1}, {.dtype = float64}) + image).strides() == image.strides());
  CHECK((image > 0).strides() == image.strides());
  const Tensor packed = image.contiguous();
  CHECK((packed + image).strides() == packed.strides());
  check_values(packed + image, image.shape(), values_of(packed * 2));
  CHECK(exp(image.slice(1, 0, 2)).is_contiguous());  // gaps: not dense
}

TEST_CASE("large tensors of different layouts are combined right") {
  const Tensor a = random_tensor({130, 170}), b = random_tensor({170, 130}, -1, 1, 3).t();
  const Tensor expected = a + b.contiguous();
  CHECK((a + b == expected).all().item<bool>());
  CHECK((b + a == expected).all().item<bool>());
  CHECK((where(a > b, a, b) == maximum(a, b)).all().item<bool>());
}

TEST_CASE("powers of integers are integers, exact to the last digit") {
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;
  CHECK(pow(tensor({odd}), 1).item<std::int64_t>() == odd);
  CHECK(pow(tensor({odd, -3}), tensor({0, 3}))[1].item<std::int64_t>() == -27);
  CHECK(pow(tensor({std::int64_t{3}}), 39).item<std::int64_t>() == 4052555153018976267);
  CHECK(pow(tensor({std::int64_t{3}}), 41).item<std::int64_t>() == -420491770248316829);  // wraps
  check_values(pow(tensor({3, 16}, {.dtype = uint8}), 300), {2}, {113, 0});               // mod 256
  check_values(pow(tensor({true, false}), 2), {2}, {1, 0});
  check_values(pow(2, tensor({0, 1, 10})), {3}, {1, 2, 1024});
  CHECK(pow(zeros(0, {.dtype = int64}), zeros(0, {.dtype = int64})).numel() == 0);
  check_values(pow(tensor({4, 9}), 0.5), {2}, {2, 3});
  CHECK_THROWS_WITH_AS(
      pow(tensor({2, 3}), -1),
      "[pow] expected exponents of 0 or more for integers, got -1\nhelp: x.to(float32)", Error);
  CHECK_THROWS_AS(pow(tensor({2, 3}), tensor({1, -2})), Error);
  CHECK_THROWS_WITH_AS(pow(tensor({true}), tensor({true})), doctest::Contains("[pow] expected"),
                       Error);
}

TEST_CASE("clamp of integers is exact, and of their dtype where the bounds are integers") {
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;
  CHECK(clamp(tensor({std::int64_t{5}}), odd).item<std::int64_t>() == odd);
  CHECK(clamp(tensor({odd + 2}), {}, odd).item<std::int64_t>() == odd);
  CHECK(tensor({odd + 2}).clamp_(0, odd).item<std::int64_t>() == odd);
  check_values(clamp(tensor({0, 200}, {.dtype = uint8}), -1, 300), {2}, {0, 200});
  CHECK(clamp(tensor({0, 200}, {.dtype = uint8}), -1, 300).dtype() == uint8);
  CHECK(clamp(tensor({-3, 4, 9}), 0., 5.).dtype() == float32);
  CHECK(clamp(tensor({true, false}), 0, 1).dtype() == int64);
  const Tensor x = tensor({-3, 4, 9});
  check_values(x.clamp(0), {3}, {0, 4, 9});
  CHECK_THROWS_WITH_AS(x.clamp_(0.5), "[clamp_] expected bounds that fit dtype int64, got float32",
                       Error);
}

TEST_CASE("clamp takes tensors as bounds, which get their share of the gradient") {
  const Tensor x = random_tensor({2, 3}), low = random_tensor({3}, -2, 0, 5),
               high = random_tensor({2, 1}, 0, 2, 6);
  check_values(clamp(x, low, high), {2, 3}, values_of(minimum(maximum(x, low), high)));
  check_gradients([](const Tensor& v, const Tensor& a, const Tensor& b) { return clamp(v, a, b); },
                  x, low, high);
  check_gradients([](const Tensor& v, const Tensor& b) { return clamp(v, {}, b); }, x, high);
  const Tensor edge = tensor({0., 1.}, {.dtype = float64, .requires_grad = true});
  check_values(grad(sum(clamp(edge, tensor({0., 0.}), 3)), edge), {2}, {0.5, 1});
  const Tensor y = tensor({5., -5.});
  y.clamp_(tensor({0., 0.}), tensor({1., 1.}));
  check_values(y, {2}, {1, 0});
  CHECK_THROWS_WITH_AS(clamp(x, zeros(4)), doctest::Contains("[clamp] expected shapes that"),
                       Error);
}

TEST_CASE("a bound that is NaN makes everything NaN, and infinite numbers pass where none is") {
  for (const DType dtype : {float32, float64}) {
    const Tensor x = tensor({-1., 0.5, 3., inf}, {.dtype = dtype, .requires_grad = true});
    CHECK(isnan(clamp(x, nan_value, 2)).all().item<bool>());
    CHECK(isnan(clamp(x, {}, nan_value)).all().item<bool>());
    CHECK(isnan(x.detach().clone().clamp_(0, nan_value)).all().item<bool>());
    check_values(grad(sum(clamp(x, nan_value, 2)), x), {4}, {0, 0, 0, 0});
    check_values(grad(sum(clamp(x, 0)), x), {4}, {0, 1, 1, 1});
    check_values(grad(sum(clamp(x, 2, 1)), x), {4}, {0, 0, 0, 0});  // as PyTorch: all are the max
    check_values(clamp(x, 2, 1), {4}, {1, 1, 1, 1});
    const Tensor recorded = grad(sum(clamp(x, 0, 3)), x, {.create_graph = true});
    check_values(recorded, {4}, {0, 1, 0, 0});
    check_values(grad(sum(clamp(x, 0)), x, {.create_graph = true}), {4}, {0, 1, 1, 1});
  }
}

TEST_CASE("of maximum and minimum with NaN both sides get the gradient") {
  const Tensor a = tensor({1., nan_value, 2.}, {.dtype = float64, .requires_grad = true});
  const Tensor b = tensor({nan_value, 1., 1.}, {.dtype = float64, .requires_grad = true});
  for (const bool create_graph : {false, true}) {
    const auto of = [&](const Tensor& y) {
      return grad({sum(y)}, {a, b}, {.create_graph = create_graph});
    };
    check_values(of(maximum(a, b))[0], {3}, {1, 1, 1});
    check_values(of(maximum(a, b))[1], {3}, {1, 1, 0});
    check_values(of(minimum(a, b))[0], {3}, {1, 1, 0});
    check_values(of(minimum(a, b))[1], {3}, {1, 1, 1});
  }
}
