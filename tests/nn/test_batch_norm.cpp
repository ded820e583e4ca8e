#include "reel/nn/batch_norm.h"

#include <doctest/doctest.h>

#include <optional>

#include "reel/nn/activation.h"
#include "reel/nn/sequential.h"
#include "support/compare.h"
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

TEST_CASE("batch norm and a ReLU in a Sequential equal the two apart") {
  manual_seed(3);
  const Tensor x = randn({4, 3, 5, 5}, {.dtype = float32});
  const nn::BatchNorm2d images{3}, same{3};
  const nn::Sequential joined{same, nn::ReLU{}};
  const Tensor z = images(x);
  CHECK(testing::same(joined(x), relu(z)));
  CHECK(testing::same(images.running_mean, same.running_mean));
  CHECK(images.num_batches_tracked.item() == same.num_batches_tracked.item());
}

namespace {

Tensor ramp(const Shape& shape) {
  return sin(arange(static_cast<double>(shape.numel()), {.dtype = float64})).view(shape);
}

}  // namespace

TEST_CASE("BatchNorm3d passes the layer check and gives PyTorch's numbers") {
  testing::check_layer(nn::BatchNorm3d{2},
                       {.input = {2, 2, 1, 2, 2},
                        .output = {2, 2, 1, 2, 2},
                        .parameters = {"weight", "bias"},
                        .num_parameters = 4,
                        .buffers = {"running_mean", "running_var", "num_batches_tracked"}});
  // torch.nn.BatchNorm3d(2).double()(torch.sin(torch.arange(16.).double()).view(2, 2, 1, 2, 2))
  nn::BatchNorm3d layer{2};
  nn::to(layer, float64);
  CHECK(testing::close(
      layer(ramp({2, 2, 1, 2, 2})),
      tensor({-0.3252072017, 0.9262373896, 1.027109595, -0.1153320259, -1.122124382, -1.412865906,
              -0.4354283543, 0.9115366958, 1.146176897, 0.2876997894, -1.134281179, -1.812403264,
              -0.8053357455, 0.5708842409, 1.391432566, 0.9019008848},
             {.dtype = float64})
          .view({2, 2, 1, 2, 2}),
      1e-9));
  CHECK(testing::close(layer.running_mean,
                       tensor({0.02186692293, 0.002329170565}, {.dtype = float64}).view({2}),
                       1e-9));
  CHECK(testing::close(layer.running_var,
                       tensor({0.9516698714, 0.9552325458}, {.dtype = float64}).view({2}), 1e-9));
  CHECK_THROWS_WITH_AS(
      layer(zeros({2, 2, 3, 3})),
      doctest::Contains("[BatchNorm3d] expected input of shape [N, 2, D, H, W], got "
                        "[2, 2, 3, 3]"),
      Error);
}

TEST_CASE("InstanceNorm passes the layer check") {
  testing::check_layer(nn::InstanceNorm2d{2}, {.input = {3, 2, 2, 3}, .output = {3, 2, 2, 3}});
  testing::check_layer(
      nn::InstanceNorm1d{.num_features = 3, .affine = true, .track_running_stats = true},
      {.input = {2, 3, 4},
       .output = {2, 3, 4},
       .parameters = {"weight", "bias"},
       .num_parameters = 6,
       .buffers = {"running_mean", "running_var", "num_batches_tracked"}});
  testing::check_layer(nn::InstanceNorm3d{.num_features = 1, .affine = true, .bias = false},
                       {.input = {2, 1, 2, 1, 2},
                        .output = {2, 1, 2, 1, 2},
                        .parameters = {"weight"},
                        .num_parameters = 1});
}

// n = torch.nn.InstanceNorm1d(2, affine=True, track_running_stats=True).double() with weight [2, .5]
// and bias [1, -1]: n(x), n.running_mean, n.running_var, n.eval()(x), x = sin(arange(16)).view(2, 2, 4)
TEST_CASE("InstanceNorm1d gives PyTorch's numbers in training and evaluation") {
  nn::InstanceNorm1d layer{.num_features = 2,
                           .affine = true,
                           .track_running_stats = true,
                           .bias = tensor({1.0, -1.0}),
                           .weight = tensor({2.0, 0.5})};
  nn::to(layer, float64);
  const Tensor x = ramp({2, 2, 4});
  CHECK(testing::close(
      layer(x),
      tensor({-1.328683738, 2.814308582, 3.14825287, -0.6338777138, -1.338693696, -1.500813698,
              -0.9557860173, -0.2047065888, 3.62496565, 2.146676353, -0.3019611574, -1.469680846,
              -1.808722221, -0.9655917112, -0.4628891382, -0.7627969295},
             {.dtype = float64})
          .view({2, 2, 4}),
      1e-9));
  CHECK(testing::close(layer.running_mean,
                       tensor({0.02186692293, 0.002329170565}, {.dtype = float64}).view({2}),
                       1e-9));
  CHECK(testing::close(layer.running_var,
                       tensor({0.9516588563, 0.9473656028}, {.dtype = float64}).view({2}), 1e-9));
  CHECK(layer.num_batches_tracked.item() == 0);
  nn::eval(layer);
  CHECK(testing::close(
      layer(x),
      tensor({0.9551693804, 2.680316799, 2.819371636, 1.244487517, -1.389965344, -1.493795145,
              -1.144732017, -0.6637029899, 2.983508866, 1.800076874, -0.1601591714, -1.09496729,
              -1.276833582, -0.7853570141, -0.4923222674, -0.667144137},
             {.dtype = float64})
          .view({2, 2, 4}),
      1e-9));
  CHECK(testing::close(layer(x[1]), layer(x)[1], 1e-9));
}

TEST_CASE("InstanceNorm says what does not fit") {
  CHECK_THROWS_WITH_AS(
      nn::InstanceNorm1d{2}(zeros({4, 3, 5})),
      doctest::Contains("[InstanceNorm1d] expected input of shape [N, 2, L] or [2, "
                        "L], got [4, 3, 5]"),
      Error);
  CHECK_THROWS_WITH_AS(nn::InstanceNorm2d{2}(zeros({4, 2, 1, 1})),
                       doctest::Contains("[instance_norm] expected more than one value per channel "
                                         "and image, got input of shape [4, 2, 1, 1]"),
                       Error);
}
