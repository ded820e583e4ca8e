#include "reel/nn/batch_norm.h"

#include <doctest/doctest.h>

#include <optional>

#include "reel/nn/activation.h"
#include "reel/nn/sequential.h"
#include "support/layer_check.h"

using namespace reel;

TEST_CASE("BatchNorm1d passes the layer check") {
  testing::check_layer(nn::BatchNorm1d{3},
                       {.input = {5, 3},
                        .output = {5, 3},
                        .parameters = {"weight", "bias"},
                        .num_parameters = 6,
                        .buffers = {"running_mean", "running_var", "num_batches_tracked"}});
  testing::check_layer(nn::BatchNorm1d{.num_features = 2, .affine = false},
                       {.input = {3, 2, 4},
                        .output = {3, 2, 4},
                        .buffers = {"running_mean", "running_var", "num_batches_tracked"}});
}

TEST_CASE("BatchNorm2d passes the layer check") {
  testing::check_layer(nn::BatchNorm2d{2},
                       {.input = {3, 2, 2, 3},
                        .output = {3, 2, 2, 3},
                        .parameters = {"weight", "bias"},
                        .num_parameters = 4,
                        .buffers = {"running_mean", "running_var", "num_batches_tracked"}});
  testing::check_layer(nn::BatchNorm2d{.num_features = 2, .track_running_stats = false},
                       {.input = {3, 2, 2, 3},
                        .output = {3, 2, 2, 3},
                        .parameters = {"weight", "bias"},
                        .num_parameters = 4});
}

TEST_CASE("batch norm starts as PyTorch's") {
  const nn::BatchNorm2d layer{3};
  CHECK(testing::same(layer.weight, ones({3})));
  CHECK(testing::same(layer.bias, zeros({3})));
  CHECK(testing::same(layer.running_mean, zeros({3})));
  CHECK(testing::same(layer.running_var, ones({3})));
  CHECK(testing::same(layer.num_batches_tracked, tensor(0)));
}

TEST_CASE("batch norm may have a weight without a bias") {
  const nn::BatchNorm2d layer{.num_features = 3, .bias = false};
  CHECK(testing::layer::names(nn::named_parameters(layer)) == std::vector<std::string>{"weight"});
  CHECK(layer(ones({2, 3, 4, 4})).shape() == Shape{2, 3, 4, 4});
}

TEST_CASE("the state of batch norm has PyTorch's keys in their order") {
  std::vector<std::string> keys;
  for (const auto& [name, tensor] : nn::state_dict(nn::BatchNorm2d{3})) keys.push_back(name);
  CHECK(keys == std::vector<std::string>{"weight", "bias", "running_mean", "running_var",
                                         "num_batches_tracked"});
}

TEST_CASE("batch norm moves its averages in training and uses them in evaluation") {
  nn::BatchNorm1d layer{1};
  const Tensor x = tensor({{1.0}, {3.0}});  // mean 2, biased variance 1, unbiased 2
  CHECK(testing::close(layer(x), tensor({{-1.0}, {1.0}}), 1e-4));
  CHECK(testing::close(layer.running_mean, tensor({0.2})));
  CHECK(testing::close(layer.running_var, tensor({1.1})));
  CHECK(layer.num_batches_tracked.item<int>() == 1);

  nn::eval(layer);
  CHECK(testing::close(layer(x), tensor({{(1 - 0.2) / 1.0488136}, {(3 - 0.2) / 1.0488136}}), 1e-4));
  CHECK(layer.num_batches_tracked.item<int>() == 1);
}

TEST_CASE("batch norm without a momentum keeps the plain average of all batches") {
  const nn::BatchNorm1d layer{.num_features = 1, .momentum = std::nullopt};
  layer(tensor({{1.0}, {3.0}}));
  layer(tensor({{5.0}, {7.0}}));
  CHECK(testing::close(layer.running_mean, tensor({4.0})));
  CHECK(testing::close(layer.running_var, tensor({2.0})));
}

TEST_CASE("batch norm without averages uses the batch in evaluation too") {
  nn::BatchNorm1d layer{.num_features = 1, .track_running_stats = false};
  nn::eval(layer);
  CHECK(testing::close(layer(tensor({{1.0}, {3.0}})), tensor({{-1.0}, {1.0}}), 1e-4));
}

TEST_CASE("batch norm refuses inputs of another shape") {
  CHECK_THROWS_WITH_AS((nn::BatchNorm2d{3}(zeros({2, 3}))),
                       "[BatchNorm2d] expected input of shape [N, 3, H, W], got [2, 3]"
                       "\n  in BatchNorm2d{num_features=3}",
                       Error);
  CHECK_THROWS_WITH_AS((nn::BatchNorm1d{3}(zeros({2, 4}))),
                       "[BatchNorm1d] expected input of shape [N, 3] or [N, 3, L], got [2, 4]"
                       "\n  in BatchNorm1d{num_features=3}",
                       Error);
  CHECK_THROWS_WITH_AS(nn::parameters(nn::BatchNorm2d{-1}),
                       "[BatchNorm2d] expected num_features of 0 or more, got -1", Error);
  CHECK_THROWS_AS((nn::BatchNorm1d{3}(zeros({1, 3}))), Error);
}

TEST_CASE("batch norm with the ReLU inside is what a Sequential runs, and equals the two") {
  manual_seed(3);
  const Tensor x = randn({4, 3, 5, 5}, {.dtype = float32});
  const nn::BatchNorm2d images{3}, same{3};
  const nn::Sequential joined{same, nn::ReLU{}};
  CHECK(testing::same(joined(x), relu(images(x))));
  CHECK(testing::same(images.running_mean, same.running_mean));
  CHECK(images.num_batches_tracked.item() == same.num_batches_tracked.item());
  const nn::BatchNorm1d rows{3};
  const Tensor y = randn({6, 3});
  CHECK(testing::same(rows.then_relu(y), relu(rows(y))));
}
