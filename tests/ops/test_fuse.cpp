#include "reel/ops/pointwise/fuse.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>
#include <string>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/base/threads.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

constexpr Size many = 20000;  // enough to be fused, and no multiple of a tile

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const NoGradGuard no_grad;
  return abs(a.to(float64) - b.to(float64)).max().item();
}

std::string op_of(const Tensor& y) { return y.impl().node == nullptr ? "" : y.impl().node->name; }

/// Fused and not: the same values, first and second derivatives.
template <class F, class... Tensors>
void check_same(const char* name, F f, const Tensors&... xs) {
  CAPTURE(name);
  const auto fused = fuse(f);
  const Tensor y = fused(xs...), plain = f(xs...);
  CHECK(op_of(y) == "fused");
  CHECK(y.dtype() == plain.dtype());
  CHECK(largest_difference(y, plain) < 1e-12);
  const Tensor dy = randn(y.shape(), {.dtype = y.dtype()});
  const std::vector<Tensor> inputs{xs...};
  const auto got = grad({y}, inputs, {.grad_outputs = {dy}});
  const auto wanted = grad({plain}, inputs, {.grad_outputs = {dy}});
  for (std::size_t i = 0; i < inputs.size(); ++i)
    CHECK(largest_difference(got[i], wanted[i]) < 1e-11);
}

Tensor values(const Shape& shape, double from = -2, double to = 2, DType dtype = float64) {
  return (rand(shape, {.dtype = dtype}) * (to - from) + from).requires_grad_();
}

}  // namespace

TEST_CASE("a fused chain gives what its ops give, for every op that elements know") {
  manual_seed(1);
  const Tensor x = values({many}), y = values({many}), p = values({many}, 0.1, 3);
  check_same(
      "add", [](auto a, auto b) { return a + b; }, x, y);
  check_same(
      "numbers", [](auto a) { return 1 - (2 * a + 3) / 4; }, x);
  check_same(
      "sub", [](auto a, auto b) { return a - b; }, x, y);
  check_same(
      "mul", [](auto a, auto b) { return a * b; }, x, y);
  check_same(
      "div", [](auto a, auto b) { return a / b; }, x, p);
  check_same(
      "neg", [](auto a) { return -a; }, x);
  check_same(
      "maximum", [](auto a, auto b) { return maximum(a, b) * minimum(a, b + 1); }, x, y);
  check_same(
      "pow", [](auto a) { return pow(a, 2) + pow(a, 3) + pow(a, 0.5) + pow(a, -1) + pow(a, 1.7); },
      p);
  check_same(
      "abs", [](auto a) { return abs(a); }, x);
  check_same(
      "square", [](auto a) { return square(a); }, x);
  check_same(
      "clamp", [](auto a) { return clamp(a, -1, 1) + clamp(a, 0.5); }, x);
  check_same(
      "sqrt", [](auto a) { return sqrt(a); }, p);
  check_same(
      "rsqrt", [](auto a) { return rsqrt(a); }, p);
  check_same(
      "reciprocal", [](auto a) { return reciprocal(a); }, p);
  check_same(
      "exp", [](auto a) { return exp(a); }, x);
  check_same(
      "log", [](auto a) { return log(a); }, p);
  check_same(
      "log1p", [](auto a) { return log1p(a); }, p);
  check_same(
      "expm1", [](auto a) { return expm1(a); }, x);
  check_same(
      "sin", [](auto a) { return sin(a); }, x);
  check_same(
      "cos", [](auto a) { return cos(a); }, x);
  check_same(
      "tanh", [](auto a) { return tanh(a); }, x);
  check_same(
      "sigmoid", [](auto a) { return sigmoid(a); }, x);
  check_same(
      "erf", [](auto a) { return erf(a); }, x);
  check_same(
      "relu", [](auto a) { return relu(a); }, x);
  check_same(
      "leaky_relu", [](auto a) { return leaky_relu(a) + leaky_relu(a, 0.3); }, x);
  check_same(
      "gelu", [](auto a) { return gelu(a) + gelu(a, {.approximate = "tanh"}); }, x);
  check_same(
      "silu", [](auto a) { return silu(a); }, x);
  check_same(
      "softplus", [](auto a) { return softplus(a) + softplus(a, 2, 1); }, x);
  check_same(
      "elu", [](auto a) { return elu(a) + elu(a, 0.7); }, x);
}

namespace {

/// Zeros of both signs, infinities, NaN, numbers at and beyond the ends of what functions resolve;
/// as many as it takes to be fused.
Tensor special_values(DType dtype) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> some{0.0,  -0.0,  1,   -1,   0.5, -0.5, 2,    -2,    20,  -20,  90, -90,
                                 1e-9, -1e-9, 750, -750, 3e4, -3e4, 1e30, -1e30, inf, -inf, nan};
  const auto count = static_cast<Size>(some.size());
  const Tensor row = from_blob(const_cast<double*>(some.data()), {count}).to(dtype).clone();
  return cat(std::vector<Tensor>(static_cast<std::size_t>(many / count) + 1, row));
}

/// Where the bits differ, NaNs aside: a sentence about the first place.
std::string first_difference(const Tensor& x, const Tensor& a, const Tensor& b) {
  const NoGradGuard no_grad;
  const Tensor same = (a == b && 1 / a == 1 / b) || (isnan(a) && isnan(b));
  if (same.all().item<bool>()) return "";
  const auto first = argmin(same.to(int64)).item<Size>();
  return fmt::format("at {}: {} and {}", x[first].item(), a[first].item(), b[first].item());
}

template <class F>
void check_same_at_special_values(const char* op, F f) {
  for (const DType dtype : {float32, float64}) {
    CAPTURE(op);
    CAPTURE(std::string(name(dtype)));
    const Tensor x = special_values(dtype).requires_grad_();
    const Tensor fused = fuse(f)(x), plain = f(x);
    REQUIRE(op_of(fused) == "fused");
    CHECK(first_difference(x, fused, plain) == "");
    for (const double weight : {1.0, 0.0, std::numeric_limits<double>::infinity()}) {
      CAPTURE(weight);
      const GradOptions options{.grad_outputs = {full_like(x, weight)}, .retain_graph = true};
      CHECK(first_difference(x, grad({fused}, {x}, options)[0], grad({plain}, {x}, options)[0]) ==
            "");
    }
  }
}

}  // namespace

TEST_CASE("a fused chain agrees with its ops at zeros, infinities and NaN, to the sign of zero") {
  for (const double exponent : {0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.0, 2.5, 3.0, 4.0, -3.0}) {
    CAPTURE(exponent);
    check_same_at_special_values("pow", [exponent](auto x) { return pow(x, exponent); });
  }
  check_same_at_special_values("neg", [](auto x) { return -x; });
  check_same_at_special_values("abs", [](auto x) { return abs(x); });
  check_same_at_special_values("square", [](auto x) { return square(x); });
  check_same_at_special_values("clamp", [](auto x) { return clamp(x, -1, 1); });
  check_same_at_special_values("sqrt", [](auto x) { return sqrt(x); });
  check_same_at_special_values("rsqrt", [](auto x) { return rsqrt(x); });
  check_same_at_special_values("reciprocal", [](auto x) { return reciprocal(x); });
  check_same_at_special_values("exp", [](auto x) { return exp(x); });
  check_same_at_special_values("log", [](auto x) { return log(x); });
  check_same_at_special_values("log1p", [](auto x) { return log1p(x); });
  check_same_at_special_values("expm1", [](auto x) { return expm1(x); });
  check_same_at_special_values("sin", [](auto x) { return sin(x); });
  check_same_at_special_values("cos", [](auto x) { return cos(x); });
  check_same_at_special_values("tanh", [](auto x) { return tanh(x); });
  check_same_at_special_values("sigmoid", [](auto x) { return sigmoid(x); });
  check_same_at_special_values("erf", [](auto x) { return erf(x); });
  check_same_at_special_values("relu", [](auto x) { return relu(x); });
  check_same_at_special_values("leaky_relu", [](auto x) { return leaky_relu(x); });
  check_same_at_special_values("gelu", [](auto x) { return gelu(x); });
  check_same_at_special_values("gelu_tanh",
                               [](auto x) { return gelu(x, {.approximate = "tanh"}); });
  check_same_at_special_values("silu", [](auto x) { return silu(x); });
  check_same_at_special_values("softplus", [](auto x) { return softplus(x); });
  check_same_at_special_values("elu", [](auto x) { return elu(x); });
  check_same_at_special_values("div", [](auto x) { return x / 2 + 1 / x; });
  check_same_at_special_values("maximum", [](auto x) { return maximum(x, 0) - minimum(x, 1); });
}

TEST_CASE("a fused chain's gradient through a power of 0 is 0, as that of pow") {
  const Tensor x = zeros({many}, {.dtype = float64, .requires_grad = true});
  fuse([](auto a) { return pow(a, 0.0); })(x).sum().backward();
  CHECK(x.grad().abs().max().item() == 0);
  const Tensor y = full({many}, -0.0, {.dtype = float64});
  CHECK(fuse([](auto a) { return pow(a, -0.5); })(y)[0].item() ==
        -std::numeric_limits<double>::infinity());
}

namespace {

template <class F, class... Arguments>
constexpr bool callable = requires(const F& f, const Arguments&... arguments) { f(arguments...); };

}  // namespace

TEST_CASE("a fused function can be asked what it takes") {
  const auto f = fuse([](auto a, auto b) { return a * b; });
  using F = decltype(f);
  CHECK(callable<F, Tensor, Tensor>);
  CHECK(callable<F, Tensor, double>);
  CHECK_FALSE(callable<F, Tensor>);
  CHECK_FALSE(callable<F, Tensor, Tensor, Tensor>);
  CHECK_FALSE(callable<F>);
  CHECK_FALSE(callable<F, Tensor, std::string>);
}

TEST_CASE("a fused chain: several uses of a value, inputs as results, results without inputs") {
  manual_seed(2);
  const Tensor a = values({many}), b = values({many}), c = values({many});
  check_same(
      "gate", [](auto x, auto y, auto z) { return tanh(x * y + z); }, a, b, c);
  check_same(
      "reuse",
      [](auto x, auto y) {
        auto s = x * y, t = sigmoid(s);
        return t * (1 - t) * s + t * x - exp(-s * s) / (1 + x * x);
      },
      a, b);
  check_same(
      "the argument itself", [](auto x) { return x; }, a);
  check_same(
      "one of two", [](auto x, auto) { return x * 2; }, a, b);
  check_same(
      "the same twice", [](auto x, auto y) { return x * y + y; }, a, a);
  const Tensor constant = fuse([](auto x) { return x * 0 + 3; })(a);
  CHECK(largest_difference(constant, full({many}, 3.0, {.dtype = float64})) == 0);
}

TEST_CASE("a fused chain broadcasts as ops do and keeps the layout") {
  manual_seed(3);
  const auto f = [](auto x, auto y) { return tanh(x * y + x); };
  const Tensor x = values({40, 30, 20});
  check_same("row", f, x, values({20}));
  check_same("rows", f, x, values({30, 20}));
  check_same("row with ones", f, x, values({1, 1, 20}));
  check_same("column", f, x, values({30, 1}));
  check_same("both", f, values({400, 1}), values({1, 90}));
  check_same("single", f, x, values({}));
  check_same("single of rank 3", f, x, values({1, 1, 1}));
  check_same("transposed", f, values({200, 100}).t(), values({100, 200}));
  check_same("sliced", f, values({200, 100}).narrow(1, 3, 50), values({200, 50}));
  const Tensor images = values({20, 30, 30, 8}).permute({0, 3, 1, 2});
  CHECK(fuse(f)(images, images).strides() == images.strides());
  CHECK_THROWS_WITH_AS(fuse(f)(values({many}), values({3})), doctest::Contains("[fuse] expected"),
                       Error);
}

TEST_CASE("a fused chain has gradients of gradients") {
  manual_seed(4);
  const auto f = fuse([](auto x, auto y) { return tanh(x * y) * x; });
  const Tensor x = values({many}), y = values({many});
  const Tensor g = grad(f(x, y).sum(), x, {.create_graph = true});
  const Tensor plain = grad((tanh(x * y) * x).sum(), x, {.create_graph = true});
  const Tensor second = grad(square(g).sum(), y), wanted = grad(square(plain).sum(), y);
  CHECK(largest_difference(second, wanted) < 1e-10);
}

TEST_CASE("a fused chain computes only the gradients that are needed") {
  const Tensor x = values({many}), y = values({many}).detach();
  const Tensor z = fuse([](auto a, auto b) { return a * exp(b); })(x, y);
  z.sum().backward();
  CHECK(largest_difference(x.grad(), exp(y)) < 1e-12);
  CHECK_FALSE(y.grad().defined());
  const NoGradGuard no_grad;
  CHECK_FALSE(fuse([](auto a) { return a * 2; })(x).requires_grad());
}

TEST_CASE("a fused chain of small, integer or mixed tensors is the ops themselves") {
  const auto f = fuse([](auto a, auto b) { return a * b + 1; });
  const Tensor x = values({3});
  CHECK(op_of(f(x, x)) == "add");
  CHECK(f(ones({many}, {.dtype = int64}), ones({many}, {.dtype = int64})).dtype() == int64);
  CHECK(f(ones({many}), ones({many}, {.dtype = float64})).dtype() == float64);
  CHECK(op_of(f(values({many}), 2)) == "fused");  // numbers adapt
  CHECK(f(values({many}, 0, 1, float32), 2).dtype() == float32);
}

TEST_CASE("a fused chain in float32: same bits with one thread and two, NaN passes") {
  manual_seed(5);
  const auto f = fuse([](auto a, auto b) { return sigmoid(a * b) + relu(a); });
  const Tensor a = values({300000}, -2, 2, float32), b = values({300000}, -2, 2, float32);
  const int before = get_num_threads();
  set_num_threads(1);
  const Tensor one = f(a, b), g1 = grad(one.sum(), a);
  set_num_threads(2);
  const Tensor two = f(a, b), g2 = grad(two.sum(), a);
  set_num_threads(before);
  CHECK(largest_difference(one, two) == 0);
  CHECK(largest_difference(g1, g2) == 0);
  const Tensor bad = full({many}, std::numeric_limits<double>::quiet_NaN());
  CHECK(isnan(f(bad, bad)).all().item<bool>());
}

TEST_CASE("a fused chain notices an input changed in place before backward") {
  const Tensor x = values({many});
  Tensor h = x * 1;
  const Tensor y = fuse([](auto a) { return exp(a); })(h);
  {
    const NoGradGuard no_grad;
    h.add_(1);
  }
  CHECK_THROWS_WITH_AS(y.sum().backward(), doctest::Contains("in place"), Error);
}
