#include "reel/nn/activation.h"

#include <doctest/doctest.h>

#include "reel/nn/flatten.h"
#include "support/layer_check.h"

using namespace reel;

TEST_CASE("activations pass the layer check") {
  const testing::LayerCheck same_shape{.input = {3, 4}, .output = {3, 4}};
  testing::check_layer(nn::ReLU{}, same_shape);
  testing::check_layer(nn::LeakyReLU{.negative_slope = 0.2}, same_shape);
  testing::check_layer(nn::ELU{}, same_shape);
  testing::check_layer(nn::GELU{}, same_shape);
  testing::check_layer(nn::GELU{.approximate = "tanh"}, same_shape);
  testing::check_layer(nn::SiLU{}, same_shape);
  testing::check_layer(nn::Tanh{}, same_shape);
  testing::check_layer(nn::Sigmoid{}, same_shape);
  testing::check_layer(nn::Softplus{.beta = 2}, same_shape);
  testing::check_layer(nn::Softmax{}, same_shape);
  testing::check_layer(nn::LogSoftmax{}, same_shape);
  testing::check_layer(nn::Softmax{.dim = 1}, {.input = {2, 3, 2}, .output = {2, 3, 2}});
}

TEST_CASE("Flatten and Identity pass the layer check") {
  testing::check_layer(nn::Flatten{}, {.input = {2, 3, 4}, .output = {2, 12}});
  testing::check_layer(nn::Flatten{.start_dim = 0, .end_dim = 1},
                       {.input = {2, 3, 4}, .output = {6, 4}});
  testing::check_layer(nn::Identity{}, {.input = {2, 3}, .output = {2, 3}});
}

TEST_CASE("activations are the functions of their names") {
  const Tensor x = tensor({-1.0, 0.0, 2.0});
  CHECK(testing::same(nn::ReLU{}(x), tensor({0.0, 0.0, 2.0})));
  CHECK(testing::same(nn::LeakyReLU{.negative_slope = 0.5}(x), tensor({-0.5, 0.0, 2.0})));
  CHECK(testing::close(nn::ELU{}(x), tensor({-0.6321206, 0.0, 2.0})));
  CHECK(testing::close(nn::SiLU{}(x), tensor({-0.2689414, 0.0, 1.7615942})));
  CHECK(testing::close(nn::GELU{}(x), tensor({-0.1586553, 0.0, 1.9544997})));
  CHECK(testing::close(nn::GELU{.approximate = "tanh"}(x), tensor({-0.1588080, 0.0, 1.9545977})));
  CHECK(testing::close(nn::Softplus{}(x), tensor({0.3132617, 0.6931472, 2.1269280})));
  CHECK(testing::close(nn::Softmax{}(x), tensor({0.0420101, 0.1141952, 0.8437947})));
  CHECK(testing::close(nn::LogSoftmax{}(x), tensor({-3.1698461, -2.1698461, -0.1698461})));
}

TEST_CASE("activations refuse options that cannot be") {
  CHECK_THROWS_AS(nn::GELU{.approximate = "nearly"}(zeros({2})), Error);
  CHECK_THROWS_AS(nn::Softmax{.dim = 3}(zeros({2})), Error);
}
