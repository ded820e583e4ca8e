#include "reel/func/grad.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "reel/func/functional_call.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "support/compare.h"

using namespace reel;
using testing::close;
using testing::same;

namespace {

const TensorOptions doubles{.dtype = float64};

Tensor vec(std::initializer_list<double> values) {
  return tensor(std::vector<double>(values), doubles);
}

Tensor sum_of_cubes(const Tensor& x) { return (x * x * x).sum(); }

struct Net {
  nn::Linear fc1{.in_features = 3, .out_features = 4};
  nn::Linear fc2{.in_features = 4, .out_features = 2};
  Tensor operator()(const Tensor& x) const { return fc2(tanh(fc1(x))); }
};

Tensor loss_of(const Net& net, const Tensor& x) { return square(net(x)).mean(); }

/// The `.grad()` that backward leaves, after which there is none.
template <class M>
std::vector<Tensor> gradients_by_backward(const M& module, const Tensor& loss) {
  loss.backward();
  std::vector<Tensor> gradients;
  for (const Tensor& parameter : nn::parameters(module)) gradients.push_back(parameter.grad());
  nn::zero_grad(module);
  return gradients;
}

}  // namespace

TEST_CASE("grad of a function of tensors, with respect to one argument or several") {
  const Tensor x = vec({1, 2, -3}), y = vec({2, 0.5, 1});
  CHECK(same(func::grad(sum_of_cubes)(x), 3 * x * x));
  CHECK_FALSE(x.requires_grad());

  const auto f = [](const Tensor& a, const Tensor& b, double c) { return (a * a * b).sum() * c; };
  CHECK(close(func::grad(f)(x, y, 2.0), 4 * x * y));
  CHECK(close(func::grad<1>(f)(x, y, 2.0), 2 * x * x));
  const auto [dy, dx] = func::grad<1, 0>(f)(x, y, 2.0);
  CHECK(close(dx, 4 * x * y));
  CHECK(close(dy, 2 * x * x));
  // The same tensor twice is two arguments.
  const auto [left, right] = func::grad<0, 1>(f)(x, x, 1.0);
  CHECK(close(left, 2 * x * x));
  CHECK(close(right, x * x));
}

TEST_CASE("value_and_grad gives the loss, the gradient, and what else the function returns") {
  const Tensor x = vec({1, 2, -3});
  const auto [loss, g] = func::value_and_grad(sum_of_cubes)(x);
  CHECK(loss.item() == 1 + 8 - 27);
  CHECK(same(g, 3 * x * x));
  CHECK_FALSE(loss.requires_grad());

  const auto with_rest = [](const Tensor& a) {
    return std::tuple{sum_of_cubes(a), std::vector<Tensor>{a * 2, a.detach()}, std::string("seen")};
  };
  const auto [value, gradient, tensors, text] = func::value_and_grad(with_rest)(x);
  CHECK(value.item() == loss.item());
  CHECK(same(gradient, g));
  CHECK(same(tensors[0], x * 2));
  CHECK_FALSE(tensors[0].requires_grad());
  CHECK(text == "seen");
  const auto [only, aux] = func::grad([](const Tensor& a) { return std::pair{a.sum(), a + 1}; })(x);
  CHECK(same(only, ones_like(x)));
  CHECK(same(aux, x + 1));
}

TEST_CASE("grad nests to any depth, and mixes no levels up") {
  const Tensor x = tensor(2.0, doubles);
  const auto f = [](const Tensor& a) { return a * a * a * a; };
  const auto third = func::grad(func::grad(func::grad(f)))(x);
  CHECK(third.item() == 48);
  CHECK_FALSE(third.requires_grad());

  // d/da of a * (d/db (a + b) at b = 1) is 1: perturbations do not meet (Siskind and Pearlmutter).
  const auto confusing = [](const Tensor& a) {
    return a * func::grad([&a](const Tensor& b) { return a + b; })(tensor(1.0, doubles));
  };
  CHECK(func::grad(confusing)(x).item() == 1);
  // b stands at a, and is another variable.
  const auto captured = [](const Tensor& a) {
    return func::grad([&a](const Tensor& b) { return a * a * b * b; })(a);  // 2 a^3
  };
  CHECK(func::grad(captured)(x).item() == 24);
}

TEST_CASE("a gradient of containers is a container") {
  const Tensor x = vec({1, 2}), y = vec({3, 4});
  const auto product = [](const auto& list) { return (list[0] * list[1]).sum(); };
  const std::vector<Tensor> of_vector = func::grad(product)(std::vector<Tensor>{x, y});
  CHECK(same(of_vector[0], y));
  CHECK(same(of_vector[1], x));
  const std::vector<Tensor> of_twins = func::grad(product)(std::vector<Tensor>{x, x});
  CHECK(same(of_twins[0], x));
  const std::array<Tensor, 2> of_array = func::grad(product)(std::array<Tensor, 2>{x, y});
  CHECK(same(of_array[1], x));
  const auto of_map = func::grad([](const std::map<std::string, Tensor>& map) {
    return (map.at("a") * map.at("b")).sum();
  })(std::map<std::string, Tensor>{{"a", x}, {"b", y}});
  CHECK(same(of_map.at("a"), y));
  const StateDict of_state = func::grad([](const StateDict& state) {
    return (state.at("a") * state.at("b")).sum();
  })(StateDict{{"a", x}, {"b", y}, {"steps", tensor({1})}});
  CHECK(same(of_state.at("b"), x));

  struct Body {
    Tensor position, velocity;
    Tensor kind;  // int64: no gradient
    double mass = 2;
  };
  const Body g = func::grad([](const Body& body) {
    return body.mass * square(body.velocity).sum() / 2 - (body.position).sum();
  })(Body{x, y, tensor({7}), 3});
  CHECK(same(g.velocity, 3 * y));
  CHECK(same(g.position, -ones_like(x)));
  CHECK_FALSE(g.kind.defined());
}

TEST_CASE("the gradient of a module is a module, what backward gives, and leaves it as it was") {
  manual_seed(1);
  const Net net;
  const Tensor x = randn({5, 3});
  const std::vector<Tensor> expected = gradients_by_backward(net, loss_of(net, x));
  const StateDict before = nn::state_dict(nn::clone(net));

  const auto [loss, g] = func::value_and_grad(loss_of)(net, x);
  CHECK(same(loss, loss_of(net, x).detach()));
  CHECK(same(g.fc1.weight, expected[0]));
  CHECK(same(g.fc2.bias, expected[3]));
  const std::vector<Tensor> gradients = nn::parameters(g);
  REQUIRE(gradients.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(same(gradients[i], expected[i]));
    CHECK_FALSE(gradients[i].requires_grad());
  }
  CHECK_FALSE(loss.requires_grad());
  for (const auto& [name, tensor] : nn::named_parameters(net)) {
    CHECK_FALSE(tensor.grad().defined());
    CHECK(tensor.requires_grad());
    CHECK(same(tensor.detach(), before.at(name)));
  }
  // With respect to the data too.
  const auto [of_net, of_x] = func::grad<0, 1>(loss_of)(net, x);
  CHECK(same(of_net.fc1.weight, expected[0]));
  CHECK(of_x.shape() == x.shape());
}

TEST_CASE("frozen, tied and unreached parameters, buffers, and layers of forgotten type") {
  manual_seed(2);
  struct Mixed {
    nn::Linear a{.in_features = 3, .out_features = 3};
    nn::BatchNorm1d norm{.num_features = 3};
    nn::Linear tied{.in_features = 3, .out_features = 3, .bias = a.bias};
    nn::Linear unused{.in_features = 3, .out_features = 1};
    Tensor operator()(const Tensor& x) const { return tied(norm(a(x))); }
  };
  Mixed net;
  nn::requires_grad_(net.norm, false);
  const Tensor x = randn({4, 3});
  const auto f = [&](const Mixed& m) { return square(m(x)).sum(); };
  const std::vector<Tensor> expected = gradients_by_backward(net, f(net));
  const StateDict before = nn::state_dict(nn::clone(net));
  const Mixed g = func::grad(f)(net);
  CHECK(close(g.a.weight, expected[0]));
  CHECK(close(g.a.bias, expected[1]));
  CHECK(g.a.bias.is_same(g.tied.bias));
  CHECK(same(g.norm.weight, zeros({3})));  // frozen
  CHECK(same(g.unused.weight, zeros({1, 3})));
  CHECK_FALSE(g.norm.running_mean.defined());
  CHECK(nn::parameters(g).size() == nn::parameters(net).size());
  for (const auto& [name, tensor] : nn::state_dict(net)) CHECK(same(tensor, before.at(name)));

  const nn::Sequential layers{nn::Linear{3, 4}, nn::ReLU{}, nn::Linear{4, 1}};
  const auto of_layers = [&](const nn::Sequential& s) { return square(s(x)).sum(); };
  const std::vector<Tensor> by_backward = gradients_by_backward(layers, of_layers(layers));
  const nn::Sequential layers_g = func::grad(of_layers)(layers);
  CHECK(same(layers_g.at<nn::Linear>(2).weight, by_backward[2]));
}

TEST_CASE("each gradient has memory of its own") {
  const Tensor x = vec({1, 2}), y = vec({3, 4});
  auto [dx, dy] =
      func::grad<0, 1>([](const Tensor& a, const Tensor& b) { return (a + b).sum(); })(x, y);
  dx.mul_(5);
  CHECK(same(dy, ones_like(y)));

  struct Two {
    nn::Parameter a = ones({2}), b = ones({2});
  };
  const Two g = func::grad([](const Two& two) { return (two.a + two.b).sum(); })(Two{});
  REQUIRE(nn::parameters(g).size() == 2);
  g.a.mul_(5);
  CHECK(same(g.b, ones({2})));
  // Also where they are recorded.
  const Tensor w = ones({2}).requires_grad_();
  const Two recorded =
      func::grad([&](const Two& two) { return ((two.a + two.b) * w).sum(); })(Two{});
  CHECK(nn::parameters(recorded).size() == 2);
}

TEST_CASE("results are followed where they depend on what is followed outside") {
  const Tensor x = tensor(2.0, doubles), w = tensor(3.0, {.dtype = float64, .requires_grad = true});
  const auto f = [&](const Tensor& a) { return a * a * w; };
  // A captured parameter: d/dw (2 a w) = 2 a.
  const auto [value, g] = func::value_and_grad(f)(x);
  CHECK(grad(g, w).item() == 4);
  CHECK(grad(value, w).item() == 4);
  // An argument that is followed itself.
  const Tensor followed = tensor(2.0, {.dtype = float64, .requires_grad = true});
  const Tensor second = func::grad([](const Tensor& a) { return a * a * a; })(followed * 1);
  CHECK(grad(second, followed).item() == 12);
  CHECK_FALSE(followed.grad().defined());
  // Not where nobody records outside.
  const NoGradGuard no_grad;
  const Tensor off = func::grad(f)(x);
  CHECK(off.item() == 12);
  CHECK_FALSE(off.requires_grad());
  CHECK(func::grad(func::grad([](const Tensor& a) { return a * a * a; }))(x).item() == 12);
}

TEST_CASE("a NoGradGuard inside the function is respected") {
  const Tensor x = tensor(3.0, doubles);
  const auto f = [](const Tensor& a) {
    Tensor constant;
    {
      const NoGradGuard no_grad;
      constant = a * a;
    }
    return a - constant;
  };
  CHECK(func::grad(f)(x).item() == 1);
}

TEST_CASE("a step of a model inside a function: the gradient through it") {
  // loss(w - lr * d loss / dw) for loss = w^2: (1 - 2 lr)^2 w^2, whose gradient is 2 (1 - 2 lr)^2 w.
  struct Weight {
    nn::Parameter w = full({}, 3.0, doubles);
    Tensor operator()() const { return w * w; }
  };
  const double lr = 0.1;
  const auto loss = [](const Weight& m) { return m(); };
  const auto after_step = [&](const Weight& m) {
    const Weight g = func::grad(loss)(m);
    return func::functional_call(m, StateDict{{"w", m.w - lr * g.w}});
  };
  const Weight g = func::grad(after_step)(Weight{});
  CHECK(g.w.item() == doctest::Approx(2 * 0.64 * 3));
}

TEST_CASE("what a loss does not depend on gets zeros") {
  const Tensor x = vec({1, 2});
  CHECK(same(func::grad([](const Tensor&) { return tensor(1.0, doubles); })(x), zeros_like(x)));
  const auto [dx, dy] =
      func::grad<0, 1>([](const Tensor& a, const Tensor&) { return a.sum(); })(x, x);
  CHECK(same(dy, zeros_like(x)));
  const Tensor w = tensor(1.0, {.requires_grad = true});
  CHECK(same(func::grad([&](const Tensor&) { return w * 2; })(x), zeros_like(x)));
  // The argument itself.
  CHECK(func::grad([](const Tensor& a) { return a; })(tensor(5.0)).item() == 1);
}

TEST_CASE("several threads take gradients of one module at once") {
  manual_seed(3);
  const Net net;
  const Tensor x = randn({5, 3});
  const Net expected = func::grad(loss_of)(net, x);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const Net g = func::grad(loss_of)(net, x);
        if (!same(g.fc1.weight, expected.fc1.weight) || !same(g.fc2.bias, expected.fc2.bias))
          ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("wrong uses of grad say what is wrong") {
  const Tensor x = vec({1, 2});
  const auto identity = [](const Tensor& a) { return a; };
  CHECK_THROWS_WITH_AS(
      func::grad(identity)(x),
      "[grad] expected a function that returns a tensor with one element, got shape [2]\n"
      "help: sum() or mean() it; func::jacrev differentiates more than one",
      Error);
  CHECK_THROWS_WITH_AS(func::value_and_grad(identity)(tensor({1, 2})),
                       doctest::Contains("[value_and_grad] expected floating tensors to "
                                         "differentiate with respect to, got int64 of shape [2]"),
                       Error);
  CHECK_THROWS_WITH_AS(func::grad(identity)(Tensor()),
                       "[grad] expected arguments that are tensors, got an undefined one", Error);
  CHECK_THROWS_WITH_AS(func::grad([](const Tensor&) { return Tensor(); })(x),
                       doctest::Contains("[grad] expected a function that returns tensors"), Error);
  CHECK_THROWS_WITH_AS(
      func::grad([](const Tensor& a) { return argmax(a); })(x),
      "[grad] expected a function that returns floating tensors, got int64 of shape []", Error);
  CHECK_THROWS_WITH_AS(func::grad([](const Tensor& a) {
                         const NoGradGuard no_grad;
                         a.detach().mul_(2);
                         return a.sum();
                       })(x),
                       doctest::Contains("[grad] expected a function that leaves its arguments as "
                                         "they are, got one that changes a tensor of shape [2]"),
                       Error);

  const nn::ReLU nothing;
  CHECK_THROWS_WITH_AS(func::grad([&](const nn::ReLU& relu) { return relu(x).sum(); })(nothing),
                       doctest::Contains("[grad] expected arguments with floating tensors inside"),
                       Error);
  Net net;
  nn::requires_grad_(net, false);
  CHECK_THROWS_WITH_AS(func::grad(loss_of)(net, randn({5, 3})),
                       doctest::Contains("[grad] expected a parameter that requires a gradient"),
                       Error);
}
