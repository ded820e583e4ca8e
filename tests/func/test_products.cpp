#include <doctest/doctest.h>

#include <array>
#include <thread>
#include <tuple>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/func/func.h"
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

struct Net {
  nn::Linear fc1{.in_features = 3, .out_features = 4};
  nn::Linear fc2{.in_features = 4, .out_features = 2};
  Tensor operator()(const Tensor& x) const { return fc2(tanh(fc1(x))); }
};

Net net_of_doubles() {
  Net net;
  nn::to(net, float64);
  return net;
}

/// The module moved by `step` along `direction`.
Net moved(const Net& net, const Net& direction, double step) {
  const NoGradGuard no_grad;
  Net copy = nn::clone(net);
  const std::vector<Tensor> to = nn::parameters(copy), along = nn::parameters(direction);
  for (std::size_t i = 0; i < to.size(); ++i) to[i].add_(step * along[i]);
  return copy;
}

Tensor dot_of(const Net& a, const Net& b) {
  const NoGradGuard no_grad;
  const std::vector<Tensor> left = nn::parameters(a), right = nn::parameters(b);
  Tensor sum = zeros({}, doubles);
  for (std::size_t i = 0; i < left.size(); ++i) sum = sum + (left[i] * right[i]).sum();
  return sum;
}

}  // namespace

TEST_CASE("vjp gives outputs and a pullback that may be called again") {
  const Tensor x = vec({1, 2, 3}), y = vec({4, 5, 6});
  const auto [out, pullback] = func::vjp([](const Tensor& a) { return sin(a); }, x);
  CHECK(same(out, sin(x)));
  CHECK_FALSE(out.requires_grad());
  CHECK(close(pullback(y), cos(x) * y));
  CHECK(close(pullback(x), cos(x) * x));

  const auto several = [](const Tensor& a, const Tensor& b) { return std::pair{a * b, a.sum()}; };
  const auto [outs, pull] = func::vjp(several, x, y);
  CHECK(same(outs.second, x.sum()));
  const auto [dx, dy] = pull({x, tensor(2.0, doubles)});
  CHECK(close(dx, x * y + 2));
  CHECK(close(dy, x * x));

  const auto of_array = func::vjp([](const Tensor& a) { return std::array{a * a, a}; }, x);
  CHECK(close(of_array.second({x, y}), 2 * x * x + y));
}

TEST_CASE("a pullback outlives the arguments, and serves several threads") {
  const auto pullback = [] {
    Net net = net_of_doubles();
    for (const Tensor& parameter : nn::parameters(net)) {
      const NoGradGuard no_grad;
      parameter.fill_(0.5);
    }
    return func::vjp([](const Net& m) { return m(ones({1, 3}, doubles)); }, net).second;
  }();
  const Tensor dy = ones({1, 2}, doubles);
  const Net expected = pullback(dy);
  CHECK(expected.fc2.bias.shape() == Shape{2});
  CHECK(same(expected.fc2.bias, ones({2}, doubles)));
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        if (!same(pullback(dy).fc1.weight, expected.fc1.weight)) ++count;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("a pullback of what is followed outside can be differentiated") {
  const Tensor x = tensor(2.0, {.dtype = float64, .requires_grad = true});
  const auto [y, pullback] = func::vjp([](const Tensor& a) { return a * a * a; }, x * 1);
  const Tensor v = tensor(5.0, {.dtype = float64, .requires_grad = true});
  const Tensor pulled = pullback(v);  // 3 x^2 v
  CHECK(pulled.item() == 60);
  CHECK(grad(pulled, v, {.retain_graph = true}).item() == 12);
  CHECK(grad(pulled, x, {.retain_graph = true}).item() == 60);
  CHECK(grad(y, x).item() == 12);
}

TEST_CASE("jvp gives the derivative along a tangent: of one tensor, of several, of a module") {
  const Tensor x = vec({1, 2, 3}), y = vec({4, 5, 6}), v = vec({1, -1, 2});
  const auto [out, dy] = func::jvp([](const Tensor& a) { return a * a; }, x, v);
  CHECK(same(out, x * x));
  CHECK(close(dy, 2 * x * v));
  CHECK_FALSE(dy.requires_grad());

  const auto product = [](const Tensor& a, const Tensor& b) { return a * b; };
  CHECK(close(func::jvp(product, {x, y}, {v, x}).second, v * y + x * x));
  CHECK(close(func::jvp(product, std::tuple{x, y}, std::tuple{v, x}).second, v * y + x * x));
  CHECK(close(func::jvp([](const Tensor& a) { return a + 1; }, {x}, {v}).second, v));
  const auto [outs, tangents] = func::jvp(
      [](const Tensor& a) {
        return std::tuple{a * a, a.sum()};
      },
      x, v);
  CHECK(close(std::get<1>(tangents), v.sum()));
  CHECK(same(std::get<0>(outs), x * x));

  manual_seed(4);
  const Net net = net_of_doubles(), direction = net_of_doubles();
  const Tensor data = randn({5, 3}, doubles), along = randn({5, 3}, doubles);
  const auto f = [](const Net& m, const Tensor& input) { return m(input); };
  const auto [value, change] = func::jvp(f, std::tuple{net, data}, std::tuple{direction, along});
  const NoGradGuard no_grad;
  const double eps = 1e-6;
  const Tensor difference = (f(moved(net, direction, eps), data + eps * along) -
                             f(moved(net, direction, -eps), data - eps * along)) /
                            (2 * eps);
  CHECK(close(change, difference, 1e-8));
}

TEST_CASE("jvp is the differences' limit for functions of many ops") {
  manual_seed(5);
  const Tensor x = randn({4, 6}, doubles), v = randn({4, 6}, doubles);
  const std::vector<Tensor (*)(const Tensor&)> functions{
      [](const Tensor& a) { return softmax(a, 1); },
      [](const Tensor& a) { return layer_norm(a, {6}); },
      [](const Tensor& a) { return matmul(a.t(), tanh(a)); },
      [](const Tensor& a) { return amax(a, 0) + a.relu().sum(0); },
      [](const Tensor& a) { return cumsum(gelu(a), 1) / (1 + square(a)); },
      [](const Tensor& a) {
        return max_pool2d(a.reshape({1, 1, 4, 6}), 2);
      },
      [](const Tensor& a) { return reel::std(a, 0) * prod(a, 1).sum(); },
  };
  for (const auto f : functions) {
    const double eps = 1e-6;
    const auto [y, dy] = func::jvp(f, x, v);
    CHECK(close(dy, (f(x + eps * v) - f(x - eps * v)) / (2 * eps), 1e-7));
  }
}

TEST_CASE("linearize gives a map that may be called again, and does not run the function again") {
  int runs = 0;
  const auto f = [&runs](const Tensor& a, const Tensor& b) {
    ++runs;
    return matmul(a, b);
  };
  manual_seed(6);
  const Tensor a = randn({2, 3}, doubles), b = randn({3, 2}, doubles);
  const auto [y, map] = func::linearize(f, a, b);
  CHECK(same(y, matmul(a, b)));
  for (int i = 0; i < 3; ++i) {
    const Tensor da = randn({2, 3}, doubles), db = randn({3, 2}, doubles);
    CHECK(close(map(da, db), matmul(da, b) + matmul(a, db)));
  }
  CHECK(runs == 1);
}

TEST_CASE("jvp and linearize inside other transforms, and under NoGradGuard") {
  const Tensor x = tensor(2.0, doubles), one = tensor(1.0, doubles);
  const auto cube = [](const Tensor& a) { return a * a * a; };
  const auto slope = [&](const Tensor& a) { return func::jvp(cube, a, one).second; };
  CHECK(func::grad(slope)(x).item() == 12);
  CHECK(func::jvp(slope, x, one).second.item() == 12);
  CHECK(func::jvp(func::grad(cube), x, one).second.item() == 12);
  const NoGradGuard no_grad;
  CHECK(slope(x).item() == 12);
  CHECK(func::linearize(cube, x).second(one).item() == 12);
  CHECK(func::vjp(cube, x).second(one).item() == 12);
}

TEST_CASE("a function that does not depend on its argument has zero products") {
  const Tensor x = vec({1, 2}), c = vec({3, 4, 5});
  const auto constant = [&](const Tensor&) { return c; };
  CHECK(same(func::jvp(constant, x, x).second, zeros_like(c)));
  CHECK(same(func::vjp(constant, x).second(c), zeros_like(x)));
  const auto half = [&](const Tensor& a, const Tensor&) { return std::pair{a * 2, c}; };
  const auto [outs, tangents] = func::jvp(half, {x, x}, {x, x});
  CHECK(same(tangents.first, 2 * x));
  CHECK(same(tangents.second, zeros_like(c)));
  CHECK(same(func::jvp([](const Tensor& a) { return floor(a); }, x, x).second, zeros_like(x)));
  CHECK(same(func::hvp([](const Tensor& a) { return a.sum(); }, x, x).second, zeros_like(x)));
}

TEST_CASE("hvp of tensors and of a module") {
  const Tensor x = vec({1, 2}), y = vec({3, 4}), v = vec({1, -1}), w = vec({0.5, 2});
  const auto [loss, hv] = func::hvp([](const Tensor& a) { return (a * a * a).sum(); }, x, v);
  CHECK(loss.item() == 9);
  CHECK(close(hv, 6 * x * v));
  CHECK_FALSE(hv.requires_grad());
  const auto f = [](const Tensor& a, const Tensor& b) { return (a * a * b).sum(); };
  const auto [value, products] = func::hvp(f, {x, y}, {v, w});
  CHECK(close(std::get<0>(products), 2 * y * v + 2 * x * w));
  CHECK(close(std::get<1>(products), 2 * x * v));

  manual_seed(7);
  const Net net = net_of_doubles(), direction = net_of_doubles();
  const Tensor data = randn({5, 3}, doubles);
  const auto loss_of = [&](const Net& m) { return square(m(data)).mean(); };
  const Net product = func::hvp(loss_of, net, direction).second;
  const double eps = 1e-6;
  const Net above = func::grad(loss_of)(moved(net, direction, eps));
  const Net below = func::grad(loss_of)(moved(net, direction, -eps));
  CHECK(close(product.fc1.weight, (above.fc1.weight - below.fc1.weight) / (2 * eps), 1e-7));
  CHECK(close(product.fc2.bias, (above.fc2.bias - below.fc2.bias) / (2 * eps), 1e-7));
}

TEST_CASE("power iteration with products of the Hessian finds its largest eigenvalue") {
  // The Hessian of x^T A x / 2 is A, with eigenvalues 1, 2, 5 and 10 in a rotated frame.
  manual_seed(8);
  const Tensor u = randn({4}, doubles);
  const Tensor reflection = eye(4, doubles) - 2 * outer(u, u) / dot(u, u);
  const Tensor a = matmul(reflection * vec({1, 2, 5, 10}), reflection.t());
  const auto energy = [&](const Tensor& x) { return dot(x, matmul(a, x)) / 2; };
  Tensor v = ones({4}, doubles);
  double eigenvalue = 0;
  for (int i = 0; i < 60; ++i) {
    const Tensor hv = func::hvp(energy, u, v).second;
    eigenvalue = norm(hv).item();
    v = hv / eigenvalue;
  }
  CHECK(eigenvalue == doctest::Approx(10).epsilon(1e-9));

  // Of a network's loss: the product is symmetric, and what the iteration ends in is an eigenvector.
  const Net net = net_of_doubles();
  const Tensor data = randn({16, 3}, doubles), wanted = randn({16, 2}, doubles);
  const auto loss_of = [&](const Net& m) { return square(m(data) - wanted).mean(); };
  Net direction = net_of_doubles();
  const Net other = net_of_doubles();
  CHECK(dot_of(func::hvp(loss_of, net, direction).second, other).item() ==
        doctest::Approx(dot_of(func::hvp(loss_of, net, other).second, direction).item()));
}

TEST_CASE("an op whose rule leaves the tape is no op for jvp") {
  const auto square_of = [](const Tensor& a) {
    const Tensor fixed = a.detach();
    return record("square_of", fixed * fixed,
                  wrt(a, [fixed](const Tensor& dy) { return (2 * fixed * dy.detach()); }));
  };
  const Tensor x = vec({1, 2});
  CHECK_THROWS_WITH_AS(
      func::jvp(square_of, x, x),
      doctest::Contains("[jvp] expected ops whose gradients can be differentiated"), Error);
}

TEST_CASE("wrong uses of products say what is wrong") {
  const Tensor x = vec({1, 2});
  const auto f = [](const Tensor& a) { return a * a; };
  CHECK_THROWS_WITH_AS(func::jvp(f, x, vec({1, 2, 3})),
                       "[jvp] expected a tangent of shape [2] and dtype float64 at 0, got [3] and "
                       "float64",
                       Error);
  CHECK_THROWS_WITH_AS(
      func::linearize(f, x).second(ones({2})),
      "[linearize] expected a tangent of shape [2] and dtype float64 at 0, got [2] "
      "and float32",
      Error);
  CHECK_THROWS_WITH_AS(
      func::vjp(f, x).second(ones({1}, doubles)),
      "[vjp] expected a cotangent of shape [2] and dtype float64 at 0, got [1] and "
      "float64",
      Error);
  CHECK_THROWS_WITH_AS(func::vjp(f, x).second(Tensor()),
                       "[vjp] expected cotangents that are tensors, got an undefined one at 0",
                       Error);
  const auto list = [](const Tensor& a) { return std::vector<Tensor>{a, a}; };
  CHECK_THROWS_WITH_AS(func::vjp(list, x).second({x}),
                       "[vjp] expected 2 cotangents, one for each tensor, got 1", Error);
  CHECK_THROWS_WITH_AS(func::hvp(f, x, x),
                       doctest::Contains("[hvp] expected a function that returns a tensor with one "
                                         "element, got shape [2]"),
                       Error);
  CHECK_THROWS_WITH_AS(func::hvp([](const Tensor& a) { return a.sum(); }, x, ones({})),
                       doctest::Contains("[hvp] expected a tangent of shape [2]"), Error);
  CHECK_THROWS_WITH_AS(
      func::vjp([](const Tensor& a) { return argmax(a); }, x),
      "[vjp] expected a function that returns floating tensors, got int64 of shape "
      "[]",
      Error);
}
