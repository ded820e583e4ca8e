#include <doctest/doctest.h>

#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

template <class T>
std::vector<T> values(const Tensor& x) {
  const Tensor packed = x.contiguous();
  return std::vector<T>(packed.data_ptr<T>(), packed.data_ptr<T>() + packed.numel());
}

}  // namespace

TEST_CASE("cat puts tensors one behind the other") {
  const Tensor a = tensor({{1, 2}, {3, 4}});
  const Tensor b = tensor({{5, 6}});
  CHECK(values<Size>(cat({a, b})) == std::vector<Size>{1, 2, 3, 4, 5, 6});
  CHECK(cat({a, b}).shape() == Shape{3, 2});
  const Tensor wide = cat({a, tensor({{7}, {8}})}, -1);
  CHECK(wide.shape() == Shape{2, 3});
  CHECK(values<Size>(wide) == std::vector<Size>{1, 2, 7, 3, 4, 8});
  CHECK(values<Size>(cat({a.t(), b.expand({2, 2})}, 1)) ==
        std::vector<Size>{1, 3, 5, 6, 2, 4, 5, 6});
  CHECK(cat({zeros({0, 2}), zeros({3, 2})}).shape() == Shape{3, 2});
  CHECK(cat({a}).data_ptr<Size>() != a.data_ptr<Size>());
}

TEST_CASE("cat and stack promote dtypes") {
  CHECK(cat({tensor({1}), tensor({1.5})}).dtype() == float32);
  CHECK(values<float>(cat({tensor({1}), tensor({1.5})})) == std::vector<float>{1, 1.5f});
  CHECK(cat({tensor({true}), tensor({2}, {.dtype = uint8})}).dtype() == uint8);
  CHECK(stack({Tensor(1), Tensor(2.5)}).dtype() == float32);
  CHECK(stack({tensor({1.f}), zeros({1}, {.dtype = float64})}).dtype() == float64);
}

TEST_CASE("cat keeps channels-last memory") {
  const Tensor a = rand({2, 4, 4, 3}).permute({0, 3, 1, 2});
  const Tensor b = rand({2, 4, 4, 5}).permute({0, 3, 1, 2});
  const Tensor joined = cat({a, b}, 1);
  CHECK(joined.shape() == Shape{2, 8, 4, 4});
  CHECK(joined.stride(1) == 1);
  CHECK(values<float>(joined.narrow(1, 0, 3)) == values<float>(a));
  CHECK(values<float>(joined.narrow(1, 3, 5)) == values<float>(b));
}

TEST_CASE("stack adds a dimension") {
  const Tensor a = tensor({1, 2, 3});
  const Tensor b = tensor({4, 5, 6});
  CHECK(stack({a, b}).shape() == Shape{2, 3});
  CHECK(values<Size>(stack({a, b})) == std::vector<Size>{1, 2, 3, 4, 5, 6});
  CHECK(stack({a, b}, 1).shape() == Shape{3, 2});
  CHECK(values<Size>(stack({a, b}, -1)) == std::vector<Size>{1, 4, 2, 5, 3, 6});
  CHECK(values<Size>(stack({tensor(1), tensor(2)})) == std::vector<Size>{1, 2});
}

TEST_CASE("cat and stack refuse what does not fit") {
  CHECK_THROWS_WITH_AS(cat({}), "[cat] expected at least one tensor, got none", Error);
  CHECK_THROWS_WITH_AS(cat({zeros({2, 3}), zeros({2, 4})}),
                       "[cat] expected shapes equal but for dimension 0, got [2, 3] and [2, 4]",
                       Error);
  CHECK_THROWS_AS(cat({zeros({2, 3}), zeros({3})}), Error);
  CHECK_THROWS_AS(cat({zeros({})}), Error);
  CHECK_THROWS_WITH_AS(cat({zeros({2})}, 1), "[cat] expected a dimension in [-1, 0], got 1", Error);
  CHECK_THROWS_AS(cat({Tensor()}), Error);
  CHECK_THROWS_WITH_AS(stack({}), "[stack] expected at least one tensor, got none", Error);
  CHECK_THROWS_WITH_AS(stack({zeros({2}), zeros({3})}),
                       "[stack] expected tensors of one shape, got [2] and [3]", Error);
  CHECK_THROWS_AS(stack({zeros({2})}, 2), Error);
}

TEST_CASE("cat and stack pass gradients to each part") {
  const TensorOptions leaf{.dtype = float64, .requires_grad = true};
  const Tensor a = rand({2, 3}, leaf);
  const Tensor b = rand({2, 1}, leaf);
  const Tensor c = rand({3, 2}, leaf);
  auto join = [](const Tensor& x, const Tensor& y, const Tensor& z) {
    return cat({x * x, y, z.t() * z.t()}, 1);
  };
  CHECK(gradcheck(join, a, b, c));
  CHECK(gradgradcheck(join, a, b, c));
  auto pile = [](const Tensor& x, const Tensor& y) { return stack({x * y, y.t().t()}, 1); };
  CHECK(gradcheck(pile, a, c.t()));
  CHECK(gradgradcheck(pile, a, c.t()));
  const Tensor f = rand({2}, {.requires_grad = true});
  const Tensor d = rand({2}, leaf);
  cat({f, d, tensor({1, 2})}).sum().backward();
  CHECK(f.grad().dtype() == float32);
  CHECK(values<double>(d.grad()) == std::vector<double>{1, 1});
}

TEST_CASE("cat passes over empty vectors, with which lists begin") {
  const TensorOptions leaf{.dtype = float64, .requires_grad = true};
  const Tensor nothing = zeros({0}, leaf), a = rand({2, 3}, leaf), b = rand({2, 1}, leaf);
  const Tensor out = cat({nothing, a, nothing, b}, -1);
  CHECK(out.shape() == Shape{2, 4});
  CHECK(eq(out, cat({a, b}, 1)).all().item<bool>());
  (out * out).sum().backward();
  CHECK(nothing.grad().shape() == Shape{0});
  CHECK(eq(a.grad(), 2 * a).all().item<bool>());
  CHECK(cat({zeros({0}), zeros({0})}).shape() == Shape{0});
  CHECK(cat({zeros({0}), ones({2}, {.dtype = float64})}).shape() == Shape{2});
  CHECK(cat({zeros({0, 3}), zeros({2, 3})}).shape() == Shape{2, 3});
  CHECK_THROWS_AS(cat({zeros({0, 4}), zeros({2, 3})}), Error);
  CHECK_THROWS_WITH_AS(cat({zeros({2, 3}), zeros({0, 1})}), doctest::Contains("[cat]"), Error);
}
