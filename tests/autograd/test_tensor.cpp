#include "reel/autograd/tensor.h"

#include <doctest/doctest.h>

#include "reel/autograd/ops.h"
#include "reel/autograd/tape.h"

using namespace reel;

TEST_CASE("a number becomes a 0-d tensor") {
  const Tensor x = 2.5;
  CHECK(x.dim() == 0);
  CHECK(x.numel() == 1);
  CHECK(x.item() == 2.5);
  CHECK(Tensor(3).item<int>() == 3);
  CHECK(Tensor(true).dtype() == bool_);
}

TEST_CASE("handles share, clones do not") {
  const Tensor x = zeros({2});
  const Tensor same = x;
  const Tensor copy = x.clone();
  x.fill_(1);
  CHECK(same.is_same(x));
  CHECK(same[1].item() == 1);
  CHECK(copy[1].item() == 0);
}

TEST_CASE("large integers keep every digit") {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  CHECK(Tensor(big).item<std::int64_t>() == big);
}

TEST_CASE("an undefined tensor is refused with a sentence") {
  const Tensor nothing;
  CHECK_FALSE(nothing.defined());
  CHECK_FALSE(nothing.requires_grad());
  CHECK_THROWS_WITH_AS(static_cast<void>(nothing.shape()),
                       doctest::Contains("[Tensor] expected a tensor, got an undefined one"),
                       Error);
}

TEST_CASE("reading as the wrong type is an error") {
  CHECK_THROWS_WITH_AS(zeros({2}).data_ptr<double>(),
                       "[data_ptr] expected dtype float32, got float64", Error);
}

TEST_CASE("item wants exactly one element") {
  CHECK_THROWS_WITH_AS(zeros({2}).item(),
                       "[item] expected a tensor with one element, got shape [2]", Error);
}

TEST_CASE("impossible shapes are refused before memory is asked for") {
  CHECK_THROWS_WITH_AS(empty({2, -1}), "[empty] expected sizes of 0 or more, got shape [2, -1]",
                       Error);
  CHECK_THROWS_AS(empty({1L << 40, 1L << 40}), Error);
}

TEST_CASE("only floating leaves can ask for gradients, only leaves can stop") {
  CHECK_THROWS_WITH_AS(zeros({2}, {.dtype = int64, .requires_grad = true}),
                       "[requires_grad_] expected a floating-point tensor, got dtype int64", Error);
  const Tensor x = zeros({2}, {.requires_grad = true});
  CHECK(x.is_leaf());
  const Tensor y = x * 2;
  CHECK_FALSE(y.is_leaf());
  CHECK(y.op_name() == doctest::String("mul"));
  CHECK_THROWS_WITH_AS(y.requires_grad_(false),
                       doctest::Contains("[requires_grad_] expected a leaf"), Error);
}

TEST_CASE("a gradient can be set and cleared, if it fits") {
  const Tensor x = zeros({2}, {.requires_grad = true});
  CHECK_FALSE(x.grad().defined());
  x.set_grad(ones({2}));
  CHECK(x.grad()[0].item() == 1);
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
  CHECK_THROWS_WITH_AS(
      x.set_grad(ones({3})),
      "[set_grad] expected a gradient of shape [2] and dtype float32, got [3] and float32", Error);
}
