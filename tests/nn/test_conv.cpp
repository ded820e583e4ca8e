#include "reel/nn/conv.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/layer_check.h"

using namespace reel;

template <class Layer>
concept MadeWithoutKernel = requires {
  Layer{1, 32};
};
static_assert(!MadeWithoutKernel<nn::Conv2d>);

TEST_CASE("Conv2d passes the layer check") {
  testing::check_layer(
      nn::Conv2d{.in_channels = 2, .out_channels = 3, .kernel_size = 3, .padding = 1},
      {.input = {2, 2, 4, 5},
       .output = {2, 3, 4, 5},
       .parameters = {"weight", "bias"},
       .num_parameters = 57});
  testing::check_layer(nn::Conv2d{.in_channels = 4,
                                  .out_channels = 2,
                                  .kernel_size = {2, 3},
                                  .stride = {1, 2},
                                  .padding = {0, 1},
                                  .dilation = {2, 1},
                                  .groups = 2,
                                  .bias = false},
                       {.input = {1, 4, 4, 5},
                        .output = {1, 2, 2, 3},
                        .parameters = {"weight"},
                        .num_parameters = 24});
}

TEST_CASE("Conv2d adds up a window") {
  const nn::Conv2d layer{.in_channels = 1,
                         .out_channels = 1,
                         .kernel_size = 2,
                         .bias = tensor({10.0}),
                         .weight = ones({1, 1, 2, 2})};
  const Tensor x = arange(9.0).view({1, 1, 3, 3});
  CHECK(testing::same(layer(x).contiguous(), tensor({{{{18.0, 22.0}, {30.0, 34.0}}}})));
}

TEST_CASE("Conv2d keeps the size with padding \"same\"") {
  const nn::Conv2d layer{.in_channels = 1, .out_channels = 2, .kernel_size = 5, .padding = "same"};
  CHECK(layer(zeros({1, 1, 7, 6})).shape() == Shape{1, 2, 7, 6});
}

TEST_CASE("Conv2d starts uniform in +-1 / sqrt(numbers a window sees)") {
  manual_seed(5);
  const nn::Conv2d layer{.in_channels = 8, .out_channels = 64, .kernel_size = 5, .groups = 2};
  CHECK(layer.weight.shape() == Shape{64, 4, 5, 5});
  CHECK(layer.weight.amax().item() <= 0.1);
  CHECK(layer.weight.amax().item() > 0.098);
  CHECK(layer.bias.amin().item() >= -0.1);
}

TEST_CASE("Conv2d refuses options that cannot be") {
  CHECK_THROWS_WITH_AS(nn::parameters(nn::Conv2d{0, 1, 3}),
                       "[Conv2d] expected in_channels and out_channels above 0, got 0 and 1",
                       Error);
  CHECK_THROWS_WITH_AS(nn::parameters(nn::Conv2d{1, 1, {3, -1}}),
                       "[Conv2d] expected a kernel_size above 0, got [3, -1]", Error);
  CHECK_THROWS_WITH_AS(
      nn::parameters(
          nn::Conv2d{.in_channels = 4, .out_channels = 3, .kernel_size = 1, .groups = 2}),
      "[Conv2d] expected groups that divide in_channels 4 and out_channels 3, got 2", Error);
  CHECK_THROWS_AS(nn::parameters(nn::Conv2d{
                      .in_channels = 4, .out_channels = 4, .kernel_size = 1, .groups = 0}),
                  Error);
  CHECK_THROWS_AS((nn::Conv2d{3, 1, 3}(zeros({1, 1, 5, 5}))), Error);
}
