// A batch of no samples goes through every op, layer and loss: the last batch of an epoch may be
// one, and so may what a filter has left.

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;
using nn::Reduction;

namespace {

/// Something that takes a batch, and the parameters that it uses.
struct Case {
  const char* name;
  Shape input;
  Shape output;
  std::function<Tensor(const Tensor& x, const std::vector<Tensor>& parameters)> f;
  std::vector<Shape> parameters = {};
};

void check_empty(const Case& c, DType dtype) {
  CAPTURE(c.name);
  const TensorOptions leaf{.dtype = dtype, .requires_grad = true};
  const Tensor x = zeros(c.input, leaf);
  std::vector<Tensor> parameters;
  for (const Shape& shape : c.parameters) parameters.push_back(ones(shape, leaf));
  for (const bool create_graph : {false, true}) {
    const Tensor y = c.f(x, parameters);
    CHECK(to_string(y.shape()) == to_string(c.output));
    CHECK(y.dtype() == dtype);
    std::vector<Tensor> leaves{x};
    leaves.insert(leaves.end(), parameters.begin(), parameters.end());
    const std::vector<Tensor> gradients = grad({y.sum()}, leaves, {.create_graph = create_graph});
    CHECK(gradients[0].shape() == x.shape());
    for (std::size_t i = 1; i < gradients.size(); ++i) {
      CHECK(testing::same(gradients[i], zeros_like(parameters[i - 1])));
    }
  }
  const NoGradGuard no_grad;
  CHECK(to_string(c.f(x, parameters).shape()) == to_string(c.output));
}

using Parameters = const std::vector<Tensor>&;

const std::vector<Case>& ops() {
  static const std::vector<Case> cases{
      {"linear",
       {0, 3},
       {0, 2},
       [](auto& x, Parameters p) { return linear(x, p[0], p[1]); },
       {{2, 3}, {2}}},
      {"linear of many",
       {4, 0, 3},
       {4, 0, 2},
       [](auto& x, Parameters p) { return linear(x, p[0], p[1]); },
       {{2, 3}, {2}}},
      {"relu of linear",
       {0, 3},
       {0, 2},
       [](auto& x, Parameters p) { return relu(linear(x, p[0], p[1])); },
       {{2, 3}, {2}}},
      {"matmul", {0, 3}, {0, 2}, [](auto& x, Parameters p) { return matmul(x, p[0]); }, {{3, 2}}},
      {"matmul of batches",
       {0, 4, 3},
       {0, 4, 2},
       [](auto& x, Parameters p) { return matmul(x, p[0]); },
       {{3, 2}}},
      {"matmul with a vector",
       {0, 3},
       {0},
       [](auto& x, Parameters p) { return matmul(x, p[0]); },
       {{3}}},
      {"bmm", {0, 4, 3}, {0, 4, 4}, [](auto& x, Parameters) { return bmm(x, x.transpose(1, 2)); }},
      {"addmm",
       {0, 3},
       {0, 2},
       [](auto& x, Parameters p) { return addmm(p[1], x, p[0]); },
       {{3, 2}, {2}}},
      {"conv1d",
       {0, 2, 7},
       {0, 4, 5},
       [](auto& x, Parameters p) { return conv1d(x, p[0], p[1]); },
       {{4, 2, 3}, {4}}},
      {"conv2d",
       {0, 2, 7, 7},
       {0, 4, 4, 4},
       [](auto& x, Parameters p) { return conv2d(x, p[0], p[1], {.stride = 2, .padding = 1}); },
       {{4, 2, 3, 3}, {4}}},
      {"conv3d",
       {0, 2, 4, 5, 6},
       {0, 4, 2, 4, 4},
       [](auto& x, Parameters p) { return conv3d(x, p[0], p[1]); },
       {{4, 2, 3, 2, 3}, {4}}},
      {"conv_transpose2d",
       {0, 2, 4, 4},
       {0, 3, 9, 9},
       [](auto& x, Parameters p) { return conv_transpose2d(x, p[0], p[1], {.stride = 2}); },
       {{2, 3, 3, 3}, {3}}},
      {"max_pool3d",
       {0, 2, 4, 4, 4},
       {0, 2, 2, 2, 2},
       [](auto& x, Parameters) { return max_pool3d_with_indices(x, 2).values; }},
      {"adaptive_max_pool1d",
       {0, 2, 5},
       {0, 2, 3},
       [](auto& x, Parameters) { return adaptive_max_pool1d(x, 3); }},
      {"max_unpool1d",
       {0, 2, 4},
       {0, 2, 8},
       [](auto& x, Parameters) {
         return max_unpool1d(x, zeros({0, 2, 4}, {.dtype = int64}), 2);
       }},
      {"lp_pool1d", {0, 2, 4}, {0, 2, 2}, [](auto& x, Parameters) { return lp_pool1d(x, 2, 2); }},
      {"pad",
       {0, 2, 4},
       {0, 2, 7},
       [](auto& x, Parameters) {
         return pad(x, {1, 2}, {.mode = "reflect"});
       }},
      {"instance_norm",
       {0, 3, 4},
       {0, 3, 4},
       [](auto& x, Parameters p) { return instance_norm(x, {}, {}, p[0], p[1]); },
       {{3}, {3}}},
      {"conv2d of groups",
       {0, 2, 7, 7},
       {0, 4, 5, 5},
       [](auto& x, Parameters p) { return conv2d(x, p[0], {}, {.groups = 2}); },
       {{4, 1, 3, 3}}},
      {"relu of conv2d",
       {0, 2, 7, 7},
       {0, 4, 5, 5},
       [](auto& x, Parameters p) { return relu(conv2d(x, p[0], p[1])); },
       {{4, 2, 3, 3}, {4}}},
      {"max_pool2d of relu of conv2d",
       {0, 2, 8, 8},
       {0, 4, 3, 3},
       [](auto& x, Parameters p) { return max_pool2d(relu(conv2d(x, p[0], p[1])), 2); },
       {{4, 2, 3, 3}, {4}}},
      {"max_pool2d",
       {0, 2, 8, 8},
       {0, 2, 4, 4},
       [](auto& x, Parameters) { return max_pool2d(x, 2); }},
      {"max_pool2d of relu",
       {0, 2, 8, 8},
       {0, 2, 4, 4},
       [](auto& x, Parameters) { return max_pool2d(relu(x), 2); }},
      {"avg_pool2d",
       {0, 2, 8, 8},
       {0, 2, 4, 4},
       [](auto& x, Parameters) { return avg_pool2d(x, 2); }},
      {"adaptive_avg_pool2d",
       {0, 2, 8, 8},
       {0, 2, 3, 1},
       [](auto& x, Parameters) {
         return adaptive_avg_pool2d(x, {3, 1});
       }},
      {"batch_norm",
       {0, 3, 4, 4},
       {0, 3, 4, 4},
       [](auto& x, Parameters p) { return batch_norm(x, {}, {}, p[0], p[1], {.training = true}); },
       {{3}, {3}}},
      {"batch_norm in evaluation",
       {0, 3},
       {0, 3},
       [](auto& x, Parameters p) {
         return batch_norm(x, p[0].detach(), p[0].detach(), p[0], p[1]);
       },
       {{3}, {3}}},
      {"relu of batch_norm",
       {0, 3, 4, 4},
       {0, 3, 4, 4},
       [](auto& x, Parameters p) {
         return relu(batch_norm(x, p[0].detach(), p[0].detach(), p[0], p[1]));
       },
       {{3}, {3}}},
      {"layer_norm",
       {0, 5, 4},
       {0, 5, 4},
       [](auto& x, Parameters p) { return layer_norm(x, 4, p[0], p[1]); },
       {{4}, {4}}},
      {"layer_norm of two dimensions",
       {0, 5, 4},
       {0, 5, 4},
       [](auto& x, Parameters p) {
         return layer_norm(x, {5, 4}, p[0], p[1]);
       },
       {{5, 4}, {5, 4}}},
      {"group_norm",
       {0, 4, 3, 3},
       {0, 4, 3, 3},
       [](auto& x, Parameters p) { return group_norm(x, 2, p[0], p[1]); },
       {{4}, {4}}},
      {"softmax", {0, 3}, {0, 3}, [](auto& x, Parameters) { return softmax(x, 1); }},
      {"softmax along nothing", {0, 3}, {0, 3}, [](auto& x, Parameters) { return softmax(x, 0); }},
      {"log_softmax", {0, 3}, {0, 3}, [](auto& x, Parameters) { return log_softmax(x, 1); }},
      {"dropout", {0, 3}, {0, 3}, [](auto& x, Parameters) { return dropout(x, 0.5); }},
      {"gelu", {0, 3}, {0, 3}, [](auto& x, Parameters) { return gelu(x); }},
      {"relu", {0, 3}, {0, 3}, [](auto& x, Parameters) { return relu(x); }},
      {"clamp", {0, 3}, {0, 3}, [](auto& x, Parameters p) { return clamp(x, p[0], 2); }, {{3}}},
      {"pow", {0, 3}, {0, 3}, [](auto& x, Parameters p) { return pow(x, p[0]); }, {{3}}},
      {"maximum", {0, 3}, {0, 3}, [](auto& x, Parameters p) { return maximum(x, p[0]); }, {{3}}},
      {"where", {0, 3}, {0, 3}, [](auto& x, Parameters p) { return where(x > 0, x, p[0]); }, {{3}}},
      {"sum", {0, 3}, {3}, [](auto& x, Parameters) { return sum(x, 0); }},
      {"prod", {0, 3}, {3}, [](auto& x, Parameters) { return prod(x, 0); }},
      {"norm", {0, 3}, {0}, [](auto& x, Parameters) { return norm(x, 2, 1); }},
      {"logsumexp", {0, 3}, {0}, [](auto& x, Parameters) { return logsumexp(x, 1); }},
      {"amax", {0, 3}, {0}, [](auto& x, Parameters) { return amax(x, 1); }},
      {"max", {0, 3}, {0}, [](auto& x, Parameters) { return max(x, 1).values; }},
      {"cumsum", {0, 3}, {0, 3}, [](auto& x, Parameters) { return cumsum(x, 0); }},
      {"attention",
       {0, 2, 5, 4},
       {0, 2, 5, 4},
       [](auto& x, Parameters) { return scaled_dot_product_attention(x, x, x); }},
      {"attention to nothing",
       {0, 4},
       {5, 4},
       [](auto& x, Parameters p) { return scaled_dot_product_attention(p[0], x, x); },
       {{5, 4}}},
      {"packed attention",
       {0, 5, 12},
       {0, 5, 4},
       [](auto& x, Parameters) { return detail::packed_attention(x, 2, true, true); }},
      {"embedding",
       {0, 3},
       {0, 4},
       [](auto& x, Parameters p) {
         return embedding(zeros(x.size(0), {.dtype = int64}), p[0], {.padding_idx = 1});
       },
       {{7, 4}}},
      {"lstm_layer",
       {5, 0, 3},
       {5, 0, 2},
       [](auto& x, Parameters p) {
         return lstm_layer(x, {p[0], p[1], p[2], p[3]}).output;
       },
       {{8, 3}, {8, 2}, {8}, {8}}},
      {"cat",
       {0, 3},
       {2, 3},
       [](auto& x, Parameters p) {
         return cat({x, p[0] * 0});
       },
       {{2, 3}}},
  };
  return cases;
}

const Tensor& output_of(const Tensor& y) { return y; }
const Tensor& output_of(const nn::LSTMOutput& y) { return y.output; }

template <class L>
void check_layer(const char* name, L layer, const Shape& input, const Shape& output) {
  CAPTURE(name);
  for (const Tensor& parameter : nn::parameters(layer)) parameter.set_grad({});
  const Tensor x = zeros(input, {.requires_grad = true});
  const Tensor y = output_of(layer(x));
  CHECK(to_string(y.shape()) == to_string(output));
  y.sum().backward();
  CHECK(x.grad().shape() == x.shape());
  for (const Tensor& parameter : nn::parameters(layer)) {
    CHECK(testing::same(parameter.grad(), zeros_like(parameter)));
  }
}

}  // namespace

TEST_CASE("a batch of no samples goes through every op, and parameters get gradients of zeros") {
  for (const Case& c : ops()) {
    for (const DType dtype : {float32, float64}) check_empty(c, dtype);
  }
}

TEST_CASE("a batch of no samples goes through every layer") {
  check_layer("Linear", nn::Linear{3, 2}, {0, 3}, {0, 2});
  check_layer("Conv2d", nn::Conv2d{2, 4, 3}, {0, 2, 7, 7}, {0, 4, 5, 5});
  check_layer("BatchNorm1d", nn::BatchNorm1d{3}, {0, 3}, {0, 3});
  check_layer("BatchNorm2d", nn::BatchNorm2d{3}, {0, 3, 4, 4}, {0, 3, 4, 4});
  check_layer("LayerNorm", nn::LayerNorm{4}, {0, 4}, {0, 4});
  check_layer("GroupNorm", nn::GroupNorm{2, 4}, {0, 4, 3}, {0, 4, 3});
  check_layer("LSTM", nn::LSTM{.input_size = 3, .hidden_size = 2}, {5, 0, 3}, {5, 0, 2});
  check_layer("MultiheadAttention", nn::MultiheadAttention{4, 2}, {5, 0, 4}, {5, 0, 4});
  check_layer("MaxPool2d", nn::MaxPool2d{2}, {0, 2, 8, 8}, {0, 2, 4, 4});
  check_layer("Dropout", nn::Dropout{0.5}, {0, 3}, {0, 3});
  check_layer("Flatten", nn::Flatten{}, {0, 2, 3}, {0, 6});
  check_layer("a network",
              nn::Sequential{nn::Conv2d{1, 4, 3}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{},
                             nn::Linear{4 * 13 * 13, 10}, nn::ReLU{}, nn::Linear{10, 2}},
              {0, 1, 28, 28}, {0, 2});
}

TEST_CASE("a loss of no samples is NaN in the mean, 0 in the sum, empty without reduction") {
  using Loss = std::function<Tensor(const Tensor& x, Reduction reduction)>;
  const auto classes = [](Size n) { return zeros(n, {.dtype = int64}); };
  const std::pair<const char*, Loss> losses[] = {
      {"cross_entropy",
       [&](auto& x, auto r) { return nn::cross_entropy(x, classes(0), {.reduction = r}); }},
      {"cross_entropy with weights",
       [&](auto& x, auto r) {
         return nn::cross_entropy(x, classes(0),
                                  {.weight = ones(3), .reduction = r, .label_smoothing = 0.1});
       }},
      {"cross_entropy of probabilities",
       [&](auto& x, auto r) {
         return nn::cross_entropy(x, zeros({0, 3}), {.reduction = r});
       }},
      {"cross_entropy from probabilities",
       [&](auto& x, auto r) {
         return nn::cross_entropy(x, classes(0), {.reduction = r, .from_logits = false});
       }},
      {"nll_loss", [&](auto& x, auto r) { return nn::nll_loss(x, classes(0), {.reduction = r}); }},
      {"mse_loss",
       [](auto& x, auto r) {
         return nn::mse_loss(x, zeros({0, 3}), {r});
       }},
      {"l1_loss",
       [](auto& x, auto r) {
         return nn::l1_loss(x, zeros({0, 3}), {r});
       }},
      {"huber_loss",
       [](auto& x, auto r) {
         return nn::huber_loss(x, zeros({0, 3}), {.reduction = r});
       }},
      {"smooth_l1_loss",
       [](auto& x, auto r) {
         return nn::smooth_l1_loss(x, zeros({0, 3}), {.reduction = r});
       }},
      {"binary_cross_entropy",
       [](auto& x, auto r) {
         return nn::binary_cross_entropy(x, zeros({0, 3}), {.reduction = r});
       }},
      {"binary_cross_entropy_with_logits",
       [](auto& x, auto r) {
         return nn::binary_cross_entropy_with_logits(x, zeros({0, 3}),
                                                     {.pos_weight = ones(3), .reduction = r});
       }},
  };
  for (const auto& named : losses) {
    const std::string name = named.first;
    const auto& loss = named.second;
    CAPTURE(name);
    const Tensor x = zeros({0, 3}, {.requires_grad = true});
    CHECK(std::isnan(loss(x, Reduction::mean).item()));
    CHECK(loss(x, Reduction::sum).item() == 0);
    CHECK(loss(x, Reduction::none).shape()[0] == 0);
    for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
      CHECK(grad(loss(x, reduction), x).shape() == x.shape());
    }
  }
}
