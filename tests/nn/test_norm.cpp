#include "reel/nn/norm.h"

#include <doctest/doctest.h>

#include "support/compare.h"
#include "support/layer_check.h"
#include "support/op_check.h"

using namespace reel;
using testing::check_values;

namespace {

/// Numbers that PyTorch makes too: `torch.sin(a * torch.arange(n, dtype=torch.float64) + b)`.
Tensor waves(const Shape& shape, double a, double b = 0) {
  return sin(arange(shape.numel(), {.dtype = float64}) * a + b).reshape(shape).to(float32);
}

}  // namespace

TEST_CASE("LayerNorm passes the layer check") {
  testing::check_layer(
      nn::LayerNorm{3},
      {.input = {5, 3}, .output = {5, 3}, .parameters = {"weight", "bias"}, .num_parameters = 6});
  testing::check_layer(nn::LayerNorm{{2, 3}}, {.input = {4, 2, 3},
                                               .output = {4, 2, 3},
                                               .parameters = {"weight", "bias"},
                                               .num_parameters = 12});
  testing::check_layer(
      nn::LayerNorm{.normalized_shape = 4, .bias = false},
      {.input = {2, 3, 4}, .output = {2, 3, 4}, .parameters = {"weight"}, .num_parameters = 4});
  testing::check_layer(nn::LayerNorm{.normalized_shape = {4}, .elementwise_affine = false},
                       {.input = {2, 4}, .output = {2, 4}});
}

TEST_CASE("GroupNorm passes the layer check") {
  testing::check_layer(nn::GroupNorm{.num_groups = 2, .num_channels = 4},
                       {.input = {2, 4, 3},
                        .output = {2, 4, 3},
                        .parameters = {"weight", "bias"},
                        .num_parameters = 8});
  testing::check_layer(nn::GroupNorm{.num_groups = 1, .num_channels = 4, .affine = false},
                       {.input = {2, 4, 2, 2}, .output = {2, 4, 2, 2}});
}

TEST_CASE("norms start as PyTorch's") {
  const nn::LayerNorm layer{{2, 3}};
  CHECK(layer.eps == 1e-5);
  CHECK(testing::same(layer.weight, ones({2, 3})));
  CHECK(testing::same(layer.bias, zeros({2, 3})));
  const nn::GroupNorm groups{3, 6};
  CHECK(testing::same(groups.weight, ones({6})));
  CHECK(testing::same(groups.bias, zeros({6})));
}

// x = sin(0.37 arange) as [2, 6, 2, 3], weight = sin(0.5 arange + 1), bias = sin(0.6 arange);
// y = F.layer_norm(x, (2, 3), weight, bias) or F.group_norm(x, 3, weight, bias); y[0, :2] and
// torch.autograd.grad(y, x, sin(0.7 arange))[0][0, :2]
TEST_CASE("norms give PyTorch's numbers") {
  const Tensor x = waves({2, 6, 2, 3}, 0.37).requires_grad_();
  const Tensor dy = waves({2, 6, 2, 3}, 0.7);
  const nn::LayerNorm layer{
      .normalized_shape = {2, 3}, .bias = waves({2, 3}, 0.6), .weight = waves({2, 3}, 0.5, 1)};
  const Tensor y = layer(x);
  check_values(y[0].narrow(0, 0, 2), {2, 2, 3},
               {-1.509529, -0.22639, 0.997883, 1.383947, 0.811296, -0.162921, 1.195693, 1.498797,
                1.228432, 0.777528, 0.543239, 0.638676},
               2e-6);
  check_values(grad(y, x, {.grad_outputs = {dy}})[0].narrow(0, 0, 2), {2, 2, 3},
               {-0.975839, 0.774421, 1.451438, 0.383779, -0.923125, -0.710675, 0.181061, -0.507831,
                -0.10187, 0.598206, 0.43022, -0.599785},
               5e-6);
  const nn::GroupNorm groups{
      .num_groups = 3, .num_channels = 6, .bias = waves({6}, 0.6), .weight = waves({6}, 0.5, 1)};
  const Tensor z = groups(x);
  check_values(z[0].narrow(0, 0, 2), {2, 2, 3},
               {-0.473096, 0.057084, 0.515507, 0.840127, 0.987009, 0.936272, 1.388252, 0.914612,
                0.317701, -0.321692, -0.917027, -1.387729},
               2e-6);
  check_values(grad(z, x, {.grad_outputs = {dy}})[0].narrow(0, 0, 2), {2, 2, 3},
               {-0.391664, 0.786243, 1.488342, 1.452022, 0.742232, -0.285543, -1.392344, -1.760936,
                -1.372243, -0.483324, 0.408211, 0.809005},
               5e-6);
}

TEST_CASE("norms say what they expected") {
  CHECK_THROWS_WITH_AS(nn::num_parameters(nn::LayerNorm{{3, 0}}),
                       "[LayerNorm] expected a normalized_shape of sizes 1 or more, got [3, 0]",
                       Error);
  CHECK_THROWS_AS(nn::num_parameters(nn::LayerNorm{Shape{}}), Error);
  CHECK_THROWS_WITH_AS((nn::LayerNorm{4}(zeros({2, 3}))),
                       "[layer_norm] expected input of shape [.., 4], got [2, 3]"
                       "\n  in LayerNorm{normalized_shape=4}",
                       Error);
  CHECK_THROWS_WITH_AS(nn::num_parameters(nn::GroupNorm{3, 4}),
                       "[GroupNorm] expected num_groups to divide num_channels, got 3 and 4",
                       Error);
  CHECK_THROWS_WITH_AS((nn::GroupNorm{2, 4}(zeros({2, 3}))),
                       "[group_norm] expected groups to divide the 3 channels, got 2"
                       "\n  in GroupNorm{num_groups=2, num_channels=4}",
                       Error);
}
