#include "reel/nn/attention.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "reel/autograd/random.h"
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

/// The i-th parameter = 0.5 * sin((0.17 + 0.02 i) * arange(n) + i).
nn::MultiheadAttention with_waves(nn::MultiheadAttention layer) {
  const NoGradGuard no_grad;
  double i = 0;
  for (const Tensor& parameter : nn::parameters(layer)) {
    parameter.copy_(waves(parameter.shape(), 0.17 + 0.02 * i, i) * 0.5);
    ++i;
  }
  return layer;
}

}  // namespace

TEST_CASE("MultiheadAttention passes the layer check") {
  const std::vector<std::string> joint = {"in_proj_weight", "in_proj_bias", "out_proj.weight",
                                          "out_proj.bias"};
  testing::check_layer(
      nn::MultiheadAttention{.embed_dim = 4, .num_heads = 2, .batch_first = true},
      {.input = {2, 3, 4}, .output = {2, 3, 4}, .parameters = joint, .num_parameters = 80});
  testing::check_layer(nn::MultiheadAttention{.embed_dim = 4, .num_heads = 1, .dropout = 0.5},
                       {.input = {3, 2, 4},
                        .output = {3, 2, 4},
                        .parameters = joint,
                        .num_parameters = 80,
                        .random_in_training = true,
                        .batch_dim = 1});
  testing::check_layer(nn::MultiheadAttention{.embed_dim = 2, .num_heads = 2, .bias = false},
                       {.input = {3, 2},
                        .output = {3, 2},
                        .parameters = {"in_proj_weight", "out_proj.weight"},
                        .num_parameters = 16,
                        .batch_dim = {}});
}

TEST_CASE("MultiheadAttention has PyTorch's names, shapes and first values") {
  manual_seed(3);
  const nn::MultiheadAttention joint{.embed_dim = 64, .num_heads = 4};
  CHECK(joint.in_proj_weight.shape() == Shape{192, 64});
  CHECK_FALSE(joint.q_proj_weight.defined());
  // xavier_uniform_ of [192, 64].
  CHECK(abs(joint.in_proj_weight).max().item() <= std::sqrt(6. / 256));
  CHECK(joint.in_proj_weight.std().item() == doctest::Approx(std::sqrt(2. / 256)).epsilon(0.05));
  CHECK(testing::same(joint.in_proj_bias, zeros({192})));
  CHECK(testing::same(joint.out_proj.bias, zeros({64})));
  CHECK(joint.out_proj.bias.requires_grad());

  const nn::MultiheadAttention apart{.embed_dim = 4, .num_heads = 2, .kdim = 3, .vdim = 5};
  CHECK(testing::layer::names(nn::named_parameters(apart)) ==
        std::vector<std::string>{"q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias",
                                 "out_proj.weight", "out_proj.bias"});
  CHECK(apart.q_proj_weight.shape() == Shape{4, 4});
  CHECK(apart.k_proj_weight.shape() == Shape{4, 3});
  CHECK(apart.v_proj_weight.shape() == Shape{4, 5});
}

// mha = torch.nn.MultiheadAttention(4, 2), parameters as in `with_waves`; x = sin(0.37 arange).
TEST_CASE("MultiheadAttention gives PyTorch's numbers") {
  const nn::MultiheadAttention layer = with_waves({.embed_dim = 4, .num_heads = 2});
  const Tensor x = waves({3, 2, 4}, 0.37).requires_grad_();
  const std::vector<double> expected = {
      0.110286, 0.093505,  -0.012499, -0.206049, -0.299399, 0.404797,  0.812737,  0.584289,
      0.442748, -0.062925, -0.553784, -0.772193, 0.848574,  -0.439911, -1.462858, -1.608754,
      0.218428, 0.042785,  -0.188348, -0.390074, -0.274814, 0.413618,  0.799928,  0.558368};
  // y, w = mha(x, x, x)
  const auto slow = layer(x, x, x, {.need_weights = true});
  check_values(slow.output, {3, 2, 4}, expected, 2e-6);
  check_values(
      slow.weights, {2, 3, 3},
      {0.130222, 0.671869, 0.197909, 0.346967, 0.316516, 0.336517, 0.191237, 0.550501, 0.258262,
       0.07771, 0.857029, 0.065261, 0.420633, 0.077147, 0.50222, 0.069844, 0.872548, 0.057608},
      2e-6);
  const auto quick = layer(x, x, x);
  check_values(quick.output, {3, 2, 4}, expected, 2e-6);
  CHECK_FALSE(quick.weights.defined());
  check_values(layer(x), {3, 2, 4}, expected, 2e-6);
  check_values(layer(x, x.clone(), x).output, {3, 2, 4}, expected, 2e-6);
  // torch.autograd.grad(y, x, sin(0.7 arange))
  for (const Tensor& y : {layer(x), slow.output, layer(x, x.clone(), x).output}) {
    check_values(grad(y, x, {.grad_outputs = {waves({3, 2, 4}, 0.7)}}), {3, 2, 4},
                 {0.397438,  0.246196, 0.087856,  -0.073017, 0.022719, 0.186767, 0.345431, 0.494136,
                  -0.431393, -0.742,   -1.031214, -1.290698, 0.303415, 0.540359, 0.761724, 0.961129,
                  0.367784,  0.21199,  0.050085,  -0.113265, 0.164341, 0.333166, 0.492386, 0.63741},
                 5e-6);
  }
}

// mha(x, x, x, average_attn_weights=False, key_padding_mask=.., attn_mask=..)
TEST_CASE("MultiheadAttention follows its masks") {
  const nn::MultiheadAttention layer = with_waves({.embed_dim = 4, .num_heads = 2});
  const Tensor x = waves({3, 2, 4}, 0.37);
  const Tensor padding = tensor({{0, 0, 1}, {0, 1, 0}}).to(bool_);
  const Tensor causal = tensor({{0, 1, 1}, {0, 0, 1}, {0, 0, 0}}).to(bool_);
  const std::vector<double> expected = {
      0.709337, -0.254379, -1.075949, -1.277792, 0.678867, -0.460089, -1.320087, -1.397987,
      0.376424, -0.052765, -0.473897, -0.675711, 0.678867, -0.460089, -1.320087, -1.397987,
      0.107189, 0.08094,   -0.026176, -0.211741, 0.716684, -0.477466, -1.381101, -1.462059};
  const auto [output, weights] = layer(x, x, x,
                                       {.key_padding_mask = padding,
                                        .need_weights = true,
                                        .attn_mask = causal,
                                        .average_attn_weights = false});
  check_values(output, {3, 2, 4}, expected, 2e-6);
  check_values(weights, {2, 2, 3, 3},
               {1, 0, 0, 0.526551, 0.473449, 0, 0.355767, 0.644233, 0,
                1, 0, 0, 0.519341, 0.480659, 0, 0.166467, 0.833533, 0,
                1, 0, 0, 1,        0,        0, 0.547952, 0,        0.452048,
                1, 0, 0, 1,        0,        0, 0.624751, 0,        0.375249},
               2e-6);
  // The same in other words.
  const Tensor each = causal.expand({4, 3, 3});
  const Tensor summand = zeros({3, 3}).masked_fill(causal, -INFINITY);
  for (const nn::SelfAttentionOptions& options :
       {nn::SelfAttentionOptions{.key_padding_mask = padding, .attn_mask = causal},
        nn::SelfAttentionOptions{.key_padding_mask = padding, .attn_mask = each},
        nn::SelfAttentionOptions{.key_padding_mask = padding, .attn_mask = summand},
        nn::SelfAttentionOptions{.key_padding_mask = padding, .is_causal = true}}) {
    check_values(layer(x, options), {3, 2, 4}, expected, 2e-6);
  }
  check_values(layer(x, {.is_causal = true}), {3, 2, 4},
               testing::values_of(layer(x, {.attn_mask = causal})), 2e-6);
  CHECK(testing::close(triu(layer(x, x, x, {.need_weights = true, .is_causal = true}).weights, 1),
                       zeros({2, 3, 3})));
}

// torch.nn.MultiheadAttention(4, 2, kdim=3, vdim=5, batch_first=True), parameters as above
TEST_CASE("MultiheadAttention takes keys and values of other sizes") {
  const nn::MultiheadAttention layer =
      with_waves({.embed_dim = 4, .num_heads = 2, .kdim = 3, .vdim = 5, .batch_first = true});
  const Tensor query = waves({2, 3, 4}, 0.37), key = waves({2, 2, 3}, 0.5);
  const Tensor value = waves({2, 2, 5}, 0.6);
  const std::vector<double> expected = {
      0.120487, 0.143152, -0.325119, -0.781011, -0.064295, 0.031366,  -0.261134, -0.600082,
      0.539353, 0.373393, -0.495185, -1.195026, -0.207013, -0.082662, -0.241634, -0.464983,
      0.381149, 0.28188,  -0.43587,  -1.039418, 0.80503,   0.549015,  -0.571084, -1.452665};
  const auto [output, weights] = layer(query, key, value, {.need_weights = true});
  check_values(output, {2, 3, 4}, expected, 2e-6);
  check_values(weights, {2, 3, 2},
               {0.397229, 0.602771, 0.336762, 0.663238, 0.594407, 0.405593, 0.246204, 0.753796,
                0.550362, 0.449638, 0.740659, 0.259341},
               2e-6);
  check_values(layer(query, key, value).output, {2, 3, 4}, expected, 2e-6);
}

TEST_CASE("MultiheadAttention takes single sequences and either order") {
  const nn::MultiheadAttention layer = with_waves({.embed_dim = 4, .num_heads = 2});
  nn::MultiheadAttention turned = layer;
  turned.batch_first = true;
  const Tensor x = waves({3, 2, 4}, 0.37);
  const Tensor both = layer(x, {.is_causal = true});
  CHECK(testing::close(turned(x.transpose(0, 1), {.is_causal = true}).transpose(0, 1), both));
  const Tensor one = x.select(1, 0);
  CHECK(testing::close(layer(one, {.is_causal = true}), both.select(1, 0)));
  const Tensor padding = tensor({false, true, false});
  const auto [output, weights] =
      layer(one, one, one, {.key_padding_mask = padding, .need_weights = true});
  CHECK(output.shape() == Shape{3, 4});
  CHECK(weights.shape() == Shape{3, 3});
  CHECK((weights.select(1, 1) == 0).all().item<bool>());
}

TEST_CASE("MultiheadAttention drops weights in training only") {
  nn::MultiheadAttention layer{.embed_dim = 8, .num_heads = 2, .dropout = 0.9};
  const Tensor x = waves({6, 1, 8}, 0.37);
  CHECK_FALSE(testing::close(layer(x), layer(x)));
  const auto weights =
      layer(x, x, x, {.need_weights = true, .average_attn_weights = false}).weights;
  CHECK((weights == 0).any().item<bool>());
  nn::eval(layer);
  CHECK(testing::close(layer(x), layer(x)));
}

TEST_CASE("MultiheadAttention says what it expected") {
  using Layer = nn::MultiheadAttention;
  CHECK_THROWS_WITH_AS(nn::num_parameters(Layer{10, 4}),
                       "[MultiheadAttention] expected num_heads to divide embed_dim, got 4 and 10",
                       Error);
  CHECK_THROWS_AS(nn::num_parameters(Layer{.embed_dim = 4, .num_heads = 0}), Error);
  CHECK_THROWS_AS(nn::num_parameters(Layer{.embed_dim = 4, .num_heads = 2, .dropout = 2}), Error);
  CHECK_THROWS_AS(nn::num_parameters(Layer{.embed_dim = 4, .num_heads = 2, .kdim = 0}), Error);
  const Layer layer{.embed_dim = 4, .num_heads = 2, .batch_first = true};
  CHECK_THROWS_WITH_AS(
      layer(zeros({2, 3, 5})),
      "[MultiheadAttention] expected query, key and value of shapes [N, L, 4], [N, "
      "S, 4] and [N, S, 4], got [2, 3, 5], [2, 3, 5] and [2, 3, 5]"
      "\n  in MultiheadAttention{embed_dim=4, num_heads=2}",
      Error);
  const Tensor x = zeros({2, 3, 4});
  CHECK_THROWS_AS(layer(x, zeros({2, 5, 4}), x), Error);
  CHECK_THROWS_WITH_AS(
      layer(x, {.attn_mask = zeros({2, 3})}),
      "[MultiheadAttention] expected an attn_mask of shape [3, 3] or [4, 3, 3], got [2, 3]"
      "\n  in MultiheadAttention{embed_dim=4, num_heads=2}",
      Error);
  CHECK_THROWS_WITH_AS(
      layer(x, {.key_padding_mask = zeros({2, 3}, {.dtype = int64})}),
      "[MultiheadAttention] expected key_padding_mask of dtype bool or float32, got int64"
      "\n  in MultiheadAttention{embed_dim=4, num_heads=2}"
      "\nhelp: key_padding_mask.ne(0) hides what is not 0",
      Error);
  CHECK_THROWS_WITH_AS(
      layer(x, {.key_padding_mask = zeros({3, 2}, {.dtype = bool_})}),
      "[MultiheadAttention] expected a key_padding_mask of shape [2, 3], got [3, 2]"
      "\n  in MultiheadAttention{embed_dim=4, num_heads=2}",
      Error);
}
