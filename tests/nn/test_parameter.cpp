#include "reel/nn/parameter.h"

#include <doctest/doctest.h>

#include "reel/nn/required.h"
#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;

TEST_CASE("a parameter is a leaf that requires a gradient and shares its elements") {
  const Tensor values = ones({2});
  const nn::Parameter parameter = values;
  CHECK(parameter.requires_grad());
  CHECK(parameter.is_leaf());
  CHECK_FALSE(values.requires_grad());
  values.zero_();
  CHECK(testing::same(parameter, zeros({2})));
}

TEST_CASE("a parameter made from a result is a leaf") {
  const Tensor x = ones({2}, {.requires_grad = true});
  const nn::Parameter parameter = x * 2;
  CHECK(parameter.is_leaf());
}

TEST_CASE("copies of a parameter are tied") {
  const nn::Parameter a = ones({2});
  const nn::Parameter b = a;
  CHECK(a.is_same(b));
}

TEST_CASE("a parameter made from a number is a float32 scalar") {
  const nn::Parameter parameter = 0.5;
  CHECK(parameter.shape() == Shape{});
  CHECK(parameter.dtype() == float32);
  CHECK(parameter.item() == 0.5);
  CHECK(nn::Parameter(3).dtype() == float32);
}

TEST_CASE("a parameter may be no tensor at all") {
  CHECK_FALSE(nn::Parameter().defined());
  CHECK_FALSE(nn::Parameter(Tensor()).defined());
  CHECK_FALSE(nn::Buffer(Tensor()).defined());
}

TEST_CASE("a bias in a struct of the user's own, which nobody makes, is refused") {
  struct Scale {
    nn::Bias bias = true;
  };
  CHECK_THROWS_WITH_AS(nn::parameters(Scale{}),
                       "[Bias] expected bias to have been made, got true\n"
                       "help: only Reel's layers make their bias; give a tensor, or declare an "
                       "nn::Parameter",
                       Error);
  CHECK(nn::parameters(Scale{.bias = false}).empty());
  CHECK(nn::parameters(Scale{.bias = ones({2})}).size() == 1);
}

TEST_CASE("an integer parameter is refused") {
  CHECK_THROWS_AS(nn::Parameter(ones({2}, {.dtype = int64})), Error);
}

TEST_CASE("a buffer does not require a gradient") {
  const Tensor x = ones({2}, {.requires_grad = true});
  CHECK_FALSE(nn::Buffer(x * 2).requires_grad());
  CHECK(nn::Buffer(ones({2}, {.dtype = int64})).dtype() == int64);
}

TEST_CASE("a required option reads as its value") {
  const nn::Required<Size> number = 3;
  CHECK(number * 2 == 6);
  const nn::Required<Sizes<2>> pair = {3, 5};
  CHECK(pair()[0] == 3);
  CHECK(pair()[1] == 5);
  CHECK(nn::Required<Sizes<2>>(4)() == Sizes<2>(4, 4));
  CHECK(nn::Required<Sizes<2>>(number)() == Sizes<2>(3, 3));
  CHECK(nn::Required<Shape>(number)() == Shape{3});
  CHECK(nn::Required<Shape>{number, 4}() == Shape{3, 4});
  CHECK(Sizes<2>(number) == Sizes<2>(3, 3));
  CHECK(Padding<2>(number) == Padding<2>(3));
  static_assert(!std::is_constructible_v<nn::Required<Size>, nn::Required<Sizes<2>>>);
  static_assert(!std::is_constructible_v<nn::Required<Size>, double>);
  static_assert(!std::is_constructible_v<nn::Required<Size>, bool>);
  static_assert(!std::is_default_constructible_v<nn::Required<Size>>);
}
