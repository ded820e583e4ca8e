#include "reel/nn/pool.h"

#include <doctest/doctest.h>

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

TEST_CASE("a pool that takes the ReLU along gives the same") {
  Generator generator(1);
  const Tensor x = randn({2, 3, 6, 6}, generator);
  const nn::MaxPool2d pool{2};
  CHECK(testing::same(pool.after_relu(x), pool(relu(x))));
}
