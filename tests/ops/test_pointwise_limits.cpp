// Derivatives at zeros, infinities and NaN: by the kernels in one pass, and by the ops that record
// them. The two are written apart and must agree.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "reel/autograd/print.h"
#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

using Function = Tensor (*)(const Tensor&);

const std::pair<std::string, Function> functions[] = {
    {"neg", [](const Tensor& x) { return -x; }},
    {"abs", [](const Tensor& x) { return abs(x); }},
    {"square", [](const Tensor& x) { return square(x); }},
    {"clamp", [](const Tensor& x) { return clamp(x, -1, 1); }},
    {"sqrt", [](const Tensor& x) { return sqrt(x); }},
    {"rsqrt", [](const Tensor& x) { return rsqrt(x); }},
    {"reciprocal", [](const Tensor& x) { return reciprocal(x); }},
    {"exp", [](const Tensor& x) { return exp(x); }},
    {"log", [](const Tensor& x) { return log(x); }},
    {"log1p", [](const Tensor& x) { return log1p(x); }},
    {"expm1", [](const Tensor& x) { return expm1(x); }},
    {"sin", [](const Tensor& x) { return sin(x); }},
    {"cos", [](const Tensor& x) { return cos(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"erf", [](const Tensor& x) { return erf(x); }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"gelu by tanh", [](const Tensor& x) { return gelu(x, {.approximate = "tanh"}); }},
    {"silu", [](const Tensor& x) { return silu(x); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"elu", [](const Tensor& x) { return elu(x); }},
    {"pow 0", [](const Tensor& x) { return pow(x, 0); }},
    {"pow 2.5", [](const Tensor& x) { return pow(x, 2.5); }},
};

Tensor points(DType dtype, std::vector<double> values) {
  return from_blob(values.data(), {static_cast<Size>(values.size())})
      .to(dtype)
      .clone()
      .requires_grad_();
}

double derivative(Function f, DType dtype, double at) {
  const Tensor x = points(dtype, {at});
  return grad(f(x).sum(), x).item();
}

}  // namespace

TEST_CASE("the kernels' derivatives and the recorded ones agree at special values") {
  for (const DType dtype : {float32, float64}) {
    for (const auto& [op, f] : functions) {
      const std::string& name_of_op = op;  // a capture cannot name a binding
      CAPTURE(name_of_op);
      CAPTURE(std::string(name(dtype)));
      const Tensor x = points(
          dtype, {0.0, -0.0, 1, -1, 5, -5, 20, -20, 90, -90, infinity, -infinity, not_a_number});
      const Tensor fast = grad(f(x).sum(), x);
      // Some take their derivative apart only where the tape follows dy.
      const Tensor y = f(x).sum(), dy = ones_like(y).requires_grad_();
      const Tensor recorded = grad(y, x, {.grad_outputs = {dy}, .create_graph = true}).detach();
      for (Size i = 0; i < x.numel(); ++i) {
        const double a = fast[i].item(), b = recorded[i].item();
        const bool same = a == b || (std::isnan(a) && std::isnan(b)) ||
                          std::abs(a - b) <= 1e-6 * (1 + std::abs(b));
        CHECK_MESSAGE(same, fmt::format("at {}: {} and {}", x[i].item(), a, b));
      }
    }
  }
}

TEST_CASE("gelu and silu have the slopes 1 and 0 at the ends") {
  const Function smooth[] = {[](const Tensor& x) { return gelu(x); },
                             [](const Tensor& x) { return gelu(x, {.approximate = "tanh"}); },
                             [](const Tensor& x) { return silu(x); }};
  for (const DType dtype : {float32, float64}) {
    for (const Function f : smooth) {
      for (const double end : {infinity, 1e30}) {
        CHECK(derivative(f, dtype, end) == 1);
        CHECK(derivative(f, dtype, -end) == 0);
        const Tensor x = points(dtype, {end, -end});
        const Tensor slope = grad(f(x).sum(), x, {.create_graph = true});
        CHECK(slope[0].item() == 1);
        CHECK(slope[1].item() == 0);
        const Tensor bend = grad(slope.sum(), x);
        CHECK(bend[0].item() == 0);
        CHECK(bend[1].item() == 0);
      }
      CHECK(std::isnan(derivative(f, dtype, not_a_number)));
    }
  }
}

TEST_CASE("the slope of clamp is the same in the kernel and on the tape, whatever its bounds") {
  const double huge = 1e300;  // infinite in float32
  const double bounds[] = {-infinity, -huge, -1, 0, 1, huge, infinity, not_a_number};
  for (const DType dtype : {float32, float64}) {
    const Tensor x = points(dtype, {-infinity, -2, -1, -0.5, 0, 0.5, 1, 2, infinity, not_a_number});
    for (const double low : bounds) {
      for (const double high : bounds) {
        CAPTURE(low);
        CAPTURE(high);
        const Tensor y = clamp(x, low, high), dy = ones_like(y), recorded = dy.clone();
        recorded.requires_grad_();
        const Tensor kernel = grad({y}, {x}, {.grad_outputs = {dy}, .retain_graph = true})[0];
        const Tensor tape = grad({y}, {x}, {.grad_outputs = {recorded}, .create_graph = true})[0];
        CHECK(to_string(tape.detach()) == to_string(kernel));
      }
    }
  }
}
