#include "reel/nn/activation.h"

#include <doctest/doctest.h>

#include "reel/autograd/random.h"
#include "reel/nn/flatten.h"
#include "reel/ops/ops.h"
#include "support/compare.h"
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
  testing::check_layer(nn::CELU{.alpha = 0.5}, same_shape);
  testing::check_layer(nn::SELU{}, same_shape);
  testing::check_layer(nn::Mish{}, same_shape);
  testing::check_layer(nn::LogSigmoid{}, same_shape);
  testing::check_layer(nn::Softsign{}, same_shape);
  testing::check_layer(nn::Hardsigmoid{}, same_shape);
  testing::check_layer(nn::Hardswish{}, same_shape);
  testing::check_layer(nn::Hardtanh{.min_val = -0.5, .max_val = 2}, same_shape);
  testing::check_layer(nn::ReLU6{}, same_shape);
  testing::check_layer(nn::Threshold{.threshold = 0.1, .value = 20}, same_shape);
  testing::check_layer(nn::Softshrink{}, same_shape);
  testing::check_layer(nn::Hardshrink{.lambd = 0.3}, same_shape);
  testing::check_layer(nn::Tanhshrink{}, same_shape);
  testing::check_layer(nn::RReLU{},
                       {.input = {3, 4}, .output = {3, 4}, .random_in_training = true});
  testing::check_layer(
      nn::PReLU{},
      {.input = {3, 4}, .output = {3, 4}, .parameters = {"weight"}, .num_parameters = 1});
  testing::check_layer(
      nn::PReLU{.num_parameters = 3},
      {.input = {2, 3, 4}, .output = {2, 3, 4}, .parameters = {"weight"}, .num_parameters = 3});
  testing::check_layer(nn::GLU{}, {.input = {3, 4}, .output = {3, 2}});
  testing::check_layer(nn::GLU{.dim = 1}, {.input = {2, 4, 3}, .output = {2, 2, 3}});
  testing::check_layer(nn::Softmin{}, same_shape);
  testing::check_layer(nn::Softmax2d{}, {.input = {2, 3, 2, 2}, .output = {2, 3, 2, 2}});
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

TEST_CASE("more activations are the functions of their names") {
  const Tensor x = tensor({-4.0, -0.4, 0.0, 0.3, 8.0});
  CHECK(testing::same(nn::CELU{.alpha = 2}(x), celu(x, 2)));
  CHECK(testing::same(nn::SELU{}(x), selu(x)));
  CHECK(testing::same(nn::Mish{}(x), mish(x)));
  CHECK(testing::same(nn::LogSigmoid{}(x), logsigmoid(x)));
  CHECK(testing::same(nn::Softsign{}(x), softsign(x)));
  CHECK(testing::same(nn::Hardsigmoid{}(x), hardsigmoid(x)));
  CHECK(testing::same(nn::Hardswish{}(x), hardswish(x)));
  CHECK(testing::same(nn::Hardtanh{}(x), tensor({-1.0, -0.4, 0.0, 0.3, 1.0})));
  CHECK(testing::same(nn::ReLU6{}(x), tensor({0.0, 0.0, 0.0, 0.3, 6.0})));
  CHECK(testing::same(nn::Threshold{0.3, 5.0}(x), tensor({5.0, 5.0, 5.0, 5.0, 8.0})));
  CHECK(testing::close(nn::Softshrink{}(x), tensor({-3.5, 0.0, 0.0, 0.0, 7.5})));
  CHECK(testing::same(nn::Hardshrink{}(x), tensor({-4.0, 0.0, 0.0, 0.0, 8.0})));
  CHECK(testing::same(nn::Tanhshrink{}(x), tanhshrink(x)));
  CHECK(testing::same(nn::PReLU{}(x), tensor({-1.0, -0.1, 0.0, 0.3, 8.0})));
  CHECK(testing::same(nn::Softmin{}(x), softmax(-x, 0)));
  CHECK(testing::close(nn::GLU{}(tensor({3.0, 1.0, 0.0, -2.0})), tensor({1.5, 0.1192029})));
  const Tensor image = arange(0.0, 24.0).reshape({2, 3, 2, 2});
  CHECK(testing::same(nn::Softmax2d{}(image), softmax(image, 1)));
  CHECK(testing::same(nn::Softmax2d{}(image[0]), softmax(image[0], 0)));
}

TEST_CASE("PReLU has one slope, or one for each channel") {
  const Tensor x = tensor({{-1.0, -1.0}, {2.0, -3.0}});
  CHECK(testing::same(prelu(x, tensor({0.5, 2.0})), tensor({{-0.5, -2.0}, {2.0, -6.0}})));
  CHECK(testing::same(prelu(x, tensor({0.5})), tensor({{-0.5, -0.5}, {2.0, -1.5}})));
  CHECK(testing::same(prelu(x, Tensor(0.5)), tensor({{-0.5, -0.5}, {2.0, -1.5}})));
  CHECK(testing::same(prelu(x[0], tensor({0.5, 2.0})), tensor({-0.5, -2.0})));
  const Tensor images = -ones({2, 3, 2, 2}), slopes = tensor({1.0, 2.0, 3.0});
  CHECK(testing::same(prelu(images, slopes).select(1, 2), full({2, 2, 2}, -3.0)));
  CHECK(prelu(tensor(-2.0), tensor({0.5})).shape() == Shape{});
  CHECK_THROWS_WITH_AS(prelu(images, ones({2})),
                       "[prelu] expected one weight or one for each channel of [2, 3, 2, 2], got "
                       "[2]",
                       Error);
  CHECK_THROWS_AS(prelu(images, ones({1, 3})), Error);
}

TEST_CASE("RReLU draws a slope for each element in training, and takes the mean else") {
  const Tensor x = cat({-ones({5000}), ones({10})});
  nn::RReLU layer{.lower = 0.2, .upper = 0.4, .generator = std::make_shared<Generator>(3)};
  const Tensor y = layer(x), below = -y.slice(0, 0, 5000);
  CHECK(min(below).item() >= 0.2);
  CHECK(max(below).item() <= 0.4);
  CHECK(mean(below).item() == doctest::Approx(0.3).epsilon(0.02));
  CHECK(max(below).item() - min(below).item() > 0.19);
  CHECK(testing::same(y.slice(0, 5000, 5010), ones({10})));
  const Tensor v = (-ones({4})).requires_grad_();
  const Tensor out = rrelu(v, {.training = true});
  CHECK(testing::same(grad(sum(out), v), -out.detach()));  // the slopes that were drawn
  nn::eval(layer);
  CHECK(testing::close(layer(x), leaky_relu(x, 0.3)));
}

TEST_CASE("activations refuse options that cannot be") {
  CHECK_THROWS_AS(nn::CELU{.alpha = 0}(zeros({2})), Error);
  CHECK_THROWS_WITH_AS((nn::Hardtanh{.min_val = 2, .max_val = 1}(zeros({2}))),
                       doctest::Contains("[hardtanh] expected min_val <= max_val, got 2 and 1"),
                       Error);
  CHECK_THROWS_AS(nn::Softshrink{.lambd = -1}(zeros({2})), Error);
  CHECK_THROWS_AS(rrelu(zeros({2}), {.lower = 1, .upper = 0}), Error);
  CHECK_THROWS_WITH_AS((void)nn::PReLU{.num_parameters = 0},
                       "[PReLU] expected num_parameters of 1 or more, got 0", Error);
  CHECK_THROWS_WITH_AS(glu(zeros({2, 3})), "[glu] expected an even size in dimension 1, got [2, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(nn::Softmax2d{}(zeros({2, 3})),
                       doctest::Contains("[Softmax2d] expected [N, C, H, W] or [C, H, W]"), Error);
  CHECK_THROWS_AS(nn::GELU{.approximate = "nearly"}(zeros({2})), Error);
  CHECK_THROWS_AS(nn::Softmax{.dim = 3}(zeros({2})), Error);
}
