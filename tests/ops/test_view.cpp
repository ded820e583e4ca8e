#include "reel/ops/shape/view.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

/// 0, 1, 2, ... in a float64 leaf.
Tensor counted(const Shape& shape) {
  return arange(shape.numel(), {.dtype = float64}).view(shape).requires_grad_();
}

bool shares_memory(const Tensor& a, const Tensor& b) {
  return a.impl().storage == b.impl().storage;
}

void check_gradients(auto f, const Tensor& x) {
  CHECK(gradcheck(f, x));
  CHECK(gradgradcheck(f, x));
}

}  // namespace

TEST_CASE("view shows the same elements under another shape") {
  const Tensor x = counted({2, 6});
  const Tensor y = x.view({3, -1});
  CHECK(y.shape() == Shape{3, 4});
  CHECK(shares_memory(x, y));
  CHECK(y[2][3].item() == 11);
  CHECK_THROWS_WITH_AS(
      x.view({5, -1}),
      "[view] expected a shape for 12 elements, got [5, -1] for a tensor of shape [2, 6]", Error);
  CHECK_THROWS_WITH_AS(x.view({-1, -1}), "[view] expected at most one size of -1, got [-1, -1]",
                       Error);
  CHECK_THROWS_WITH_AS(x.t().view({12}), doctest::Contains("help: use reshape()"), Error);
}

TEST_CASE("view works on strided tensors where the runs allow it") {
  const Tensor x = counted({4, 6}).slice(1, 0, 6, 2);  // strides [6, 2]
  CHECK(shares_memory(x.view({2, 2, 3}), x));
  CHECK(x.view({2, 2, 3})[1][1][2].item() == 22);
  CHECK(x.view({12})[11].item() == 22);  // rows of three follow each other evenly
  const Tensor part = counted({4, 6}).narrow(1, 0, 5);
  CHECK_THROWS_AS(part.view({20}), Error);
  CHECK(part.reshape({20})[5].item() == 6);
  const Tensor one = counted({4, 6}).narrow(1, 2, 1).view({2, 2, 1, 1});
  CHECK(one[1][1][0][0].item() == 20);
}

TEST_CASE("reshape copies only where it must") {
  const Tensor x = counted({2, 3});
  CHECK(shares_memory(x.reshape({6}), x));
  CHECK_FALSE(shares_memory(x.t().reshape({6}), x));
  CHECK(x.t().reshape({6})[1].item() == 3);
  CHECK(zeros({0, 3}).reshape({3, 0}).shape() == Shape{3, 0});
  CHECK(zeros({0, 3}).reshape({-1, 3}).shape() == Shape{0, 3});
}

TEST_CASE("flatten joins dimensions") {
  const Tensor x = counted({2, 3, 4});
  CHECK(x.flatten().shape() == Shape{24});
  CHECK(x.flatten(1).shape() == Shape{2, 12});
  CHECK(x.flatten(0, 1).shape() == Shape{6, 4});
  CHECK(Tensor(1.0).flatten().shape() == Shape{1});
  CHECK_THROWS_AS(x.flatten(2, 1), Error);
}

TEST_CASE("squeeze and unsqueeze are each other's inverse") {
  const Tensor x = counted({2, 1, 3});
  CHECK(x.squeeze().shape() == Shape{2, 3});
  CHECK(x.squeeze(0).shape() == x.shape());
  CHECK(x.squeeze(-2).unsqueeze(1).shape() == x.shape());
  CHECK(x.unsqueeze(-1).shape() == Shape{2, 1, 3, 1});
  CHECK_THROWS_WITH_AS(x.unsqueeze(4), "[unsqueeze] expected a dimension in [-4, 3], got 4", Error);
}

TEST_CASE("transpose and permute reorder without a copy") {
  const Tensor x = counted({2, 3, 4});
  CHECK(x.transpose(0, 2).shape() == Shape{4, 3, 2});
  CHECK(x.permute({2, 0, 1})[3][1][2].item() == 23);
  CHECK(shares_memory(x.permute({2, 0, 1}), x));
  CHECK(x.permute({-1, 0, 1}).shape() == Shape{4, 2, 3});
  CHECK_THROWS_WITH_AS(x.permute({0, 1}),
                       "[permute] expected 3 dimensions for shape [2, 3, 4], got [0, 1]", Error);
  CHECK_THROWS_WITH_AS(x.permute({0, 1, 1}),
                       "[permute] expected each dimension once, got [0, 1, 1]", Error);
  CHECK(counted({3}).t().shape() == Shape{3});
  CHECK_THROWS_AS(x.t(), Error);
}

TEST_CASE("expand repeats without a copy") {
  const Tensor x = counted({3, 1});
  const Tensor y = x.expand({2, 3, 4});
  CHECK(shares_memory(x, y));
  CHECK(y[1][2][3].item() == 2);
  CHECK(x.expand({-1, 4}).shape() == Shape{3, 4});
  CHECK_THROWS_WITH_AS(x.expand({2, 4}),
                       "[expand] expected a shape that [3, 1] broadcasts to, got [2, 4]", Error);
}

TEST_CASE("slices are cut to what is there, narrow and select are strict") {
  const Tensor x = counted({10});
  CHECK(x.slice(0, 2, 8, 3).shape() == Shape{2});
  CHECK(x.slice(0, 2, 8, 3)[1].item() == 5);
  CHECK(x.slice(0, -3).shape() == Shape{3});
  CHECK(x.slice(0, 5, 100).shape() == Shape{5});
  CHECK(x.slice(0, 7, 3).shape() == Shape{0});
  CHECK_THROWS_WITH_AS(x.slice(0, 0, 5, 0), "[slice] expected a step of 1 or more, got 0", Error);
  CHECK(x.narrow(0, -2, 2)[1].item() == 9);
  CHECK_THROWS_AS(x.narrow(0, 8, 3), Error);
  CHECK_THROWS_AS(x.narrow(0, 0, std::numeric_limits<Size>::max()), Error);
  CHECK(x.select(0, -1).item() == 9);
  CHECK_THROWS_WITH_AS(
      x[10], "[select] expected an index in [-10, 9] for dimension 0 of shape [10], got 10", Error);
}

TEST_CASE("split, chunk and unbind give all pieces") {
  const Tensor x = counted({7, 2});
  const auto threes = x.split(3);
  REQUIRE(threes.size() == 3);
  CHECK(threes[2].shape() == Shape{1, 2});
  CHECK(split(x, {2, 5})[1].shape() == Shape{5, 2});
  CHECK_THROWS_WITH_AS(split(x, {2, 4}), "[split] expected sizes that add up to 7, got [2, 4]",
                       Error);
  CHECK(x.chunk(3).size() == 3);
  CHECK(x.unbind(1)[1][3].item() == 7);
}

TEST_CASE("to, clone and contiguous copy where they must") {
  const Tensor x = counted({2, 3});
  CHECK(x.contiguous().is_same(x));
  CHECK(x.t().contiguous().is_contiguous());
  CHECK(x.t().clone().strides() == x.t().strides());
  CHECK(x.to(float64).is_same(x));
  CHECK(x.to(int32).dtype() == int32);
  CHECK(x.to(bool_)[0][0].item() == 0);
}

TEST_CASE("gradients flow through views") {
  const Tensor x = counted({2, 3, 4});
  check_gradients([](const Tensor& v) { return square(v.view({6, 4})); }, x);
  check_gradients([](const Tensor& v) { return square(v.transpose(0, 1).reshape({6, 4})); }, x);
  check_gradients([](const Tensor& v) { return square(v.permute({2, 0, 1})); }, x);
  check_gradients([](const Tensor& v) { return square(v.flatten(1)); }, x);
  check_gradients([](const Tensor& v) { return square(v.slice(2, 1, 4, 2)); }, x);
  check_gradients([](const Tensor& v) { return square(v.narrow(1, 1, 2)); }, x);
  check_gradients([](const Tensor& v) { return square(v.select(1, -1)); }, x);
  check_gradients([](const Tensor& v) { return square(v[1].squeeze().unsqueeze(0)); }, x);
  check_gradients([](const Tensor& v) { return square(v.unsqueeze(1).expand({2, 5, 3, 4})); }, x);
  check_gradients([](const Tensor& v) { return square(v.clone().transpose(0, 2).contiguous()); },
                  x);
  check_gradients(
      [](const Tensor& v) { return square(v.chunk(2, 2)[1]) * v.unbind(2)[0].unsqueeze(2); }, x);
  check_gradients([](const Tensor& v) { return square(sum_to_size(v, {3, 1})); }, x);
}

TEST_CASE("gradients flow between floating dtypes and stop at integers") {
  const Tensor x = counted({3});
  (x.to(float32) * 2).sum().backward();
  CHECK(x.grad().dtype() == float64);
  CHECK(x.grad()[0].item() == 2);
  CHECK_FALSE(x.to(int64).requires_grad());
}

TEST_CASE("sizes whose product wraps around are refused by every op that takes sizes") {
  constexpr Size wide = Size{1} << 32, huge = 3689348814741910324;  // 5 * huge is 2^64 + 4
  const Tensor nothing = zeros({0}), one = ones({1, 1});
  CHECK_THROWS_WITH_AS(ones({4}).view({5, huge}),
                       "[view] expected at most 2^48 elements, got shape [5, 3689348814741910324]",
                       Error);
  CHECK_THROWS_WITH_AS(nothing.view({wide, wide}),
                       "[view] expected at most 2^48 elements, got shape [4294967296, 4294967296]",
                       Error);
  CHECK_THROWS_WITH_AS(
      nothing.reshape({wide, wide}),
      "[reshape] expected at most 2^48 elements, got shape [4294967296, 4294967296]", Error);
  CHECK_THROWS_AS(nothing.view({-1, wide, wide}), Error);
  CHECK_THROWS_AS(nothing.view({wide, wide, 0}), Error);  // its strides would wrap around
  CHECK_THROWS_WITH_AS(
      one.expand({wide, wide}),
      "[expand] expected at most 2^48 elements, got shape [4294967296, 4294967296]", Error);
  CHECK_THROWS_AS(one.expand({wide, wide, -1, -1}), Error);
  CHECK(one.expand({wide, 4}).numel() == 4 * wide);
  CHECK_THROWS_AS(one.expand({wide, 1}) + one.expand({1, wide}), Error);
  CHECK_THROWS_AS(stack(std::vector<Tensor>(3, one.expand({wide, wide / 65536}))), Error);
}

TEST_CASE("steps and bounds of any size slice") {
  constexpr Size most = std::numeric_limits<Size>::max(), least = std::numeric_limits<Size>::min();
  const Tensor x = counted({5});
  CHECK(x.slice(0, 1, {}, most - 2).shape() == Shape{1});
  CHECK(x.slice(0, 0, 5, most).shape() == Shape{1});
  CHECK(x.slice(0, 4, 5, most)[0].item() == 4);
  CHECK(x.slice(0, 3, 3, most).shape() == Shape{0});
  CHECK(x.slice(0, least, most, 2).shape() == Shape{3});
  CHECK(x.slice(0, most, least).shape() == Shape{0});
  CHECK(x.index({Slice{0, 3, most}}).shape() == Shape{1});
  CHECK(x.slice(0, 0, 5, most).unsqueeze(0).unsqueeze(2).clone().shape() == Shape{1, 1, 1});
  check_gradients([](const Tensor& u) { return u.slice(0, 1, {}, most); }, x);
  check_gradients([](const Tensor& u) { return u.slice(0, 0, 5, 3); }, x);
  CHECK_THROWS_AS(x.narrow(0, most, most), Error);
  CHECK_THROWS_AS(x.narrow(0, least, 1), Error);
  CHECK_THROWS_AS(x.narrow(0, 1, most), Error);
  CHECK_THROWS_AS(x.select(0, least), Error);
  CHECK_THROWS_AS(x.flatten(most), Error);
  CHECK_THROWS_AS(x.unsqueeze(least), Error);
}

TEST_CASE("splitting checks its sizes") {
  constexpr Size most = std::numeric_limits<Size>::max();
  const Tensor x = counted({5});
  CHECK_THROWS_WITH_AS(split(x, {most, most, 7}),
                       "[split] expected sizes that add up to 5, got [9223372036854775807, "
                       "9223372036854775807, 7]",
                       Error);
  CHECK_THROWS_WITH_AS(split(x, {6, -1}), "[split] expected sizes that add up to 5, got [6, -1]",
                       Error);
  CHECK_THROWS_WITH_AS(split(x, 1, 3), "[split] expected a dimension in [-1, 0], got 3", Error);
  CHECK(x.split(most).size() == 1);
  CHECK(x.chunk(most).size() == 5);
  CHECK_THROWS_WITH_AS(x.chunk(2, 3), "[chunk] expected a dimension in [-1, 0], got 3", Error);
  CHECK_THROWS_WITH_AS(x.unbind(2), "[unbind] expected a dimension in [-1, 0], got 2", Error);
}
