// Whose tensor `.grad` is, and how backward adds to it.

#include <doctest/doctest.h>

#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

Tensor leaf(const Shape& shape, double value = 1) {
  return full(shape, value, {.dtype = float64, .requires_grad = true});
}

double at(const Tensor& x, Size i) { return x[i].item(); }

}  // namespace

TEST_CASE("a gradient that is held stays current, and the leaf keeps it") {
  const Tensor w = leaf({3});
  (w * 2).sum().backward();
  const Tensor held = w.grad();
  (w * 2).sum().backward();
  CHECK(w.grad().is_same(held));
  CHECK(at(held, 0) == 4);
  (w * 2).backward({.gradient = held});  // what is added may be what is added to
  CHECK(w.grad().is_same(held));
  CHECK(at(held, 0) == 12);
}

TEST_CASE("a gradient set by the user is added to where it lies: flat buffers") {
  const Tensor flat = zeros({5}, {.dtype = float64});
  const Tensor a = leaf({3}), b = leaf({2});
  a.set_grad(flat.narrow(0, 0, 3));
  b.set_grad(flat.narrow(0, 3, 2));
  for (int step = 1; step <= 2; ++step) {
    (a.sum() * 2 + (b * b).sum()).backward();
    for (Size i = 0; i < 5; ++i) CHECK(at(flat, i) == 2 * step);
  }
}

TEST_CASE("a gradient in memory of the user's, or laid out otherwise, is added to in place") {
  double memory[6] = {};
  const Tensor w = leaf({2, 3});
  w.set_grad(from_blob(memory, {3, 2}).t());
  (w * arange(6, {.dtype = float64}).view({2, 3})).sum().backward();
  CHECK(memory[1] == 3);  // column 0, row 1
  CHECK(memory[4] == 2);  // column 2, row 0
  CHECK(w.grad().strides() == Strides{1, 2});
}

TEST_CASE("the gradient of a transposed leaf is laid out as the leaf") {
  const Tensor w = ones({2, 3}, {.dtype = float64}).t().requires_grad_();
  (w * 2).sum().backward();
  CHECK(w.grad().strides() == w.strides());
}

TEST_CASE("a gradient with a history is added to in place too, without create_graph") {
  const Tensor x = leaf({}, 3);
  (x * x * x).backward({.create_graph = true});
  const Tensor held = x.grad();
  CHECK(held.requires_grad());
  (x * 2).backward();
  CHECK(x.grad().is_same(held));
  CHECK(held.item() == 29);
  x.set_grad({});
}

TEST_CASE("an addition that fails leaves the gradient there") {
  const Tensor w = leaf({3});
  const Tensor spread = full({}, 5.0, {.dtype = float64}).expand({3});
  w.set_grad(spread);
  CHECK_THROWS_WITH_AS((w * 2).sum().backward(),
                       doctest::Contains("[add_] expected a target whose elements each have memory "
                                         "of their own"),
                       Error);
  CHECK(w.grad().is_same(spread));
  CHECK(at(w.grad(), 2) == 5);
  w.set_grad(spread.clone());
  (w * 2).sum().backward();  // the leaf is not left locked
  CHECK(at(w.grad(), 2) == 7);
}

TEST_CASE("with create_graph a leaf's gradient is a tensor of its own") {
  const Tensor x = leaf({3});
  SUBCASE("not the one that was given") {
    const Tensor given = full({3}, 2.0, {.dtype = float64});
    clone(x).backward({.gradient = given, .create_graph = true});
    CHECK_FALSE(x.grad().is_same(given));
    x.grad().zero_();
    CHECK(at(given, 0) == 2);
  }
  SUBCASE("not another leaf's") {
    const Tensor y = leaf({3});
    (x + y).backward({.gradient = full({3}, 2.0, {.dtype = float64}), .create_graph = true});
    x.grad().mul_(10);
    CHECK(at(y.grad(), 0) == 2);
  }
  SUBCASE("not one element spread over the shape") {
    x.sum().backward({.create_graph = true});
    CHECK(x.grad().is_contiguous());
    x.grad().mul_(3);
    CHECK(at(x.grad(), 0) == 3);
  }
  SUBCASE("laid out as the leaf, with its history") {
    const Tensor w = full({2, 3}, 2.0, {.dtype = float64}).t().requires_grad_();
    const Tensor weight = leaf({}, 3);
    (w.sum() * weight).backward({.create_graph = true});
    CHECK(w.grad().strides() == w.strides());
    CHECK(grad(w.grad().sum(), weight).item() == 6);
    w.set_grad({});
    weight.set_grad({});
  }
}

TEST_CASE("with create_graph the sum is a new tensor, whose history holds both parts") {
  const Tensor x = leaf({}, 3);
  (x * x).backward({.create_graph = true});
  const Tensor first = x.grad();
  (x * x * x).backward({.create_graph = true});
  CHECK_FALSE(x.grad().is_same(first));
  CHECK(first.item() == 6);
  CHECK(x.grad().item() == 33);
  CHECK(grad(x.grad(), x).item() == 20);  // 2 + 6 x
  x.set_grad({});
}

TEST_CASE(
    "create_graph into .grad makes a cycle that clearing the gradient ends; grad makes none") {
  const auto before = memory_stats().in_use;
  {
    const Tensor x = leaf({1000});
    (x * x * x).sum().backward({.create_graph = true});
    square(x.grad()).sum().backward();
    x.set_grad({});
  }
  CHECK(memory_stats().in_use == before);
  {
    const Tensor x = leaf({1000});
    const Tensor g = grad((x * x * x).sum(), x, {.create_graph = true});
    square(g).sum().backward();
  }
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("memory of the user's that goes meanwhile may ask for the same leaf's gradient") {
  const Tensor w = leaf({2});
  double memory[2] = {1, 1};
  int freed = 0;
  auto foreign = [&] {
    return from_blob(memory, {2}, [&](double*) {
      ++freed;
      CHECK(w.grad().defined());
    });
  };
  auto pass = [&](const BackwardOptions& options) {
    record("foreign", w.detach() * 1, wrt(w, [&](const Tensor&) { return foreign(); }))
        .backward(
            {.gradient = ones({2}, {.dtype = float64}), .create_graph = options.create_graph});
  };
  pass({});  // copied, since it is not the leaf's own
  pass({});  // added
  CHECK(freed == 2);
  CHECK(at(w.grad(), 0) == 2);
  w.set_grad(foreign());
  pass({.create_graph = true});  // replaced
  CHECK(freed == 4);
  CHECK(at(w.grad(), 0) == 2);
}
