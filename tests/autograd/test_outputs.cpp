#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/ops.h"
#include "support/compare.h"

using namespace reel;
using testing::close;

namespace {

Tensor values(const Shape& shape) {
  manual_seed(1);
  return rand(shape, {.dtype = float64}).requires_grad_();
}

/// e^x and e^2x, whose rule takes both from the outputs and counts its runs.
std::vector<Tensor> powers(const Tensor& x, int* runs = nullptr, Gradients* got = nullptr) {
  Tensor once, twice;
  {
    const NoGradGuard no_grad;
    once = exp(x);
    twice = exp(2 * x);
  }
  auto [a, b] =
      record("powers", outputs(std::move(once), std::move(twice)), inputs(x),
             [runs, got](const Gradients& dy, const std::vector<Tensor>& y, const Needs&) {
               if (runs != nullptr) ++*runs;
               if (got != nullptr) *got = dy;
               Tensor dx;
               if (dy[0].defined()) dx = dy[0] * y[0];
               if (dy[1].defined()) dx = dx.defined() ? dx + 2 * dy[1] * y[1] : 2 * dy[1] * y[1];
               return Gradients{dx};
             });
  return {a, b};
}

}  // namespace

TEST_CASE("an op with several outputs has the gradients of all of them") {
  const Tensor x = values({2, 3});
  const auto both = [](const Tensor& t) {
    const std::vector<Tensor> y = powers(t);
    return y[0] * y[0] * y[1] + y[1];
  };
  const auto first = [](const Tensor& t) { return powers(t)[0]; };
  const auto second = [](const Tensor& t) { return powers(t)[1]; };
  CHECK(gradcheck(both, x));
  CHECK(gradgradcheck(both, x));
  CHECK(gradcheck(first, x));
  CHECK(gradgradcheck(first, x));
  CHECK(gradgradcheck(second, x));
}

TEST_CASE("the rule of several outputs runs once, when all gradients have come") {
  const Tensor x = values({3});
  int runs = 0;
  Gradients got;
  const std::vector<Tensor> y = powers(x, &runs, &got);
  const Tensor late = y[0] * y[1];
  (late + exp(y[0]) + y[1] * 3).sum().backward();
  CHECK(runs == 1);
  REQUIRE(got.size() == 2);
  CHECK(close(got[0], y[1] + exp(y[0])));
  CHECK(close(got[1], y[0] + 3));
}

TEST_CASE("an output that nobody used has an undefined gradient") {
  const Tensor x = values({3});
  int runs = 0;
  Gradients got;
  powers(x, &runs, &got)[1].sum().backward();
  CHECK(runs == 1);
  CHECK_FALSE(got[0].defined());
  CHECK(got[1].defined());
  CHECK(close(x.grad(), 2 * exp(2 * x)));
}

TEST_CASE("grad with respect to an output stops before its op") {
  const Tensor x = values({3});
  int runs = 0;
  const std::vector<Tensor> y = powers(x, &runs);
  const Tensor loss = (y[0] * y[0] * y[1]).sum();
  const std::vector<Tensor> dy = grad({loss}, {y[0], y[1]}, {.retain_graph = true});
  CHECK(runs == 0);
  CHECK(close(dy[0], 2 * y[0] * y[1]));
  CHECK(close(dy[1], y[0] * y[0]));
  const std::vector<Tensor> all = grad({loss}, {y[0], x});
  CHECK(runs == 1);
  CHECK(close(all[0], dy[0]));
  CHECK(close(all[1], dy[0] * y[0] + 2 * dy[1] * y[1]));
}

TEST_CASE("integer outputs are not followed") {
  const Tensor x = values({2, 3});
  const auto [top, place] = max(x, 1);
  CHECK(top.requires_grad());
  CHECK(top.op_name() == std::string("max"));
  CHECK_FALSE(place.requires_grad());
  CHECK(place.is_leaf());
}

TEST_CASE("what is followed by nobody records no outputs") {
  const Tensor x = rand({3});
  CHECK_FALSE(powers(x)[0].requires_grad());
  const Tensor w = values({3});
  const NoGradGuard no_grad;
  CHECK_FALSE(powers(w)[1].requires_grad());
}

TEST_CASE("several outputs are freed and checked as one is") {
  const Tensor x = values({3});
  const std::vector<Tensor> y = powers(x);
  const Tensor loss = (y[0] + y[1]).sum();
  loss.backward({.retain_graph = true});
  loss.backward();
  CHECK(close(x.grad(), 2 * (y[0] + 2 * y[1])));
  CHECK_THROWS_WITH_AS(powers(y[0])[0].sum().backward(),
                       doctest::Contains("[backward] expected the graph of 'powers' to be there"),
                       Error);

  const std::vector<Tensor> changed = powers(x);
  {
    const NoGradGuard no_grad;
    changed[0].mul_(2);
  }
  CHECK_THROWS_WITH_AS(changed[1].sum().backward(),
                       doctest::Contains("[powers] expected the tensor of shape [3] that it saved"),
                       Error);
}

TEST_CASE("max's indices must not change before backward") {
  const Tensor x = values({2, 3});
  const auto [top, place] = max(x, 1);
  place.fill_(0);
  CHECK_THROWS_WITH_AS(top.sum().backward(),
                       doctest::Contains("[max] expected the tensor of shape [2] that it saved"),
                       Error);
}

TEST_CASE("after an error in a rule of several outputs the graph can be walked again") {
  const Tensor x = values({3});
  bool fails = true;
  const auto [a, b] = record("twice", outputs(x.detach() * 2, x.detach() * 3), inputs(x),
                             [&fails](const Gradients& dy, const Needs&) {
                               check(!fails, "twice", "expected not to fail");
                               return Gradients{2 * dy[0] + 3 * dy[1]};
                             });
  const Tensor loss = (a * b).sum();
  CHECK_THROWS_AS(loss.backward({.retain_graph = true}), Error);
  fails = false;
  loss.backward();
  CHECK(close(x.grad(), 12 * x));
}

TEST_CASE("record of several outputs refuses what record of one refuses") {
  const Tensor x = values({3});
  const auto rule = [](const Gradients& dy, const Needs&) { return Gradients{dy[0]}; };
  CHECK_THROWS_WITH_AS((void)record("same", outputs(x, x.detach()), inputs(x), rule),
                       doctest::Contains("[same] expected a new tensor as the output to record"),
                       Error);
  CHECK_THROWS_WITH_AS((void)record("none", outputs(x.detach(), Tensor()), inputs(x), rule),
                       doctest::Contains("[none] expected a tensor as the output to record"),
                       Error);
  Tensor out = exp(x.detach());
  CHECK_THROWS_WITH_AS(
      (void)record("held", outputs(x.detach(), out), inputs(x),
                   [out](const Gradients& dy, const Needs&) { return Gradients{dy[1] * out}; }),
      doctest::Contains("[held] expected a rule that does not capture"), Error);
  const auto [a, b] = record("few", outputs(x.detach() + 1, x.detach() + 2), inputs(x),
                             [](const Gradients&, const Needs&) { return Gradients{}; });
  CHECK_THROWS_WITH_AS(
      (a + b).sum().backward(),
      doctest::Contains("[few] expected its backward to return 1 gradients, one for each input"),
      Error);
}

TEST_CASE("the pieces of a tensor have one op between them and it") {
  const Tensor x = values({5, 4});
  const auto some = [](const Tensor& t) {
    const std::vector<Tensor> rows = unbind(t, 0), parts = split(t, {1, 0, 4}, 0),
                              halves = chunk(t, 2, 1), pairs = split(t, 2, 0);
    return rows[1] * rows[4] * rows[4] + parts[2][1] * parts[0][0] +
           cat({halves[1][2], halves[1][3]}) * pairs[2][0];
  };
  CHECK(gradcheck(some, x));
  CHECK(gradgradcheck(some, x));
  const std::vector<Tensor> rows = unbind(x);
  rows[3].sum().backward();
  CHECK(x.grad().sum().item() == 4);
  rows[3].sum().backward();  // nothing was saved: it serves again
  CHECK(x.grad()[3][0].item() == 2);
}

TEST_CASE("relu in the memory of an output that was given away") {
  const Tensor x = values({4});
  const auto f = [](const Tensor& t) {
    auto [a, b] = record("shift", outputs(t.detach() - 0.5, t.detach() * 1), inputs(t),
                         [](const Gradients& dy, const Needs&) {
                           Tensor dx = dy[0];
                           if (dy[1].defined()) dx = dx.defined() ? dx + dy[1] : dy[1];
                           return Gradients{dx};
                         });
    return relu(std::move(a)) * b;
  };
  CHECK(gradcheck(f, x));
  CHECK(gradgradcheck(f, x));
}

TEST_CASE("threads may walk the outputs of one op at once") {
  const Tensor x = values({8});
  const std::vector<Tensor> y = powers(x);
  const Tensor loss = (y[0] * y[1]).sum();
  const Tensor expected = grad(loss, x, {.retain_graph = true});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) {
        if (!close(grad(loss, x, {.retain_graph = true}), expected)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
