#include "reel/nn/linear.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;

template <class Layer>
concept MadeWithoutOutputs = requires { Layer{784}; } || requires { Layer{.in_features = 784}; };
template <class Layer>
concept MadeFromFraction = requires {
  Layer{784.5, 10};
};
static_assert(!MadeWithoutOutputs<nn::Linear>);
static_assert(!MadeFromFraction<nn::Linear>);
static_assert(!std::is_default_constructible_v<nn::Linear>);

TEST_CASE("Linear passes the layer check") {
  testing::check_layer(
      nn::Linear{.in_features = 3, .out_features = 4},
      {.input = {5, 3}, .output = {5, 4}, .parameters = {"weight", "bias"}, .num_parameters = 16});
  testing::check_layer(
      nn::Linear{.in_features = 3, .out_features = 2, .bias = false},
      {.input = {2, 5, 3}, .output = {2, 5, 2}, .parameters = {"weight"}, .num_parameters = 6});
}

TEST_CASE("Linear multiplies by the transposed weight and adds the bias") {
  const nn::Linear layer{.in_features = 2,
                         .out_features = 3,
                         .bias = tensor({0.5, -0.5, 0.0}),
                         .weight = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})};
  const Tensor y = layer(tensor({{1.0, 10.0}}));
  CHECK(testing::same(y, tensor({{21.5, 42.5, 65.0}})));
}

TEST_CASE("Linear starts uniform in +-1 / sqrt(in_features), weights and biases") {
  manual_seed(3);
  const nn::Linear layer{100, 400};
  for (const Tensor& parameter : {Tensor(layer.weight), Tensor(layer.bias)}) {
    CHECK(parameter.amax().item() <= 0.1);
    CHECK(parameter.amin().item() >= -0.1);
    CHECK(parameter.amax().item() > 0.095);
    CHECK(parameter.amin().item() < -0.095);
    CHECK(parameter.std().item() == doctest::Approx(0.1 / std::sqrt(3)).epsilon(0.1));
    CHECK(std::abs(parameter.mean().item()) < 0.01);
  }
  CHECK(layer.weight.shape() == Shape{400, 100});
  CHECK(layer.weight.is_leaf());
}

TEST_CASE("Linear starts the same from the same seed") {
  manual_seed(11);
  const nn::Linear a{4, 4};
  manual_seed(11);
  const nn::Linear b{4, 4};
  const nn::Linear c{4, 4};
  CHECK(testing::same(a.weight, b.weight));
  CHECK(testing::same(a.bias, b.bias));
  CHECK_FALSE(testing::same(a.weight, c.weight));
}

TEST_CASE("Linear may have no inputs or outputs") {
  CHECK(nn::Linear{0, 2}(zeros({3, 0})).shape() == Shape{3, 2});
  CHECK(nn::Linear{2, 0}(zeros({3, 2})).shape() == Shape{3, 0});
}

TEST_CASE("Linear refuses negative sizes and inputs of another size") {
  CHECK_THROWS_WITH_AS(nn::parameters(nn::Linear{-1, 10}),
                       "[Linear] expected in_features and out_features of 0 or more, got -1 and 10",
                       Error);
  CHECK_THROWS_AS(nn::parameters(nn::Linear{10, -1}), Error);
  CHECK_THROWS_WITH_AS(nn::parameters(nn::Linear{Size{1} << 32, Size{1} << 32}),
                       "[Linear] expected at most 2^48 elements, got shape [4294967296, "
                       "4294967296]",
                       Error);
  CHECK_THROWS_AS((nn::Linear{3, 4}(zeros({5, 2}))), Error);
}

TEST_CASE("a layer's bias is true, false or a tensor, and then the parameter") {
  manual_seed(5);
  const nn::Linear wanted{.in_features = 4, .out_features = 2, .bias = true};
  manual_seed(5);
  const nn::Linear by_default{4, 2};
  CHECK(testing::same(wanted.bias, by_default.bias));
  CHECK(wanted.bias.shape() == Shape{2});

  const nn::Linear without{.in_features = 4, .out_features = 2, .bias = false};
  CHECK_FALSE(without.bias.defined());
  CHECK_FALSE(nn::Linear{4, 2, false}.bias.defined());
  CHECK(nn::num_parameters(without) == 8);
  CHECK(without(ones({3, 4})).shape() == Shape{3, 2});

  const nn::Linear shares{.in_features = 4, .out_features = 2, .bias = wanted.bias};
  CHECK(shares.bias.requires_grad());
  CHECK(nn::num_parameters(shares) == 10);
  CHECK(shares.bias.is_same(wanted.bias));
  const nn::Parameter own = zeros({2});
  CHECK(nn::Linear{4, 2, own}.bias.is_same(own));

  const bool use_bias = true;  // beside a weight that is given
  const nn::Linear tied{
      .in_features = 4, .out_features = 2, .bias = use_bias, .weight = without.weight};
  CHECK(tied.bias.shape() == Shape{2});
}

TEST_CASE("a given weight or bias of another shape is refused when the layer is made") {
  CHECK_THROWS_WITH_AS(nn::parameters(nn::Linear{4, 2, zeros({3})}),
                       "[Linear] expected bias of shape [2], got [3]", Error);
  CHECK_THROWS_WITH_AS(nn::parameters(nn::Linear{4, 2, false, zeros({4, 2})}),
                       "[Linear] expected weight of shape [2, 4], got [4, 2]", Error);
}

TEST_CASE("a layer takes another's weight, which ties them") {
  const nn::Linear encoder{.in_features = 3, .out_features = 3, .bias = false};
  const nn::Linear decoder{
      .in_features = 3, .out_features = 3, .bias = false, .weight = encoder.weight};
  CHECK(decoder.weight.is_same(encoder.weight));
}
