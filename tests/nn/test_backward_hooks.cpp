// Hooks that see gradients.

#include "reel/nn/hooks.h"

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "support/compare.h"
#include "support/hooked_modules.h"

using namespace reel;
using testing::Block;
using testing::Both;
using testing::close;
using testing::List;
using testing::message_of;
using testing::numbers;

TEST_CASE("a module around a hooked one may move: the hook sees where it is") {
  std::vector<Block> blocks(1);
  const Block* seen = nullptr;
  nn::register_full_backward_hook(
      blocks[0], [&](const Block& block, const Tensor&, const Tensor&) { seen = &block; });
  const Tensor y = blocks[0](numbers({2, 4}).requires_grad_()).sum();
  blocks.reserve(50);
  y.backward();
  CHECK(seen == &blocks[0]);
}

TEST_CASE("backward through a module that is gone is an error if hooks want it") {
  std::optional<Block> block(std::in_place);
  nn::register_full_backward_hook(*block, [](const Block&, const Tensor&, const Tensor&) {});
  const Tensor y = (*block)(numbers({2, 4}).requires_grad_()).sum();
  block.reset();
  CHECK(message_of([&] { y.backward(); }) ==
        "[register_full_backward_hook] expected the module to be there when backward runs through "
        "it, got one that is gone\nhelp: keep it until then, or remove the hook before it is "
        "called");
}

TEST_CASE("backward hooks see the gradients of inputs and outputs, and may change the first") {
  nn::Linear layer{3, 2};
  const Tensor x = numbers({4, 3}).requires_grad_();
  const Tensor weight = layer.weight;
  nn::register_full_backward_hook(
      layer, [&](const nn::Linear& module, const Tensor& dx, const Tensor& dy) {
        CHECK(&module == &layer);
        CHECK(close(dy, full({4, 2}, 3.0)));
        CHECK(close(dx, matmul(dy, weight)));
        return clamp(dx, -0.5, 0.5);
      });
  int lists = 0;
  nn::register_full_backward_hook(layer, [&](const nn::Linear&, const List& dx, const List& dy) {
    ++lists;
    CHECK(dx.size() == 1);
    CHECK(dy.size() == 1);
  });
  (3 * layer(x)).sum().backward();
  CHECK(close(x.grad(), clamp(matmul(full({4, 2}, 3.0), weight), -0.5, 0.5)));
  CHECK(close(layer.weight.grad(), matmul(full({2, 4}, 3.0), x)));
  CHECK(lists == 1);
}

TEST_CASE("backward pre-hooks replace the gradients of the outputs, for the parameters too") {
  nn::Linear layer{3, 2};
  const Tensor x = numbers({4, 3}).requires_grad_();
  nn::register_full_backward_pre_hook(layer,
                                      [](const nn::Linear&, const Tensor& dy) { return dy * 2; });
  nn::register_full_backward_hook(layer, [](const nn::Linear&, const Tensor&, const Tensor& dy) {
    CHECK(close(dy, full({4, 2}, 2.0)));
  });
  layer(x).sum().backward();
  CHECK(close(layer.weight.grad(), matmul(full({2, 4}, 2.0), x)));
}

TEST_CASE("backward hooks without an input that needs a gradient run when the output's has come") {
  nn::Linear layer{3, 2};
  int calls = 0;
  nn::register_full_backward_hook(layer,
                                  [&](const nn::Linear&, const Tensor& dx, const Tensor& dy) {
                                    ++calls;
                                    CHECK_FALSE(dx.defined());
                                    CHECK(dy.shape() == Shape{4, 2});
                                  });
  layer(numbers({4, 3})).sum().backward();
  CHECK(calls == 1);
  {
    const NoGradGuard no_grad;
    layer(numbers({4, 3}));
  }
  CHECK(calls == 1);
}

TEST_CASE("gradients of several inputs and outputs, undefined where there are none") {
  Both both;
  const Tensor a = numbers({2}).requires_grad_(), b = numbers({2}) + 3;
  nn::register_full_backward_hook(both, [&](const Both&, const List& dx, const List& dy) {
    REQUIRE(dx.size() == 2);
    REQUIRE(dy.size() == 2);
    CHECK(dx[0].defined());
    CHECK_FALSE(dx[1].defined());
    CHECK_FALSE(dy[0].defined());
    CHECK(close(dy[1], ones({2})));
    return List{dx[0] * 3, Tensor()};
  });
  both(a, b, 2).product.sum().backward();
  CHECK(close(a.grad(), 3 * 2 * b));
}

TEST_CASE("backward hooks under create_graph are differentiated") {
  nn::Linear layer{3, 3};
  nn::to(layer, float64);
  nn::register_full_backward_hook(
      layer, [](const nn::Linear&, const Tensor& dx, const Tensor&) { return dx * dx; });
  const Tensor x = numbers({2, 3}, float64).requires_grad_();
  const Tensor y = tanh(layer(x));
  const Tensor dx = grad(y.sum(), x, {.create_graph = true});
  const Tensor inner = matmul(1 - y * y, layer.weight);
  CHECK(close(dx, inner * inner));
  CHECK(dx.requires_grad());
  CHECK(grad(dx.sum(), layer.weight).defined());
  // As the same without hooks.
  const Tensor h = tanh(linear(x, layer.weight, layer.bias));
  const Tensor plain = grad(h.sum(), x, {.create_graph = true});
  CHECK(close(grad((plain * plain).sum(), layer.weight, {.retain_graph = true}),
              grad(grad(tanh(layer(x)).sum(), x, {.create_graph = true}).sum(), layer.weight)));
}

TEST_CASE("a module that hooks only look at has its gradients") {
  Block block;
  nn::to(block, float64);
  nn::register_full_backward_pre_hook(block, [](const Block&, const Tensor&) {});
  nn::register_full_backward_hook(block, [](const Block&, const Tensor&, const Tensor&) {});
  const auto f = [&](const Tensor& x) { return tanh(block(x)); };
  const Tensor x = numbers({2, 4}, float64).requires_grad_();
  CHECK(gradcheck(f, x));
  CHECK(gradgradcheck(f, x));
}

TEST_CASE("a module that is used twice has its backward hooks called for each use") {
  nn::Linear layer{2, 2};
  int calls = 0;
  HookHandle handle = nn::register_full_backward_hook(
      layer, [&](const nn::Linear&, const Tensor&, const Tensor&) { ++calls; });
  const Tensor x = ones({1, 2}, {.requires_grad = true});
  const Tensor y = layer(layer(x)).sum();
  y.backward({.retain_graph = true});
  CHECK(calls == 2);
  handle.remove();
  y.backward();
  CHECK(calls == 2);
}

TEST_CASE("gradients that a hook may not return") {
  nn::Linear layer{2, 2};
  const Tensor x = ones({1, 2}, {.requires_grad = true});
  HookHandle handle = nn::register_full_backward_hook(
      layer, [](const nn::Linear&, const Tensor& dx, const Tensor&) { return dx.sum(); });
  CHECK(message_of([&] { layer(x).sum().backward(); }) ==
        "[register_full_backward_hook] expected a hook to return a gradient of shape [1, 2] and "
        "dtype float32, got [] and float32");
  handle.remove();
  handle =
      nn::register_full_backward_hook(layer, [](const nn::Linear&, const List& dx, const List& dy) {
        return List{dx[0], dy[0]};
      });
  CHECK(message_of([&] { layer(x).sum().backward(); }) ==
        "[register_full_backward_hook] expected a hook to return as many gradients as it was "
        "given, which is 1, got 2");
  handle.remove();
  handle = nn::register_full_backward_hook(
      layer, [](const nn::Linear&, const List&, const List& dy) { return dy; });
  CHECK(message_of([&] {
          layer(ones({1, 2})).sum().backward();
        }) ==
        "[register_full_backward_hook] expected a hook to leave the gradient at 0 undefined, as it "
        "was given it, got one of shape [1, 2]");
  handle.remove();
  Both both;
  nn::register_full_backward_hook(both,
                                  [](const Both&, const Tensor& dx, const Tensor&) { return dx; });
  CHECK(message_of([&] { both(x, x, 1).sum.sum().backward(); }) ==
        "[register_full_backward_hook] expected Both to have one input and output for a hook that "
        "takes tensors, got 2 and 2\nhelp: a hook of several takes lists: const "
        "std::vector<Tensor>&");
}

TEST_CASE("clipping gradients by a hook, as a training step") {
  nn::Sequential model{nn::Linear{4, 4}, nn::Tanh{}, nn::Linear{4, 1}};
  nn::register_full_backward_pre_hook(
      model.at<nn::Linear>(0),
      [](const nn::Linear&, const Tensor& dy) { return clamp(dy, -1e-4, 1e-4); });
  (1000 * model(numbers({8, 4}))).sum().backward();
  const Tensor bias = model.at<nn::Linear>(0).bias.grad();
  CHECK(max(abs(bias)).item() <= 8 * 1.001e-4);
  CHECK(max(abs(bias)).item() > 0);
}

TEST_CASE("threads call one module while others register hooks on it and on all") {
  nn::Linear layer{2, 2};
  std::atomic<int> calls = 0;
  nn::register_full_backward_hook(layer,
                                  [&](const nn::Linear&, const Tensor& dx, const Tensor& dy) {
                                    ++calls;
                                    CHECK(close(dx, matmul(dy, layer.weight)));
                                  });
  const Tensor shared = ones({1, 2}, {.requires_grad = true});
  const Tensor y = layer(shared);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        nn::register_forward_hook(layer, [](const nn::Linear&, const Tensor&, const Tensor&) {
        }).remove();
        nn::register_module_forward_hook([](const nn::ModuleRef&, const List&, const List&) {
        }).remove();
        y.backward({.gradient = full({1, 2}, t + 1.0), .retain_graph = true});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(calls == 150);
  CHECK(close(shared.grad(), matmul(full({1, 2}, 300.0), layer.weight)));
}
