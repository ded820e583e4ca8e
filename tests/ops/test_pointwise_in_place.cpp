#include <doctest/doctest.h>

#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"
#include "support/op_check.h"

using namespace reel;
using reel::testing::check_values;

TEST_CASE("in-place forms change the tensor and every view of it") {
  const Tensor x = tensor({1., 2., 3., 4.}, {.dtype = float64});
  const Tensor view = x.view({2, 2});
  x.add_(1);
  check_values(view, {2, 2}, {2, 3, 4, 5});
  x.sub_(tensor({1., 1., 1., 1.}));
  check_values(x, {4}, {1, 2, 3, 4});
  view.mul_(tensor({2., 3.}, {.dtype = float64}));  // a row for all rows
  check_values(x, {4}, {2, 6, 6, 12});
  view.t().div_(tensor({2., 3.}, {.dtype = float64}));  // and along the other dimension
  check_values(x, {4}, {1, 3, 2, 4});
  x.clamp_(2, 3);
  check_values(x, {4}, {2, 3, 2, 3});
  x.fill_(7);
  check_values(x, {4}, {7, 7, 7, 7});
  x.slice(0, {}, {}, 2).zero_();
  check_values(x, {4}, {0, 7, 0, 7});
  view.copy_(tensor({1, 2}));  // converted and broadcast
  check_values(x, {4}, {1, 2, 1, 2});
}

TEST_CASE("the compound operators are the in-place forms") {
  Tensor x = ones({2});
  const Tensor same = x;
  x += 2;
  x *= 3;
  x -= 1;
  x /= 4;
  check_values(same, {2}, {2, 2});
  CHECK(x.is_same(same));
}

TEST_CASE("a change in place is counted") {
  const Tensor x = ones({4});
  const Tensor view = x.view({2, 2});
  const auto before = x.version();
  view.add_(1);
  x.zero_();
  x.copy_(ones({4}));
  x.clamp_(0, 1);
  CHECK(x.version() == before + 4);
}

TEST_CASE("a tensor can be updated by itself and by its own views") {
  const Tensor x = tensor({1., 2., 3., 4.});
  x.add_(x);
  check_values(x, {4}, {2, 4, 6, 8});
  x.slice(0, 1, 4).copy_(x.slice(0, 0, 3));
  check_values(x, {4}, {2, 2, 4, 6});
  x.sub_(x[0]);
  check_values(x, {4}, {0, 0, 2, 4});
  const Tensor square = x.view({2, 2});
  square.add_(square.t());
  check_values(square, {2, 2}, {0, 2, 2, 8});
}

TEST_CASE("the target keeps its dtype, and results must fit it") {
  const Tensor whole = tensor({1, 2});
  whole.add_(tensor({1, 1}, {.dtype = int32}));
  check_values(whole, {2}, {2, 3});
  CHECK(whole.dtype() == int64);
  const Tensor single = ones({2});
  single.mul_(tensor({0.5, 0.25}, {.dtype = float64}));
  check_values(single, {2}, {0.5, 0.25});
  CHECK(single.dtype() == float32);
  CHECK_THROWS_WITH_AS(whole.add_(0.5),
                       "[add_] expected a result that fits dtype int64, got float32", Error);
  CHECK_THROWS_WITH_AS(whole.div_(2), doctest::Contains("[div_] expected a result that fits"),
                       Error);
  CHECK_THROWS_WITH_AS(tensor({true}).add_(1), doctest::Contains("fits dtype bool"), Error);
  CHECK_THROWS_WITH_AS(tensor({true}).sub_(true), doctest::Contains("[sub_] expected numbers"),
                       Error);
  CHECK_THROWS_WITH_AS(tensor({true}).clamp_(0, 1),
                       "[clamp_] expected bounds that fit dtype bool, got int64", Error);
}

TEST_CASE("the other side may not enlarge the target") {
  const Tensor x = ones({3});
  CHECK_THROWS_WITH_AS(x.add_(ones({2, 3})),
                       "[add_] expected a shape that broadcasts to the target's [3], got [2, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(x.copy_(ones({4})), doctest::Contains("[copy_] expected shapes"), Error);
  CHECK_THROWS_WITH_AS(x.fill_(ones({3})), doctest::Contains("[fill_] expected a number"), Error);
  CHECK_THROWS_WITH_AS(ones({1}).expand({3}).add_(1), doctest::Contains("memory of their own"),
                       Error);
  CHECK_THROWS_WITH_AS(x.clamp_({}, {}), doctest::Contains("[clamp_] expected min or max"), Error);
  CHECK_THROWS_WITH_AS(x.clamp_(ones({2})),
                       "[clamp_] expected shapes that broadcast together, got [3] and [2]", Error);
  CHECK_THROWS_WITH_AS(x.clamp_({}, ones({2, 3})),
                       "[clamp_] expected a shape that broadcasts to the target's [3], got [2, 3]",
                       Error);
}

TEST_CASE("nothing in place is recorded under NoGradGuard") {
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor other = ones({2});
  {
    const NoGradGuard no_grad;
    x.add_(1);
    other.mul_(x);
  }
  check_values(x, {2}, {2, 2});
  check_values(other, {2}, {2, 2});
  CHECK(x.requires_grad());
  CHECK_FALSE(other.requires_grad());
}

TEST_CASE("a change between forward and backward is caught") {
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor factor = ones({2});
  const Tensor y = sum(x * factor);
  factor.add_(1);
  CHECK_THROWS_WITH_AS(y.backward(), doctest::Contains("mul"), Error);
}
