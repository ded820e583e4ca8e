#include "reel/autograd/gradcheck.h"

#include <doctest/doctest.h>

#include <limits>
#include <sstream>

#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

Tensor input() { return linspace(0.1, 1.0, 4, {.dtype = float64, .requires_grad = true}); }

/// x^2 with a wrong rule.
Tensor wrong_square(const Tensor& x) {
  return record("wrong_square", (x * x).detach(),
                wrt(x, [x = save(x)](const Tensor& dy) { return dy * x; }));
}

/// Right at first order; its backward is not differentiable.
Tensor once_square(const Tensor& x) {
  return record("once_square", (x * x).detach(),
                wrt(x, [x = save(x)](const Tensor& dy) { return dy * x().detach() * 2; }));
}

}  // namespace

TEST_CASE("gradcheck agrees with right rules") {
  CHECK(gradcheck([](const Tensor& x) { return exp(x) * x; }, input()));
  CHECK(gradcheck([](const Tensor& x, const Tensor& y) { return x / y; }, input(), input()));
  CHECK(gradgradcheck([](const Tensor& x, const Tensor& y) { return x / y; }, input(), input()));
}

TEST_CASE("gradcheck says where a rule is wrong") {
  const GradcheckResult result = gradcheck(wrong_square, input());
  CHECK_FALSE(result);
  CHECK(result.message ==
        "input 0 element 0, output element 0: backward says 0.1, differences say 0.2");
  std::ostringstream printed;
  printed << result;
  CHECK(printed.str() == result.message);
}

TEST_CASE("a NaN in gradcheck's message has no sign") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double factor : {nan, -nan}) {
    CHECK(gradcheck([&](const Tensor& x) { return x * factor; }, input()).message ==
          "input 0 element 0, output element 0: backward says nan, differences say nan");
  }
}

TEST_CASE("gradgradcheck sees a backward that cannot be differentiated") {
  CHECK(gradcheck(once_square, input()));
  CHECK_FALSE(gradgradcheck(once_square, input()));
}

TEST_CASE("gradcheck handles functions of several outputs and fixed inputs") {
  const Tensor fixed = full({4}, 3, {.dtype = float64});
  CHECK(gradcheck(
      [](const Tensor& x, const Tensor& c) {
        return std::vector{x * c, x.sum()};
      },
      input(), fixed));
}

TEST_CASE("gradcheck keeps the layout of its inputs") {
  const Tensor x = linspace(0, 1, 6, {.dtype = float64}).view({2, 3}).t().requires_grad_();
  CHECK(gradcheck(
      [](const Tensor& v) {
        if (v.is_contiguous()) throw Error("the layout was lost");
        return v * v;
      },
      x));
}

TEST_CASE("gradcheck refuses inputs it cannot judge") {
  CHECK_THROWS_WITH_AS(
      gradcheck([](const Tensor& x) { return x; }, ones({1}, {.requires_grad = true})),
      doctest::Contains("[gradcheck] expected float64 inputs, got float32"), Error);
  CHECK_THROWS_WITH_AS(gradcheck([](const Tensor& x) { return x; }, ones({1}, {.dtype = float64})),
                       "[gradcheck] expected at least one input that requires grad, got none",
                       Error);
}

TEST_CASE("gradcheck refuses inputs whose elements share memory") {
  const auto square = [](const Tensor& x) { return x * x; };
  const Tensor one = full({1}, 0.5, {.dtype = float64});
  const Tensor expanded = one.expand({3}).detach().requires_grad_();
  CHECK_THROWS_WITH_AS(gradcheck(square, expanded),
                       "[gradcheck] expected inputs whose elements each have memory of their own, "
                       "got input 0 of shape [3] with strides [0]\nhelp: clone() it first",
                       Error);
  CHECK_THROWS_WITH_AS(gradgradcheck(square, expanded),
                       doctest::Contains("[gradgradcheck] expected inputs whose elements"), Error);
  // The same stride, but nothing that it leads to.
  CHECK(gradcheck(square, one.expand({1}).detach().requires_grad_()));
  // Fixed inputs take no step.
  CHECK(
      gradcheck([](const Tensor& x, const Tensor& c) { return x * c; }, input(), one.expand({4})));
}

TEST_CASE("gradcheck notices a function that changes its inputs in place") {
  const auto shifts = [](const Tensor& x) {
    NoGradGuard no_grad;
    x.add_(1);
    const EnableGradGuard again;
    return x * x;
  };
  CHECK_THROWS_WITH_AS(
      gradcheck(shifts, input()),
      "[gradcheck] expected a function that leaves its inputs as they are, got one "
      "that changes input 0 in place\nhelp: let it change a clone()",
      Error);
  CHECK_THROWS_WITH_AS(gradgradcheck(shifts, input()),
                       doctest::Contains("[gradgradcheck] expected a function that leaves"), Error);
  const auto counts = [](const Tensor& x, const Tensor& n) {
    n.add_(1);
    return x * n.detach().clone();
  };
  CHECK_THROWS_WITH_AS(gradcheck(counts, input(), ones({}, {.dtype = float64})),
                       doctest::Contains("changes input 1 in place"), Error);
}

TEST_CASE("gradcheck names itself when it meets undefined tensors") {
  CHECK_THROWS_WITH_AS(gradcheck([](const Tensor& x) { return x; }, Tensor()),
                       doctest::Contains("[gradcheck] expected inputs that are tensors"), Error);
  CHECK_THROWS_WITH_AS(gradcheck([](const Tensor&) { return Tensor(); }, input()),
                       doctest::Contains("[gradcheck] expected a function that returns tensors"),
                       Error);
}
