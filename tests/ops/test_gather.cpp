#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <vector>

#include "reel/ops/ops.h"
#include "support/op_check.h"

using namespace reel;
using testing::check_gradients;
using testing::check_values;
using testing::values_of;

namespace {

/// 0, 1, 2, ... in that shape.
Tensor counted(const Shape& shape, DType dtype = float64) {
  return arange(shape.numel(), {.dtype = dtype}).view(shape);
}

/// What `gather` says, element by element.
Tensor slow_gather(const Tensor& x, Size dim, const Tensor& index) {
  const Tensor out = zeros(index.shape(), {.dtype = x.dtype()});
  const Tensor places = counted(index.shape(), int64);
  for (Size i = 0; i < index.numel(); ++i) {
    std::vector<Index> from;
    std::vector<Index> to;
    Size rest = i;
    for (Size d = index.dim() - 1; d >= 0; --d) {
      from.insert(from.begin(), rest % index.size(d));
      to.insert(to.begin(), rest % index.size(d));
      rest /= index.size(d);
    }
    from[static_cast<std::size_t>(dim)] = index.index(to).item<Size>();
    out.index(to).copy_(x.index(from));
  }
  return out;
}

}  // namespace

TEST_CASE("gather agrees with a loop, whatever the strides") {
  const Tensor x = testing::random_tensor({4, 3, 5});
  for (Size dim : {0, 1, 2}) {
    const Tensor index = randint(x.size(dim), {2, 3, 4});
    CHECK(values_of(gather(x, dim, index)) == values_of(slow_gather(x, dim, index)));
    const Tensor turned = x.permute({2, 1, 0}).contiguous().permute({2, 1, 0});
    CHECK(values_of(gather(turned, dim, index)) == values_of(slow_gather(x, dim, index)));
    CHECK(values_of(gather(x, dim - 3, index.to(int32))) == values_of(slow_gather(x, dim, index)));
  }
  CHECK(gather(Tensor(2.0), 0, tensor(0)).item() == 2);
  CHECK(gather(x, 0, zeros({0, 3, 5}, {.dtype = int64})).shape() == Shape{0, 3, 5});
}

TEST_CASE("gather refuses what does not fit") {
  const Tensor x = counted({10, 2});
  CHECK_THROWS_WITH_AS(gather(x, 0, tensor({{1, 12}})),
                       "[gather] expected indices in [0, 10), got 12", Error);
  CHECK_THROWS_WITH_AS(gather(x, 0, tensor({{-1}})), "[gather] expected indices in [0, 10), got -1",
                       Error);
  CHECK_THROWS_WITH_AS(gather(x, 0, tensor({1})),
                       "[gather] expected indices of 2 dimensions as x has, got shape [1]", Error);
  CHECK_THROWS_AS(gather(x, 0, tensor({{0, 0, 0}})), Error);
  CHECK_THROWS_WITH_AS(gather(x, 0, tensor({{0.5}})),
                       "[gather] expected indices of dtype int64 or int32, got float32", Error);
  CHECK_THROWS_AS(gather(x, 2, tensor({{0}})), Error);
}

TEST_CASE("take_along_dim broadcasts and counts from the end") {
  const Tensor x = tensor({{3.0, 1.0, 2.0}, {4.0, 6.0, 5.0}});
  check_values(take_along_dim(x, argmax(x, 1, true), 1), {2, 1}, {3, 6});
  check_values(take_along_dim(x, tensor({{-1, 0}}), 1), {2, 2}, {2, 3, 5, 4});
  check_values(take_along_dim(tensor({{1.0, 2.0}}), tensor({{0}, {1}}), 1), {2, 1}, {1, 2});
  CHECK_THROWS_AS(take_along_dim(x, tensor({{3}}), 1), Error);
  auto f = [](const Tensor& a) { return take_along_dim(a * a, tensor({{-1, 0, 0}}), 0); };
  check_gradients([&](const Tensor& a) { return f(a); }, testing::random_tensor({2, 1}));
}

TEST_CASE("scatter writes and scatter_add adds") {
  const Tensor x = zeros({3, 3});
  const Tensor index = tensor({{0, 2, 0}});
  const Tensor source = tensor({{1.0, 2.0, 3.0}, {9.0, 9.0, 9.0}});
  check_values(scatter(x, 0, index, source), {3, 3}, {1, 0, 3, 0, 0, 0, 0, 2, 0});
  check_values(scatter(x, 1, tensor({{2}, {1}}), 5), {3, 3}, {0, 0, 5, 0, 5, 0, 0, 0, 0});
  check_values(scatter_add(x + 1, 1, tensor({{0, 0, 2}}), source), {3, 3},
               {4, 1, 4, 1, 1, 1, 1, 1, 1});
  check_values(x.scatter_add(0, tensor({{1}, {1}}), ones({2, 1})), {3, 3},
               {0, 0, 0, 2, 0, 0, 0, 0, 0});
  check_values(scatter_add(Tensor(1.0), 0, tensor(0), Tensor(2.0)), {}, {3});
  check_values(x, {3, 3}, std::vector<double>(9, 0));
}

TEST_CASE("scatter and scatter_add refuse what does not fit") {
  const Tensor x = zeros({3, 3});
  CHECK_THROWS_WITH_AS(scatter_add(x, 0, tensor({{3}}), ones({1, 1})),
                       "[scatter_add] expected indices in [0, 3), got 3", Error);
  CHECK_THROWS_WITH_AS(scatter(x, 0, tensor({{0, 1}}), ones({1, 1})),
                       "[scatter] expected a source of shape [1, 2] or larger, got [1, 1]", Error);
  CHECK_THROWS_AS(scatter(x, 0, tensor({{0}}), ones({1})), Error);
  CHECK_THROWS_AS(scatter(tensor({{1, 2}}), 0, tensor({{0}}), 0.5), Error);
  CHECK_THROWS_AS(scatter_add(tensor({{true}}), 0, tensor({{0}}), tensor({{true}})), Error);
}

TEST_CASE("gather and scatter are differentiable twice") {
  const Tensor x = testing::random_tensor({3, 4});
  const Tensor source = testing::random_tensor({3, 3}, -2, 2, 7);
  const Tensor index = tensor({{0, 3, 1}, {2, 2, 0}});
  check_gradients([&](const Tensor& a) { return gather(a * a, 1, index); }, x);
  check_gradients([&](const Tensor& a) { return gather(a.t() * a.t(), 0, index); }, x);
  check_gradients(
      [&](const Tensor& a, const Tensor& b) { return scatter_add(a * a, 1, index, b * b); }, x,
      source);
  check_gradients(
      [&](const Tensor& a, const Tensor& b) {
        return scatter(a * a, 1, tensor({{0, 3, 1}, {2, 1, 0}}), b * b);
      },
      x, source);
  check_gradients(
      [&](const Tensor& a, const Tensor& b) {
        return scatter(a * a, 0, tensor({{1, 0}}), b * b);
      },
      x, testing::random_tensor({}));
}

TEST_CASE("masked_fill replaces masked elements") {
  const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}});
  const double inf = std::numeric_limits<double>::infinity();
  check_values(masked_fill(x, x > 2, -inf), {2, 2}, {1, 2, -inf, -inf});
  check_values(x.masked_fill(tensor({true, false}), 0), {2, 2}, {0, 2, 0, 4});
  check_values(masked_fill(tensor({1, 2}), tensor({true, false}), 7), {2}, {7, 2});
  CHECK(masked_fill(tensor({1, 2}), tensor({true, false}), 7).dtype() == int64);
  CHECK(masked_fill(x, x > 2, tensor(1.0, {.dtype = float64})).dtype() == float32);
  CHECK_THROWS_WITH_AS(masked_fill(tensor({1}), tensor({true}), 0.5),
                       "[masked_fill] expected a value that fits dtype int64, got float64", Error);
  CHECK_THROWS_WITH_AS(masked_fill(x, tensor({1, 0}), 0),
                       "[masked_fill] expected a mask of dtype bool, got int64", Error);
  CHECK_THROWS_AS(masked_fill(x, x > 2, tensor({1.0})), Error);
  const Tensor mask = tensor({{true, false, true}});
  check_gradients([&](const Tensor& a, const Tensor& v) { return masked_fill(a * a, mask, v * v); },
                  testing::random_tensor({2, 3}), testing::random_tensor({}));
}

TEST_CASE("masked_select and nonzero find what is true") {
  const Tensor x = tensor({{1.0, 0.0}, {0.0, 4.0}});
  check_values(masked_select(x, x > 0), {2}, {1, 4});
  check_values(x.masked_select(tensor({true, false})), {2}, {1, 0});
  check_values(masked_select(tensor(3.0), tensor({true, true})), {2}, {3, 3});
  check_values(masked_select(tensor(3.0), tensor(true)), {1}, {3});
  CHECK_THROWS_AS(masked_select(x, x), Error);
  check_values(nonzero(x), {2, 2}, {0, 0, 1, 1});
  check_values(nonzero(tensor({{false, true}})), {1, 2}, {0, 1});
  CHECK(nonzero(zeros({3, 4})).shape() == Shape{0, 2});
  CHECK(nonzero(tensor(5)).shape() == Shape{1, 0});
}

TEST_CASE("one_hot marks each label") {
  check_values(one_hot(tensor({2, 0})), {2, 3}, {0, 0, 1, 1, 0, 0});
  check_values(one_hot(tensor({{1}}), 2), {1, 1, 2}, {0, 1});
  check_values(one_hot(tensor(1), 3), {3}, {0, 1, 0});
  CHECK(one_hot(tensor({1})).dtype() == int64);
  CHECK(one_hot(zeros({0}, {.dtype = int64}), 4).shape() == Shape{0, 4});
  CHECK_THROWS_WITH_AS(one_hot(tensor({3}), 3), "[one_hot] expected labels in [0, 3), got 3",
                       Error);
  CHECK_THROWS_AS(one_hot(tensor({-1})), Error);
  CHECK_THROWS_AS(one_hot(tensor({1}), 0), Error);
  CHECK_THROWS_AS(one_hot(tensor({1.0})), Error);
  CHECK_THROWS_AS(one_hot(zeros({0}, {.dtype = int64})), Error);
}

TEST_CASE("tril and triu cut triangles") {
  const Tensor x = counted({2, 3});
  check_values(tril(x), {2, 3}, {0, 0, 0, 3, 4, 0});
  check_values(triu(x), {2, 3}, {0, 1, 2, 0, 4, 5});
  check_values(triu(x, 1), {2, 3}, {0, 1, 2, 0, 0, 5});
  check_values(tril(x, -1), {2, 3}, {0, 0, 0, 3, 0, 0});
  CHECK(tril(counted({2, 3, 3})).shape() == Shape{2, 3, 3});
  CHECK_THROWS_WITH_AS(tril(counted({3})), "[tril] expected at least 2 dimensions, got shape [3]",
                       Error);
  check_gradients([](const Tensor& a) { return tril(a * a); }, testing::random_tensor({3, 3}));
  check_gradients([](const Tensor& a) { return triu(a * a, -1); }, testing::random_tensor({3, 3}));
}

TEST_CASE("where an index is looked up a 0-d tensor counts as a vector of one") {
  const Tensor x = counted({3}) + 5, scalar = Tensor(4.0), last = tensor(2), first = tensor(0);
  check_values(gather(x, 0, last), {}, {7});
  check_values(gather(scalar, 0, tensor({0, 0})), {2}, {4, 4});
  check_values(gather(scalar, -1, first), {}, {4});
  check_values(scatter(x, 0, last, Tensor(1.0)), {3}, {5, 6, 1});
  check_values(scatter_add(x, 0, last, Tensor(1.0)), {3}, {5, 6, 8});
  check_values(scatter_add(scalar, 0, tensor({0, 0}), tensor({1., 2.})), {}, {7});
  check_values(take_along_dim(scalar, tensor(-1), 0), {}, {4});
  check_values(index_select(x, 0, last), {1}, {7});
  check_values(index_select(scalar, 0, tensor({0})), {}, {4});
  check_values(index_add(scalar, 0, tensor({0}), Tensor(2.0)), {}, {6});
  CHECK_THROWS_AS(gather(scalar, 0, tensor(1)), Error);
  CHECK_THROWS_AS(gather(scalar, 1, first), Error);
  CHECK_THROWS_AS(gather(zeros({2, 2}), 0, first), Error);
  CHECK_THROWS_AS(index_select(scalar, 0, tensor({0, 0})), Error);
  check_gradients([&](const Tensor& a) { return gather(a * a, 0, last); }, x);
  check_gradients([&](const Tensor& a) { return gather(a * a, 0, tensor({0, 0})); }, scalar);
  check_gradients([&](const Tensor& a, const Tensor& b) { return scatter(a * a, 0, last, b * b); },
                  x, scalar);
  check_gradients([&](const Tensor& a) { return index_select(a * a, 0, tensor({0})); }, scalar);
}

TEST_CASE("labels and diagonals of any size are handled or refused") {
  constexpr Size most = std::numeric_limits<Size>::max(), least = std::numeric_limits<Size>::min();
  CHECK_THROWS_WITH_AS(one_hot(tensor({most})),
                       doctest::Contains("[one_hot] expected at most 2^48"), Error);
  const Tensor x = ones({2, 2});
  check_values(tril(x, most), {2, 2}, {1, 1, 1, 1});
  check_values(triu(x, most), {2, 2}, {0, 0, 0, 0});
  check_values(tril(x, least), {2, 2}, {0, 0, 0, 0});
  check_values(triu(x, least), {2, 2}, {1, 1, 1, 1});
}

TEST_CASE("a number that the dtype does not hold is not scattered") {
  const Tensor bytes = tensor({1, 2}, {.dtype = uint8}), at = tensor({0});
  CHECK_THROWS_WITH_AS(scatter(bytes, 0, at, 300),
                       "[scatter] expected values that fit dtype uint8, got 300", Error);
  CHECK_THROWS_WITH_AS(scatter_add(bytes, 0, at, -1),
                       "[scatter_add] expected values that fit dtype uint8, got -1", Error);
  check_values(scatter(bytes, 0, at, 255), {2}, {255, 2});
  check_values(scatter(tensor({true, false}), 0, tensor({1}), true), {2}, {1, 1});
}
