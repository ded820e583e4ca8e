#include "reel/func/functional_call.h"

#include <doctest/doctest.h>

#include "reel/func/grad.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "support/compare.h"

using namespace reel;
using testing::close;
using testing::same;

namespace {

struct Net {
  nn::Linear fc1{.in_features = 3, .out_features = 4};
  nn::BatchNorm1d norm{.num_features = 4};
  nn::Linear fc2{.in_features = 4, .out_features = 2};
  Tensor operator()(const Tensor& x) const { return fc2(norm(fc1(x))); }
};

}  // namespace

TEST_CASE("functional_call runs a module with other parameters and leaves it as it was") {
  manual_seed(1);
  const Net net;
  const Net other;
  const Tensor x = randn({5, 3});
  const StateDict before = nn::state_dict(nn::clone(net));
  const Tensor expected = nn::clone(other)(x).detach();
  CHECK(same(func::functional_call(net, nn::state_dict(nn::clone(other)), x).detach(), expected));
  CHECK(same(func::functional_call(net, nn::clone(other), x).detach(), expected));
  for (const auto& [name, tensor] : nn::state_dict(net)) CHECK(same(tensor, before.at(name)));

  // What is not named stays the module's own, and gradients flow to both.
  const Tensor bias = full({2}, 7).to(float32).requires_grad_();
  const Tensor y = func::functional_call(net, StateDict{{"fc2.bias", bias}}, x);
  y.sum().backward();
  CHECK(same(bias.grad(), full({2}, 5).to(float32)));
  CHECK(net.fc1.weight.grad().defined());
  CHECK_FALSE(net.fc2.bias.grad().defined());
  for (const auto& [name, tensor] : nn::state_dict(net)) CHECK(same(tensor, before.at(name)));
}

TEST_CASE("the options of the call are the module's, the mode among them") {
  manual_seed(2);
  Net net;
  const Net training;
  nn::eval(net);
  const Tensor x = randn({5, 3});
  Net evaluated = nn::clone(training);
  nn::eval(evaluated);
  CHECK(same(func::functional_call(net, training, x).detach(), evaluated(x).detach()));
  CHECK(training.norm.training);
}

TEST_CASE("buffers that are given are written to, as by the module's own call") {
  const Net net;
  const Tensor mean = zeros({4});
  func::functional_call(net, StateDict{{"norm.running_mean", mean}}, randn({5, 3}));
  CHECK_FALSE(same(mean, zeros({4})));
  CHECK(same(net.norm.running_mean, zeros({4})));
}

TEST_CASE("the gradient of a state dict has its names, and what backward gives") {
  manual_seed(3);
  const Net net;
  const Tensor x = randn({5, 3});
  const auto loss_of = [&](const StateDict& state) {
    return square(func::functional_call(net, state, x)).sum();
  };
  StateDict parameters;
  for (const auto& [name, parameter] : nn::named_parameters(net))
    parameters[name] = parameter.detach();
  const StateDict g = func::grad(loss_of)(parameters);
  CHECK(g.size() == parameters.size());
  loss_of(StateDict{}).backward();
  CHECK(same(g.at("fc1.weight"), net.fc1.weight.grad()));
  CHECK(same(g.at("norm.weight"), net.norm.weight.grad()));
  // Batch norm would write to what it is to be differentiated with respect to.
  CHECK_THROWS_WITH_AS(func::grad(loss_of)(nn::state_dict(net)),
                       doctest::Contains("[grad] expected a function that leaves its arguments as "
                                         "they are, got one that changes a tensor of shape [4]"),
                       Error);
}

TEST_CASE("a tied parameter is replaced under all its names") {
  struct Tied {
    nn::Linear a{.in_features = 2, .out_features = 2};
    nn::Linear b{.in_features = 2, .out_features = 2, .bias = a.bias};
    Tensor operator()(const Tensor& x) const { return a(x) * 0 + b(x) * 0 + a.bias + b.bias; }
  };
  const Tied net;
  const Tensor three = full({2}, 3).to(float32);
  const Tensor x = zeros({1, 2});
  CHECK(same(func::functional_call(net, StateDict{{"b.bias", three}}, x).detach(),
             full({1, 2}, 6).to(float32)));
  CHECK_THROWS_WITH_AS(
      func::functional_call(net, StateDict{{"a.bias", three}, {"b.bias", three * 2}}, x),
      doctest::Contains("[functional_call] expected one tensor for \"b.bias\" and the other names "
                        "of what it shares, got two"),
      Error);
}

TEST_CASE("a state that does not fit is an error") {
  const Net net;
  const Tensor x = randn({5, 3});
  CHECK_THROWS_WITH_AS(func::functional_call(net, StateDict{{"fc3.bias", x}}, x),
                       "[functional_call] expected names that the module has, got \"fc3.bias\"",
                       Error);
  CHECK_THROWS_WITH_AS(
      func::functional_call(net, StateDict{{"fc2.bias", x}}, x),
      "[functional_call] expected a tensor of shape [2] for \"fc2.bias\", got [5, 3]", Error);
  CHECK_THROWS_WITH_AS(
      func::functional_call(net, StateDict{{"fc2.bias", Tensor()}}, x),
      "[functional_call] expected a tensor of shape [2] for \"fc2.bias\", got an undefined one",
      Error);
  // An error inside names the layer.
  CHECK_THROWS_WITH_AS(func::functional_call(net, StateDict{}, randn({5, 4})),
                       doctest::Contains("fc1"), Error);
}
