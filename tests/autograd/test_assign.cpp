#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"
#include "support/op_check.h"

using namespace reel;
using testing::check_values;

TEST_CASE("assigning to a variable makes it a handle of the other tensor") {
  const Tensor a = zeros({2}), b = ones({2});
  Tensor x = a;
  x = b;
  CHECK(x.is_same(b));
  x = b + 1;
  x = 5;
  CHECK(x.item() == 5);
  check_values(a, {2}, {0, 0});
  check_values(b, {2}, {1, 1});
}

TEST_CASE("assigning to a view on the spot writes to the tensor") {
  Tensor x = zeros({2, 3});
  x[1] = 5;
  check_values(x, {2, 3}, {0, 0, 0, 5, 5, 5});
  x[0][-1] = true;
  check_values(x, {2, 3}, {0, 0, 1, 5, 5, 5});
  x.slice(1, 0, 2) = tensor({7, 8});
  check_values(x, {2, 3}, {7, 8, 1, 7, 8, 5});
  x.t()[0] = x.t()[2].clone();
  check_values(x, {2, 3}, {1, 8, 1, 5, 8, 5});
  x[0] = x[1] = -1;
  check_values(x, {2, 3}, {-1, -1, -1, -1, -1, -1});
  x.view({6})[5] += 3;
  check_values(x, {2, 3}, {-1, -1, -1, -1, -1, 2});
}

TEST_CASE("assigning to indexed entries on the spot writes to the tensor") {
  Tensor x = arange(6, {.dtype = float64}).view({2, 3});
  x[x > 3] = 0;
  check_values(x, {2, 3}, {0, 1, 2, 3, 0, 0});
  x[tensor({1, 0})] = tensor({{10., 11., 12.}, {20., 21., 22.}});
  check_values(x, {2, 3}, {20, 21, 22, 10, 11, 12});
  x.index({Slice{}, tensor({0, 2})}) = -1;
  check_values(x, {2, 3}, {-1, 21, -1, -1, 11, -1});
  x.index({1, Ellipsis}) = 4;
  check_values(x, {2, 3}, {-1, 21, -1, 4, 4, 4});
  index(x, {None, 0}) = 6;
  check_values(x, {2, 3}, {6, 6, 6, 4, 4, 4});
  x[x == 6] = x[x == 4] * 2;
  check_values(x, {2, 3}, {8, 8, 8, 4, 4, 4});
  x[0][tensor({2})] = 9;
  check_values(x, {2, 3}, {8, 8, 9, 4, 4, 4});
  x[x == 9] = x[x == 9];
  check_values(x, {2, 3}, {8, 8, 9, 4, 4, 4});
}

TEST_CASE("compound assignment to indexed entries writes to the tensor") {
  Tensor x = arange(4, {.dtype = float64});
  x[x >= 2] += 10;
  check_values(x, {4}, {0, 1, 12, 13});
  x[tensor({0, 0})] -= 1;  // picked twice, changed once
  check_values(x, {4}, {-1, 1, 12, 13});
  x.index({tensor({1, 3})}) *= tensor({5., 2.});
  check_values(x, {4}, {-1, 5, 12, 26});
  x.index({Slice{2, 4}}) /= 2;
  check_values(x, {4}, {-1, 5, 6, 13});
}

TEST_CASE("what is picked and given a name is a copy of its own") {
  Tensor x = arange(4, {.dtype = float64});
  auto picked = x[tensor({1, 2})];
  picked += 10;
  check_values(picked, {2}, {11, 12});
  check_values(x, {4}, {0, 1, 2, 3});
  picked = ones({3});
  check_values(picked, {3}, {1, 1, 1});
  picked = x[tensor({3})];
  check_values(picked, {1}, {3});
  check_values(picked.add(1).sum(), {}, {4});
  check_values(x, {4}, {0, 1, 2, 3});
  std::vector<Tensor> list{x[tensor({0})], x};
  list.front() = x[tensor({1})];
  check_values(list.front(), {1}, {1});
  check_values(x, {4}, {0, 1, 2, 3});
}

TEST_CASE("writing to what nobody else holds is an error") {
  const Tensor x = ones({2}), i = tensor({0});
  CHECK_THROWS_WITH_AS((x + 1) = 5, doctest::Contains("[operator=] expected a view"), Error);
  CHECK_THROWS_AS(x.clone() = 5, Error);
  CHECK_THROWS_AS(x.to(float64) = 5, Error);
  CHECK_THROWS_AS(x.index_select(0, i) = 5, Error);
  CHECK_THROWS_AS(x.grad() = x, Error);
  Tensor alone = ones({2});
  CHECK_THROWS_AS(std::move(alone) = x, Error);
  check_values(alone, {2}, {1, 1});
}

TEST_CASE("writing on the spot takes what fits") {
  Tensor x = zeros({2, 3}), n = zeros({2, 3}, {.dtype = int64});
  CHECK_THROWS_WITH_AS(x[0] = ones({2}),
                       "[copy_] expected shapes that broadcast together, got [3] and [2]", Error);
  CHECK_THROWS_WITH_AS(x[x == 0] = ones({4}),
                       "[index_put_] expected shapes that broadcast together, got [6] and [4]",
                       Error);
  CHECK_THROWS_WITH_AS(n[0] = 1e30, "[fill_] expected values that fit dtype int64, got 1e+30",
                       Error);
  n[1] = 2.5;
  CHECK(n[1][0].item() == 2);
}

TEST_CASE("a leaf that requires grad is not written to on the spot") {
  Tensor w = ones({3}, {.requires_grad = true});
  const Tensor mask = tensor({true, false, true});
  CHECK_THROWS_WITH_AS(
      w[0] = 5, doctest::Contains("[fill_] expected a tensor that ops on the tape may change"),
      Error);
  CHECK_THROWS_WITH_AS(
      w[mask] = 5, doctest::Contains("[index_put_] expected a tensor that ops on the tape"), Error);
  CHECK_THROWS_AS(w[mask] += 5, Error);
  {
    const NoGradGuard no_grad;
    w[0] = 5;
    w[mask] += 1;
  }
  check_values(w, {3}, {6, 1, 2});
}

TEST_CASE("moving tensors around in containers writes to none of them") {
  const Tensor a = zeros({}), b = ones({}), c = full({}, 2.);
  std::vector<Tensor> list{c, a, b};
  std::rotate(list.begin(), list.begin() + 1, list.end());
  CHECK(list[0].is_same(a));
  list.erase(list.begin());
  list.insert(list.begin(), c);
  std::sort(list.begin(), list.end(),
            [](const Tensor& x, const Tensor& y) { return x.item() < y.item(); });
  CHECK(list[0].is_same(b));
  std::swap(list[0], list[1]);
  CHECK(list[0].is_same(c));
  Tensor x = a, y = b;
  std::tie(x, y) = std::tuple(y, x);
  CHECK(x.is_same(b));
  CHECK(std::exchange(x, c).is_same(b));
  struct Pair {
    Tensor first, second;
  };
  Pair pair{a, b};
  pair = Pair{b, c};
  CHECK(pair.first.is_same(b));
  CHECK(a.item() == 0);
  CHECK(b.item() == 1);
  CHECK(c.item() == 2);
  CHECK(std::is_nothrow_move_assignable_v<Tensor>);
  CHECK(std::is_nothrow_swappable_v<Tensor>);
}
