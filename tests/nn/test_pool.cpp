#include "reel/nn/pool.h"

#include <doctest/doctest.h>

#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;

static_assert(!std::is_default_constructible_v<nn::MaxPool2d>);

TEST_CASE("pooling layers pass the layer check") {
  testing::check_layer(nn::MaxPool2d{2}, {.input = {2, 3, 4, 6}, .output = {2, 3, 2, 3}});
  testing::check_layer(nn::MaxPool2d{.kernel_size = 3, .stride = 2, .padding = 1},
                       {.input = {1, 2, 5, 5}, .output = {1, 2, 3, 3}});
  testing::check_layer(nn::AvgPool2d{2}, {.input = {2, 3, 4, 6}, .output = {2, 3, 2, 3}});
  testing::check_layer(nn::AvgPool2d{.kernel_size = {3, 2}, .padding = {1, 0}},
                       {.input = {1, 1, 4, 4}, .output = {1, 1, 2, 2}});
  testing::check_layer(nn::AdaptiveAvgPool2d{{1, 2}},
                       {.input = {2, 2, 5, 4}, .output = {2, 2, 1, 2}});
}

TEST_CASE("windows lie side by side unless a stride is given") {
  const Tensor x = arange(16.0).view({1, 1, 4, 4});
  CHECK(testing::same(nn::MaxPool2d{2}(x).contiguous(), tensor({{{{5.0, 7.0}, {13.0, 15.0}}}})));
  CHECK(nn::MaxPool2d{.kernel_size = 2, .stride = 1}(x).shape() == Shape{1, 1, 3, 3});
  CHECK(testing::same(nn::AvgPool2d{2}(x).contiguous(), tensor({{{{2.5, 4.5}, {10.5, 12.5}}}})));
}

TEST_CASE("pools over one and three axes and those of PyTorch's other kinds pass the layer check") {
  testing::check_layer(nn::MaxPool1d{2}, {.input = {2, 3, 5}, .output = {2, 3, 2}});
  testing::check_layer(nn::MaxPool3d{.kernel_size = {1, 2, 2}, .stride = 1},
                       {.input = {1, 1, 2, 3, 2}, .output = {1, 1, 2, 2, 1}});
  testing::check_layer(nn::AvgPool1d{.kernel_size = 3, .divisor_override = 2},
                       {.input = {2, 1, 6}, .output = {2, 1, 2}});
  testing::check_layer(nn::AvgPool3d{2}, {.input = {1, 1, 2, 4, 2}, .output = {1, 1, 1, 2, 1}});
  testing::check_layer(nn::AdaptiveAvgPool1d{2}, {.input = {2, 1, 5}, .output = {2, 1, 2}});
  testing::check_layer(nn::AdaptiveMaxPool2d{{2, same_as_input}},
                       {.input = {1, 2, 5, 3}, .output = {1, 2, 2, 3}});
  testing::check_layer(nn::AdaptiveMaxPool3d{1},
                       {.input = {1, 2, 2, 2, 2}, .output = {1, 2, 1, 1, 1}});
  testing::check_layer(nn::LPPool2d{.norm_type = 2, .kernel_size = 2},
                       {.input = {1, 2, 4, 2}, .output = {1, 2, 2, 1}});
}

TEST_CASE("MaxUnpool2d undoes what MaxPool2d tells of its maxima") {
  const Tensor x = arange(16.0).view({1, 1, 4, 4});
  const MaxPooled y = nn::MaxPool2d{2}.with_indices(x);
  CHECK(testing::same(y.indices.contiguous(), tensor({{{{5, 7}, {13, 15}}}})));
  const Tensor back = nn::MaxUnpool2d{2}(y.values, y.indices);
  CHECK(testing::same(back, where(back > 0, x, 0.0)));
  CHECK(back.sum().item() == 40);
  CHECK(nn::AdaptiveMaxPool1d{1}.with_indices(tensor({{{3.0, 5.0, 4.0}}})).indices.item() == 1);
}
