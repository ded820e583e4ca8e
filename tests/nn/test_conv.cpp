#include "reel/nn/conv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "reel/nn/activation.h"
#include "reel/nn/pool.h"
#include "reel/nn/sequential.h"
#include "reel/nn/summary.h"
#include "support/compare.h"
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

namespace {

Tensor ramp(const Shape& shape, double step = 1) {
  return sin(arange(static_cast<double>(shape.numel()), {.dtype = float64}) * step).view(shape);
}

}  // namespace

TEST_CASE("convolutions over one and three axes pass the layer check") {
  testing::check_layer(nn::Conv1d{.in_channels = 2,
                                  .out_channels = 3,
                                  .kernel_size = 4,
                                  .padding = 2,
                                  .padding_mode = "circular"},
                       {.input = {2, 2, 5},
                        .output = {2, 3, 6},
                        .parameters = {"weight", "bias"},
                        .num_parameters = 27});
  testing::check_layer(
      nn::Conv3d{.in_channels = 1, .out_channels = 2, .kernel_size = {1, 2, 3}, .padding = "same"},
      {.input = {1, 1, 2, 2, 3},
       .output = {1, 2, 2, 2, 3},
       .parameters = {"weight", "bias"},
       .num_parameters = 14});
}

TEST_CASE("transposed convolutions pass the layer check") {
  testing::check_layer(
      nn::ConvTranspose1d{.in_channels = 2, .out_channels = 3, .kernel_size = 3, .stride = 2},
      {.input = {2, 2, 3},
       .output = {2, 3, 7},
       .parameters = {"weight", "bias"},
       .num_parameters = 21});
  testing::check_layer(nn::ConvTranspose2d{.in_channels = 4,
                                           .out_channels = 2,
                                           .kernel_size = {2, 3},
                                           .stride = 2,
                                           .padding = {0, 1},
                                           .output_padding = {1, 0},
                                           .groups = 2,
                                           .bias = false},
                       {.input = {1, 4, 2, 2},
                        .output = {1, 2, 5, 3},
                        .parameters = {"weight"},
                        .num_parameters = 24});
  testing::check_layer(nn::ConvTranspose3d{1, 1, 2}, {.input = {1, 1, 1, 2, 1},
                                                      .output = {1, 1, 2, 3, 2},
                                                      .parameters = {"weight", "bias"},
                                                      .num_parameters = 9});
}

// Printed by torch.nn.Conv1d(1, 1, 4, padding="same", padding_mode=..., bias=False) and
// Conv2d(1, 1, 2, padding=(1, 2), padding_mode="circular", bias=False) with weights and input
// torch.sin(torch.arange(n) * step), step 0.7 and 1.
TEST_CASE("a convolution with another padding mode gives PyTorch's numbers") {
  const auto conv1d = [](const char* mode) {
    nn::Conv1d layer{.in_channels = 1,
                     .out_channels = 1,
                     .kernel_size = 4,
                     .padding = "same",
                     .bias = false,
                     .padding_mode = mode};
    layer.weight = nn::Parameter(ramp({1, 1, 4}, 0.7));
    return layer(ramp({1, 1, 5}));
  };
  CHECK(
      testing::close(conv1d("reflect"),
                     tensor({1.614141411, 1.559973508, 0.07157315651, -0.5330626967, 0.4364351765},
                            {.dtype = float64})
                         .view({1, 1, 5}),
                     1e-9));
  CHECK(testing::close(conv1d("replicate"),
                       tensor({1.614141411, 1.559973508, 0.07157315651, -1.308157812, -1.886615371},
                              {.dtype = float64})
                           .view({1, 1, 5}),
                       1e-9));
  CHECK(
      testing::close(conv1d("circular"),
                     tensor({1.614141411, 1.559973508, 0.07157315651, -0.6548788094, 0.2388200826},
                            {.dtype = float64})
                         .view({1, 1, 5}),
                     1e-9));
  nn::Conv2d layer{.in_channels = 1,
                   .out_channels = 1,
                   .kernel_size = 2,
                   .padding = {1, 2},
                   .bias = false,
                   .padding_mode = "circular"};
  layer.weight = nn::Parameter(ramp({1, 1, 2, 2}, 0.7));
  CHECK(testing::close(layer(ramp({1, 1, 2, 3})),
                       tensor({0.9963854322, 0.986978909, 0.2388200826, 0.9963854322, 0.986978909,
                               0.2388200826, -0.9877577451, -0.8231555548, 0.0278781629,
                               -0.9877577451, -0.8231555548, 0.0278781629, 0.9963854322,
                               0.986978909, 0.2388200826, 0.9963854322, 0.986978909, 0.2388200826},
                              {.dtype = float64})
                           .view({1, 1, 3, 6}),
                       1e-9));
}

TEST_CASE("ConvTranspose2d gives images of the size that is asked for") {
  const nn::ConvTranspose2d up{
      .in_channels = 1, .out_channels = 1, .kernel_size = 3, .stride = 2, .padding = 1};
  const Tensor x = zeros({1, 1, 4, 4});
  CHECK(up(x).shape() == Shape{1, 1, 7, 7});
  CHECK(up(x, {8, 7}).shape() == Shape{1, 1, 8, 7});
  CHECK_THROWS_WITH_AS(
      up(x, {9, 7}),
      doctest::Contains("[ConvTranspose2d] expected an output_size from [7, 7] on, "
                        "less than one stride [2, 2] above, got [9, 7]"),
      Error);
}

TEST_CASE(
    "ConvTranspose2d starts uniform in +-1 / sqrt(out_channels / groups * cells), as PyTorch") {
  manual_seed(5);
  const nn::ConvTranspose2d layer{
      .in_channels = 64, .out_channels = 8, .kernel_size = 5, .groups = 2};
  CHECK(layer.weight.shape() == Shape{64, 4, 5, 5});
  CHECK(layer.weight.amax().item() <= 0.1);
  CHECK(layer.weight.amax().item() > 0.098);
}

TEST_CASE("convolutions of every number of axes go by PyTorch's name") {
  nn::Conv1d one{1, 2, 3};
  nn::Conv2d two{1, 2, 3};
  CHECK(nn::summary(one, zeros({1, 1, 5})).find("Conv1d") != std::string::npos);
  CHECK(nn::summary(two, zeros({1, 1, 5, 5})).find("Conv2d") != std::string::npos);
  CHECK_THROWS_WITH_AS((nn::Conv1d{1, 1, 0}), "[Conv1d] expected a kernel_size above 0, got 0",
                       Error);
  CHECK_THROWS_WITH_AS((nn::ConvTranspose3d{1, 1, {1, 0, 2}}),
                       "[ConvTranspose3d] expected a kernel_size above 0, got [1, 0, 2]", Error);
}

TEST_CASE(
    "a Sequential of Conv1d, ReLU and MaxPool1d runs as one op, and with padding modes apart") {
  manual_seed(6);
  const auto block = [](const char* mode) {
    return nn::Sequential{nn::Conv1d{.in_channels = 2,
                                     .out_channels = 3,
                                     .kernel_size = 3,
                                     .padding = 1,
                                     .padding_mode = mode},
                          nn::ReLU{}, nn::MaxPool1d{2}};
  };
  const Tensor x = randn({2, 2, 8});
  CHECK(std::string(block("zeros")(x).op_name()) == "conv1d_relu_max_pool1d");
  const nn::Sequential circular = block("circular");
  const auto& conv = circular.at<nn::Conv1d>(0);
  const Tensor by_hand =
      max_pool1d(relu(conv1d(pad(x, {1, 1}, {.mode = "circular"}), conv.weight, conv.bias)), 2);
  CHECK(testing::same(circular(x), by_hand));
}
