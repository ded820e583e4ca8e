#include "reel/ops/sort/sort.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/ops/ops.h"
#include "support/compare.h"

using namespace reel;
using testing::same;

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

std::vector<double> list(const Tensor& x) {
  std::vector<double> values;
  const Tensor flat = flatten(x.detach()).to(float64).contiguous();
  for (Size i = 0; i < flat.numel(); ++i) values.push_back(flat[i].item());
  return values;
}

Tensor ints(std::vector<std::int64_t> values) { return tensor(values); }

/// Whether two lists are equal, NaN counting as itself.
bool alike(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

}  // namespace

TEST_CASE("sort orders a dimension and tells where elements stood") {
  const Tensor x = tensor(std::vector<float>{3, 1, 2, 9, 7, 8}).view({2, 3});
  const auto [rows, order] = sort(x);
  CHECK(same(rows, tensor(std::vector<float>{1, 2, 3, 7, 8, 9}).view({2, 3})));
  CHECK(same(order, ints({1, 2, 0, 1, 2, 0}).view({2, 3})));
  const auto [columns, down] = x.sort(0, true);
  CHECK(same(columns, tensor(std::vector<float>{9, 7, 8, 3, 1, 2}).view({2, 3})));
  CHECK(same(down, ints({1, 1, 1, 0, 0, 0}).view({2, 3})));
  CHECK(same(argsort(x), order));
  CHECK(same(x.argsort(0, true), down));
  CHECK(same(take_along_dim(x, argsort(x), -1), rows));
  CHECK(same(msort(x), sort(x, 0).values));
}

TEST_CASE("NaN is the greatest, equal elements keep their order") {
  const Tensor x =
      tensor(std::vector<double>{nothing, 1, infinite, 1, -infinite, nothing, -0.0, 0.0});
  const auto [up, order] = sort(x);
  CHECK(alike(list(up), {-infinite, -0.0, 0.0, 1, 1, infinite, nothing, nothing}));
  CHECK(same(order, ints({4, 6, 7, 1, 3, 2, 0, 5})));
  const auto [down, back] = sort(x, 0, true);
  CHECK(alike(list(down), {nothing, nothing, infinite, 1, 1, 0, 0, -infinite}));
  CHECK(same(back, ints({0, 5, 2, 1, 3, 6, 7, 4})));
  CHECK(same(topk(x, 4).indices, ints({0, 5, 2, 1})));
  CHECK(same(topk(x, 3, 0, false).indices, ints({4, 6, 7})));
}

TEST_CASE("every dtype and layout is sorted as the standard library does it") {
  manual_seed(1);
  for (const DType dtype : {float32, float64, int64, int32, uint8, bool_}) {
    const Tensor x = (rand({5, 40, 3}) * 20).to(dtype).permute({2, 0, 1});  // [3, 5, 40]
    for (Size dim = 0; dim < 3; ++dim) {
      for (const bool descending : {false, true}) {
        const auto [values, indices] = sort(x, dim, descending);
        CHECK(values.dtype() == dtype);
        CHECK(same(take_along_dim(x, indices, dim), values));
        const Tensor rows = values.transpose(dim, 2).contiguous(),
                     places = indices.transpose(dim, 2).contiguous();
        const Size n = rows.size(2);
        const std::vector<double> v = list(rows), at = list(places);
        bool in_order = true;
        for (std::size_t i = 1; i < v.size(); ++i) {
          if (static_cast<Size>(i) % n == 0) continue;
          const bool rises = descending ? v[i - 1] > v[i] : v[i - 1] < v[i];
          in_order = in_order && (rises || (v[i - 1] == v[i] && at[i - 1] < at[i]));
        }
        CHECK(in_order);
        const auto [top, where] = topk(x, 2, dim, descending);
        CHECK(same(top, values.narrow(dim, 0, 2)));
        CHECK(same(where, indices.narrow(dim, 0, 2)));
        if (!descending) {
          CHECK(same(kthvalue(x, 3, dim).values, values.select(dim, 2)));
          CHECK(same(kthvalue(x, 3, dim, true).indices, indices.narrow(dim, 2, 1)));
          CHECK(same(median(x, dim).values, values.select(dim, (x.size(dim) - 1) / 2)));
        }
      }
    }
  }
}

TEST_CASE("long rows, many rows and a transposed matrix agree") {
  manual_seed(2);
  const Tensor x = rand({300, 700});
  const Tensor t = x.t().contiguous().t();
  CHECK(same(sort(x, 1).values, sort(t, 1).values));
  CHECK(same(sort(x, 0).indices, sort(t, 0).indices));
  const Tensor flat = x.flatten();
  CHECK(same(topk(flat, 10).values, sort(flat, 0, true).values.narrow(0, 0, 10)));
}

TEST_CASE("the median is the lower one of two, and NaN where there is one") {
  CHECK(median(tensor(std::vector<double>{4, 1, 3, 2})).item() == 2);
  CHECK(std::isnan(median(tensor(std::vector<double>{4, nothing, 3, 2})).item()));
  const Tensor x = tensor(std::vector<double>{1, nothing, 3, 5, 4, 6}).view({2, 3});
  const auto [values, indices] = x.median(1, true);
  CHECK(values.shape() == Shape{2, 1});
  CHECK(alike(list(values), {nothing, 5}));
  CHECK(same(indices.flatten(), ints({1, 0})));
  CHECK(std::isnan(median(zeros({0})).item()));
  CHECK(kthvalue(tensor(std::vector<double>{1, nothing, 0}), 2).values.item() == 1);
}

TEST_CASE("numbers and empty tensors have an order too") {
  const Tensor x = tensor(3.0);
  CHECK(same(sort(x).values, x));
  CHECK(sort(x, 0).indices.item<Size>() == 0);
  CHECK(topk(x, 1).values.shape() == Shape{});
  CHECK(topk(x, 0).values.shape() == Shape{0});
  CHECK(same(kthvalue(x, 1).values, x));
  CHECK(sort(zeros({3, 0})).values.shape() == Shape{3, 0});
  CHECK(sort(zeros({0, 3}), 1, true).indices.shape() == Shape{0, 3});
  CHECK(topk(zeros({2, 3}), 0).values.shape() == Shape{2, 0});
}

TEST_CASE("gradients go to where the elements stood, to any order") {
  manual_seed(3);
  const Tensor x = randperm(12).to(float64).view({3, 4}).detach().requires_grad_();
  const Tensor w = rand({3, 4}, {.dtype = float64});
  const auto sorted = [&](const Tensor& t) { return sort(t * t, 1, true).values * w; };
  CHECK(gradcheck(sorted, x));
  CHECK(gradgradcheck(sorted, x));
  CHECK(gradcheck([](const Tensor& t) { return topk(t * 2, 2, 0).values; }, x));
  CHECK(gradcheck([](const Tensor& t) { return kthvalue(t * 2, 2).values; }, x));
  CHECK(gradcheck([](const Tensor& t) { return median(t * 2, 0).values; }, x));
  CHECK(gradcheck([](const Tensor& t) { return median(t) + msort(t).sum(); }, x));
  const Tensor one = tensor(2.0, {.dtype = float64}).requires_grad_();
  CHECK(gradcheck([](const Tensor& t) { return sort(t).values * 3; }, one));
  CHECK_FALSE(sort(x).indices.requires_grad());
}

TEST_CASE("wrong orders are errors that say what was expected") {
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_WITH_AS((void)sort(x, 2), "[sort] expected a dimension in [-2, 1], got 2", Error);
  CHECK_THROWS_WITH_AS((void)argsort(Tensor()), doctest::Contains("[argsort] expected"), Error);
  CHECK_THROWS_WITH_AS((void)topk(x, 4),
                       "[topk] expected k in [0, 3] along dimension -1 of shape [2, 3], got 4",
                       Error);
  CHECK_THROWS_WITH_AS((void)x.topk(-1, 0),
                       "[topk] expected k in [0, 2] along dimension 0 of shape [2, 3], got -1",
                       Error);
  CHECK_THROWS_WITH_AS((void)kthvalue(x, 0),
                       "[kthvalue] expected k in [1, 3] along dimension -1 of shape [2, 3], got 0",
                       Error);
  CHECK_THROWS_WITH_AS((void)median(zeros({2, 0}), 1),
                       "[median] expected at least one element to choose from, got shape [2, 0]",
                       Error);
  CHECK_THROWS_WITH_AS((void)median(zeros({0}, {.dtype = int64})),
                       "[median] expected at least one integer, got shape [0]", Error);
}
