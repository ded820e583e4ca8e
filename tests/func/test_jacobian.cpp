#include "reel/func/jacobian.h"

#include <doctest/doctest.h>

#include <thread>
#include <tuple>
#include <vector>

#include "reel/base/threads.h"
#include "reel/func/grad.h"
#include "reel/func/hessian.h"
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

/// What a positive definite matrix takes to `b`, by Gauss and Jordan's elimination.
Tensor solve(const Tensor& a, const Tensor& b) {
  Tensor rows = cat({a, b.unsqueeze(1)}, 1);
  const Tensor units = eye(b.numel(), doubles);
  for (Size i = 0; i < b.numel(); ++i)
    rows = rows - outer(rows.select(1, i) - units[i], rows[i] / rows[i][i]);
  return rows.select(1, b.numel());
}

/// A square matrix with `x` on its diagonal.
Tensor diagonal(const Tensor& x) { return eye(x.numel(), doubles) * x; }

const auto all_ways = [](auto check) {
  check([](auto f) { return func::jacrev(f); });
  check([](auto f) { return func::jacfwd(f); });
  check([](auto f) { return func::jacobian(f); });
};

}  // namespace

TEST_CASE("a Jacobian has the shape of the output followed by the input's") {
  manual_seed(1);
  const Tensor x = randn({2, 3}, doubles), m = randn({3, 4}, doubles);
  all_ways([&](auto jacobian) {
    const Tensor j = jacobian([&](const Tensor& a) { return matmul(a, m); })(x);
    REQUIRE(j.shape() == Shape{2, 4, 2, 3});
    // d(x m)[i, k] / dx[p, q] = (i == p) m[q, k]
    const Tensor expected = eye(2, doubles).reshape({2, 1, 2, 1}) * m.t().reshape({1, 4, 1, 3});
    CHECK(close(j, expected));
    CHECK(j.is_contiguous());
    CHECK_FALSE(j.requires_grad());
    CHECK(jacobian([](const Tensor& a) { return a.sum(); })(x).shape() == Shape{2, 3});
    CHECK(jacobian([](const Tensor& a) { return a.slice(0, 0, 0); })(x).shape() ==
          Shape{0, 3, 2, 3});
    CHECK(jacobian([](const Tensor& a) { return a * 2; })(zeros({0}, doubles)).shape() ==
          Shape{0, 0});
  });
}

TEST_CASE("Jacobians with respect to several arguments, of several outputs, of a module") {
  const Tensor x = vec({1, 2}), y = vec({3, 4});
  const auto f = [](const Tensor& a, const Tensor& b) { return std::pair{a * b, (a * a).sum()}; };
  const auto check = [&](const auto& j) {
    const auto& [of_product, of_sum] = j;
    CHECK(close(std::get<0>(of_product), diagonal(y)));
    CHECK(close(std::get<1>(of_product), diagonal(x)));
    CHECK(close(std::get<0>(of_sum), 2 * x));
    CHECK(same(std::get<1>(of_sum), zeros_like(y)));
  };
  check(func::jacrev<0, 1>(f)(x, y));
  check(func::jacfwd<0, 1>(f)(x, y));
  check(func::jacobian<0, 1>(f)(x, y));
  CHECK(close(func::jacfwd<1>(f)(x, y).first, diagonal(x)));

  manual_seed(2);
  const nn::Linear layer{.in_features = 3, .out_features = 2};
  const Tensor data = randn({3});
  const auto of_layer = [&](const nn::Linear& l) { return l(data); };
  for (const nn::Linear& j : {func::jacrev(of_layer)(layer), func::jacfwd(of_layer)(layer)}) {
    CHECK(close(j.bias, eye(2)));
    REQUIRE(j.weight.shape() == Shape{2, 2, 3});
    CHECK(close(j.weight[1][1], data));
    CHECK(close(j.weight[1][0], zeros({3})));
  }
}

TEST_CASE("jacobian goes by columns where the arguments have few elements, else by rows") {
  const auto walks = [](const auto& transform, Size in, Size out) {
    int count = 0;  // walks through the op, in whatever direction
    const auto counted = [&](const Tensor& a) {
      const Tensor y = a.sum().expand({out});
      return record("counted", y.detach().clone(), wrt(y, [&](const Tensor& dy) {
                      ++count;
                      return dy * 1;
                    }));
    };
    const int threads = get_num_threads();
    set_num_threads(1);
    transform(counted)(zeros({in}, doubles));
    set_num_threads(threads);
    return count;
  };
  const auto by_rows = [](auto f) { return func::jacrev(f); };
  const auto by_columns = [](auto f) { return func::jacfwd(f); };
  const auto chosen = [](auto f) { return func::jacobian(f); };
  CHECK(walks(by_rows, 2, 40) == 40);
  CHECK(walks(by_columns, 2, 40) == 1);
  CHECK(walks(chosen, 2, 40) == 1);
  CHECK(walks(chosen, 40, 30) == 30);
}

TEST_CASE("a Jacobian is the same, to the last bit, with any number of threads") {
  manual_seed(3);
  const Tensor x = randn({64}, doubles), m = randn({64, 64}, doubles);
  const auto f = [&](const Tensor& a) { return softmax(matmul(m, tanh(a)) * a, 0); };
  const int threads = get_num_threads();
  set_num_threads(1);
  const Tensor rows = func::jacrev(f)(x), columns = func::jacfwd(f)(x);
  set_num_threads(4);
  for (int i = 0; i < 5; ++i) {
    CHECK(same(func::jacrev(f)(x), rows));
    CHECK(same(func::jacfwd(f)(x), columns));
  }
  // And when several threads ask at once.
  std::vector<int> wrong(3, 0);
  std::vector<std::thread> callers;
  for (int& count : wrong)
    callers.emplace_back([&] { count = same(func::jacrev(f)(x), rows) ? 0 : 1; });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == std::vector<int>(3, 0));
  set_num_threads(threads);
}

TEST_CASE("Jacobians are followed where they depend on what is followed outside") {
  const Tensor x = vec({1, 2}), w = tensor(3.0, {.dtype = float64, .requires_grad = true});
  all_ways([&](auto jacobian) {
    const Tensor j = jacobian([&](const Tensor& a) { return a * a * w; })(x);
    CHECK(close(j.detach(), diagonal(6 * x)));
    CHECK(close(grad(j.sum(), w), (2 * x).sum()));
    // d/dx of the trace of diag(x^3)' is 6 x.
    const auto trace = [&](const Tensor& a) {
      return (jacobian([](const Tensor& b) { return b * b * b; })(a) * eye(2, doubles)).sum();
    };
    CHECK(close(func::grad(trace)(x), 6 * x));
    const NoGradGuard no_grad;
    CHECK_FALSE(jacobian([&](const Tensor& a) { return a * w; })(x).requires_grad());
  });
}

TEST_CASE("an error on another thread is thrown where the Jacobian was asked for") {
  const auto broken = [](const Tensor& a) {
    const Tensor y = a.detach().clone();
    return record("broken", y.clone(),
                  wrt(a, [](const Tensor&) -> Tensor { return zeros({7}, doubles); }));
  };
  CHECK_THROWS_WITH_AS(func::jacrev(broken)(zeros({100}, doubles)),
                       doctest::Contains("[broken] expected its backward to return shape"), Error);
}

TEST_CASE("hessian of one argument and of several") {
  const Tensor x = vec({1, 2}), y = vec({3, 4});
  CHECK(
      close(func::hessian([](const Tensor& a) { return (a * a * a).sum(); })(x), diagonal(6 * x)));
  const auto f = [](const Tensor& a, const Tensor& b) { return (a * a * b).sum(); };
  const auto h = func::hessian<0, 1>(f)(x, y);
  CHECK(close(std::get<0>(std::get<0>(h)), diagonal(2 * y)));
  CHECK(close(std::get<1>(std::get<0>(h)), diagonal(2 * x)));
  CHECK(close(std::get<0>(std::get<1>(h)), diagonal(2 * x)));
  CHECK(same(std::get<1>(std::get<1>(h)), zeros({2, 2}, doubles)));
  CHECK(close(func::hessian<1>([](double c, const Tensor& a) { return (a * a).sum() * c; })(3.0, x),
              6 * eye(2, doubles)));
  // Of a function with several elements: one matrix for each.
  const Tensor each = func::hessian([](const Tensor& a) { return a * a * a; })(x);
  REQUIRE(each.shape() == Shape{2, 2, 2});
  CHECK(each[1][1][1].item() == 12);
  CHECK(each[1][0][0].item() == 0);
  const NoGradGuard no_grad;
  CHECK(
      close(func::hessian([](const Tensor& a) { return (a * a * a).sum(); })(x), diagonal(6 * x)));
}

TEST_CASE("Newton's method with hessian fits a logistic regression in a few steps") {
  // 200 points of two overlapping clouds; a column of ones for the bias.
  manual_seed(4);
  const Tensor labels = cat({zeros({100}, doubles), ones({100}, doubles)});
  const Tensor points = randn({200, 2}, doubles) + labels.unsqueeze(1) * vec({1.5, -0.5});
  const Tensor x = cat({points, ones({200, 1}, doubles)}, 1);
  const auto loss_of = [&](const Tensor& w) {
    const Tensor logits = matmul(x, w);
    return (softplus(logits) - labels * logits).mean();
  };
  Tensor w = zeros({3}, doubles);
  for (int step = 0; step < 7; ++step) {
    const Tensor g = func::grad(loss_of)(w), h = func::hessian(loss_of)(w);
    w = w - solve(h, g);
    // The closed form: X^T diag(p (1 - p)) X / n.
    const Tensor p = sigmoid(matmul(x, w));
    CHECK(close(func::hessian(loss_of)(w), matmul(x.t() * (p * (1 - p)), x) / 200.0, 1e-12));
  }
  CHECK(func::grad(loss_of)(w).abs().max().item() < 1e-12);
  CHECK(loss_of(w).item() < 0.55);
}
