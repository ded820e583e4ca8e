#include "reel/ops/index/index.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/base/threads.h"
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

bool shares_memory(const Tensor& a, const Tensor& b) {
  return a.impl().storage == b.impl().storage;
}

}  // namespace

TEST_CASE("numbers, slices, None and Ellipsis give views as in NumPy") {
  const Tensor x = counted({2, 3, 4});
  CHECK(shares_memory(x[1], x));
  check_values(x[1][-1], {4}, {20, 21, 22, 23});
  check_values(x.index({0, Slice{1, 3}, -1}), {2}, {7, 11});
  check_values(x.index({Ellipsis, 0}), {2, 3}, {0, 4, 8, 12, 16, 20});
  check_values(x.index({1, Ellipsis, Slice{{}, {}, 3}}), {3, 2}, {12, 15, 16, 19, 20, 23});
  CHECK(x.index({None, Slice{}, None, 2}).shape() == Shape{1, 2, 1, 4});
  CHECK(x.index({Ellipsis, None}).shape() == Shape{2, 3, 4, 1});
  CHECK(x.index({Slice{-1, {}}}).shape() == Shape{1, 3, 4});
  CHECK(x.index({Slice{5, 9}}).shape() == Shape{0, 3, 4});
  CHECK(x.index({}).shape() == x.shape());
  CHECK(shares_memory(x.index({Slice{}, 0}), x));
}

TEST_CASE("basic indices that do not fit are refused") {
  const Tensor x = counted({2, 3});
  CHECK_THROWS_WITH_AS(x.index({0, 0, 0}),
                       "[index] expected at most 2 indices for shape [2, 3], got 3", Error);
  CHECK_THROWS_WITH_AS(x.index({Ellipsis, Ellipsis}),
                       "[index] expected at most one Ellipsis, got 2", Error);
  CHECK_THROWS_WITH_AS(
      x.index({0, 3}),
      "[index] expected an index in [-3, 3) for a dimension of shape [2, 3], got 3", Error);
  CHECK_THROWS_AS(x.index({Slice{0, 2, 0}}), Error);
  CHECK_THROWS_AS(x[2], Error);
  CHECK_THROWS_AS(x[-3], Error);
  CHECK_THROWS_AS(Tensor(1.0)[0], Error);
}

TEST_CASE("an integer tensor picks entries") {
  const Tensor x = counted({3, 2});
  check_values(x[tensor({2, 0, 2})], {3, 2}, {4, 5, 0, 1, 4, 5});
  check_values(x[tensor({{-1, 0}})], {1, 2, 2}, {4, 5, 0, 1});
  check_values(x[tensor(1)], {2}, {2, 3});
  check_values(x.index({Slice{}, tensor({1, 1, 0})}), {3, 3}, {1, 1, 0, 3, 3, 2, 5, 5, 4});
  check_values(x[tensor({1}, {.dtype = int32})], {1, 2}, {2, 3});
  CHECK(x[zeros({0}, {.dtype = int64})].shape() == Shape{0, 2});
  CHECK_FALSE(shares_memory(x[tensor({0})], x));
}

TEST_CASE("several integer tensors broadcast together") {
  const Tensor x = counted({3, 4});
  check_values(x.index({tensor({0, 2}), tensor({3, 1})}), {2}, {3, 9});
  check_values(x.index({tensor({{0}, {2}}), tensor({3, 1})}), {2, 2}, {3, 1, 11, 9});
  CHECK_THROWS_WITH_AS(x.index({tensor({0, 1}), tensor({0, 1, 2})}),
                       "[index] expected shapes that broadcast together, got [2] and [3]", Error);
}

TEST_CASE("indexed dimensions keep their place when together and lead when apart") {
  const Tensor x = counted({2, 3, 4, 5});
  const Tensor i = tensor({1, 0, 1});
  const Tensor j = tensor({{0}, {2}});
  CHECK(x.index({Slice{}, i}).shape() == Shape{2, 3, 4, 5});
  CHECK(x.index({Slice{}, i, j}).shape() == Shape{2, 2, 3, 5});
  CHECK(x.index({i, Slice{}, j}).shape() == Shape{2, 3, 3, 5});
  CHECK(x.index({Slice{}, i, Slice{}, j}).shape() == Shape{2, 3, 2, 4});
  CHECK(x.index({0, Slice{}, i}).shape() == Shape{3, 3, 5});  // a number stands for a tensor
  CHECK(x.index({Slice{}, 0, i}).shape() == Shape{2, 3, 5});
  CHECK(x.index({i, None, j}).shape() == Shape{2, 3, 1, 4, 5});
  CHECK(x.index({None, i, j}).shape() == Shape{1, 2, 3, 4, 5});
  // x[i, :, j][b, c] = x[i[b], :, j[b]][c]
  const Tensor y = x.index({i, Slice{}, j});
  for (Size a = 0; a < 2; ++a) {
    for (Size b = 0; b < 3; ++b) {
      const Tensor expected = x.index({i[b].item<Size>(), Slice{}, j[a][0].item<Size>()});
      CHECK(values_of(y[a][b]) == values_of(expected));
    }
  }
}

TEST_CASE("masks stand for the indices of their true elements") {
  const Tensor x = counted({2, 3});
  check_values(x[x > 2.5], {3}, {3, 4, 5});
  check_values(x[tensor({false, true})], {1, 3}, {3, 4, 5});
  check_values(x.index({Slice{}, tensor({true, false, true})}), {2, 2}, {0, 2, 3, 5});
  check_values(x.index({tensor({true, true}), tensor({2, 0})}), {2}, {2, 3});
  CHECK(x[x > 99].shape() == Shape{0});
  const Tensor cube = counted({2, 3, 4});
  CHECK(cube.index({Slice{}, ones({3, 4}, {.dtype = bool_})}).shape() == Shape{2, 12});
  CHECK_THROWS_WITH_AS(x[tensor({true, false, true})],
                       "[index] expected a mask of shape [2], got [3]", Error);
}

TEST_CASE("a 0-d mask takes all or nothing, under a new dimension") {
  Tensor x = counted({2, 3}), scalar = Tensor(4.0);
  check_values(x[tensor(true)], {1, 2, 3}, {0, 1, 2, 3, 4, 5});
  CHECK(x.t()[tensor(false)].shape() == Shape{0, 3, 2});
  check_values(scalar[scalar > 3], {1}, {4});
  CHECK(scalar[scalar > 5].shape() == Shape{0});
  scalar[scalar > 3] = 7;
  check_values(scalar, {}, {7});
  x[tensor(false)] = 9;
  x.t()[tensor(true)] += 1;
  check_values(x, {2, 3}, {1, 2, 3, 4, 5, 6});
  check_gradients([&](const Tensor& a) { return (a * a)[tensor(true)]; }, x);
}

TEST_CASE("index tensors out of range or of another dtype are refused") {
  const Tensor x = counted({3, 2});
  CHECK_THROWS_WITH_AS(x[tensor({0, 3})], "[index] expected indices in [-3, 3), got 3", Error);
  CHECK_THROWS_WITH_AS(x.index({Slice{}, tensor({-3})}),
                       "[index] expected indices in [-2, 2), got -3", Error);
  CHECK_THROWS_WITH_AS(x[tensor({1}, {.dtype = uint8})],
                       "[index] expected index tensors of dtype int64, int32 or bool, got uint8",
                       Error);
  CHECK_THROWS_AS(x[tensor({1.0})], Error);
  CHECK_THROWS_AS(zeros({0, 2})[tensor({0})], Error);
}

TEST_CASE("indexing reads through any strides") {
  const Tensor x = counted({4, 3, 6}).permute({2, 0, 1}).slice(0, 0, 6, 2);  // [3, 4, 3]
  const Tensor packed = x.contiguous();
  const Tensor i = tensor({2, 0, 1, 1});
  for (const std::vector<Index>& indices : {std::vector<Index>{i},
                                            {Slice{}, i},
                                            {Slice{}, Slice{}, tensor({2, 0})},
                                            {i, Slice{}, 1},
                                            {Slice{}, i, tensor({2, 0, 1, 2})},
                                            {packed > 30}}) {
    CHECK(values_of(x.index(indices)) == values_of(packed.index(indices)));
  }
}

TEST_CASE("indexing works for every dtype") {
  for (DType dtype : {float32, float64, int64, int32, uint8, bool_}) {
    const Tensor x = tensor({0, 1, 0, 1}).to(dtype);
    const Tensor y = x[tensor({1, 2})];
    CHECK(y.dtype() == dtype);
    check_values(y, {2}, {1, 0});
  }
}

TEST_CASE("indexing is differentiable twice") {
  const Tensor x = testing::random_tensor({3, 4, 2});
  const Tensor i = tensor({2, 0, 2});
  const Tensor j = tensor({1, 1, 3});
  check_gradients([&](const Tensor& a) { return (a * a).index({i, j}); }, x);
  check_gradients([&](const Tensor& a) { return (a * a).index({Slice{}, i, Ellipsis, None}); }, x);
  check_gradients(
      [&](const Tensor& a) {
        return (a * a).index({i, Slice{1, 3}, tensor({0, 1, 1})});
      },
      x);
  check_gradients([&](const Tensor& a) { return (a * a).index({1, Slice{0, 4, 2}}); }, x);
  check_gradients([&](const Tensor& a) { return masked_select(a * a, x > 0); }, x);
  check_gradients([&](const Tensor& a) { return index_select(a * a, 1, j); }, x);
  const Tensor leaf = ones({3}, {.requires_grad = true});
  leaf[tensor({0, 0, 2})].sum().backward();
  check_values(leaf.grad(), {3}, {2, 0, 1});
}

TEST_CASE("index_put_ writes in place") {
  const Tensor x = zeros({3, 4}, {.dtype = float64});
  const std::uint32_t version = x.version();
  x.index_put_({0}, 1);
  x.index_put_({Slice{1, {}}, Slice{0, {}, 3}}, tensor({{2, 3}, {4, 5}}));
  CHECK(x.version() > version);
  check_values(x, {3, 4}, {1, 1, 1, 1, 2, 0, 0, 3, 4, 0, 0, 5});
  x.index_put_({x > 2.5}, -1);
  check_values(x, {3, 4}, {1, 1, 1, 1, 2, 0, 0, -1, -1, 0, 0, -1});
  x.index_put_({tensor({2, 0}), tensor({1, 1})}, tensor({7.0, 8.0}));
  check_values(x.select(1, 1), {3}, {8, 0, 7});
  x.index_put_({tensor({1, 1})}, tensor({{1.0}, {2.0}}));
  check_values(x[1], {4}, {2, 2, 2, 2});
  x.t().index_put_({tensor({3, 0})}, tensor({6.0, 5.0, 4.0}));
  check_values(x.select(1, 0), {3}, {6, 5, 4});
  x.index_put_({Ellipsis, tensor({0, 1}), None}, 9);
  check_values(x.select(1, 1), {3}, {9, 9, 9});
  x.index_put_({}, 3);
  check_values(x, {3, 4}, std::vector<double>(12, 3));
}

TEST_CASE("index_put_ accumulates when asked, and may read what it writes") {
  const Tensor x = zeros({3});
  index_put_(x, {tensor({0, 0, 2})}, 1.5, true);
  check_values(x, {3}, {3, 0, 1.5});
  index_put_(x, {Slice{0, 2}}, 1, true);
  check_values(x, {3}, {4, 1, 1.5});
  const Tensor y = counted({4});
  y.index_put_({tensor({1, 2, 3, 0})}, y);
  check_values(y, {4}, {3, 0, 1, 2});
}

TEST_CASE("index_put_ refuses what does not fit") {
  const Tensor x = zeros({3, 4});
  CHECK_THROWS_WITH_AS(x.index_put_({tensor({0, 1})}, zeros({3})),
                       "[index_put_] expected shapes that broadcast together, got [2, 4] and [3]",
                       Error);
  CHECK_THROWS_WITH_AS(x.index_put_({0}, zeros({2, 4})),
                       "[index_put_] expected values that broadcast to shape [4], got [2, 4]",
                       Error);
  CHECK_THROWS_WITH_AS(tensor({1, 2}).index_put_({0}, 0.5),
                       "[index_put_] expected values that fit dtype int64, got float64", Error);
  CHECK_THROWS_AS(x.index_put_({tensor({3})}, 0), Error);
  CHECK_THROWS_AS(zeros({3}).expand({2, 3}).index_put_({0}, 0), Error);
  const Tensor leaf = zeros({2}, {.requires_grad = true});
  CHECK_THROWS_AS(leaf.index_put_({0}, 1), Error);
  {
    const NoGradGuard no_grad;
    leaf.index_put_({0}, 1);
  }
  check_values(leaf, {2}, {1, 0});
}

TEST_CASE("index_put copies, and passes gradients to both") {
  const Tensor x = testing::random_tensor({3, 4});
  const Tensor v = testing::random_tensor({2, 4});
  const Tensor y = index_put(x, {tensor({2, 0})}, v);
  CHECK(values_of(y[2]) == values_of(v[0]));
  CHECK(values_of(y[1]) == values_of(x[1]));
  CHECK_FALSE(shares_memory(x, y));
  auto put = [](const Tensor& a, const Tensor& b) {
    return index_put(a * a, {tensor({2, 0})}, b * b);
  };
  check_gradients(put, x, v);
  auto add_to = [](const Tensor& a, const Tensor& b) {
    return index_put(a * a, {tensor({2, 2})}, b * b, true);
  };
  check_gradients(add_to, x, v);
  auto one_value = [&](const Tensor& a, const Tensor& b) {
    return index_put(a * a, {x > 0}, b * b);
  };
  check_gradients(one_value, x, testing::random_tensor({}));
  auto part = [](const Tensor& a, const Tensor& b) {
    return index_put(a * a, {Slice{}, Slice{0, 4, 2}}, b * b);
  };
  check_gradients(part, x, testing::random_tensor({3, 1}));
}

TEST_CASE("index_select takes entries of one dimension") {
  const Tensor x = counted({2, 3});
  check_values(index_select(x, 1, tensor({2, 0, 0})), {2, 3}, {2, 0, 0, 5, 3, 3});
  check_values(x.index_select(0, tensor({1})), {1, 3}, {3, 4, 5});
  CHECK_THROWS_WITH_AS(index_select(x, 0, tensor({2})),
                       "[index_select] expected indices in [0, 2), got 2", Error);
  CHECK_THROWS_WITH_AS(index_select(x, 0, tensor({-1})),
                       "[index_select] expected indices in [0, 2), got -1", Error);
  CHECK_THROWS_AS(index_select(x, 0, tensor({{0}})), Error);
  CHECK_THROWS_AS(index_select(x, 2, tensor({0})), Error);
}

TEST_CASE("large gathers of rows agree with copying one by one") {
  for (DType dtype : {uint8, float32, float64}) {
    const Tensor x = randint(200, {1000, 3, 17}).to(dtype);
    const Tensor rows = randint(1000, {3001});
    const Tensor got = x[rows];
    for (Size i = 0; i < 3001; i += 100) {
      CHECK(values_of(got[i]) == values_of(x[rows[i].item<Size>()]));
    }
  }
}

TEST_CASE("gradients of rows do not depend on the number of threads") {
  const Tensor table = rand({50, 300}, {.requires_grad = true});
  const Tensor rows = randint(50, {2000});
  const Tensor dy = rand({2000, 300});
  const int before = get_num_threads();
  std::vector<std::vector<double>> results;
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    results.push_back(values_of(grad({table[rows]}, {table}, {.grad_outputs = {dy}})[0]));
  }
  set_num_threads(before);
  CHECK(results[0] == results[1]);
}

TEST_CASE("index_add adds entries") {
  const Tensor x = ones({3, 2});
  check_values(index_add(x, 0, tensor({0, 2, 0}), counted({3, 2}, float32)), {3, 2},
               {5, 7, 1, 1, 3, 4});
  CHECK_THROWS_WITH_AS(index_add(x, 0, tensor({0}), ones({2, 2})),
                       "[index_add] expected a source of shape [1, 2], got [2, 2]", Error);
  CHECK_THROWS_AS(index_add(x, 0, tensor({0}), ones({1, 2}, {.dtype = float64})), Error);
  auto f = [](const Tensor& a, const Tensor& b) {
    return index_add(a * a, 1, tensor({1, 0, 1}), b * b);
  };
  check_gradients(f, testing::random_tensor({3, 2}), testing::random_tensor({3, 3}));
}

TEST_CASE("numbers that an integer tensor does not hold are refused where they are put") {
  Tensor x = zeros({3}, {.dtype = uint8});
  const Tensor mask = tensor({true, false, true});
  CHECK_THROWS_WITH_AS(x[mask] = 300, "[index_put_] expected values that fit dtype uint8, got 300",
                       Error);
  CHECK_THROWS_WITH_AS(x.masked_fill(mask, -1),
                       "[masked_fill] expected values that fit dtype uint8, got -1", Error);
  x[mask] = 200;
  CHECK(x.masked_fill(mask, 255).to(int64).sum().item() == 510);
  CHECK_THROWS_WITH_AS(x.masked_fill(tensor({true, false}), 1),
                       "[masked_fill] expected shapes that broadcast together, got [3] and [2]",
                       Error);
}
