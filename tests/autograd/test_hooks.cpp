#include "reel/autograd/hooks.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/ops/ops.h"
#include "support/compare.h"

using namespace reel;
using testing::close;

namespace {

Tensor leaf(const Shape& shape = {3}) {
  manual_seed(1);
  return rand(shape, {.dtype = float64}).requires_grad_();
}

}  // namespace

TEST_CASE("a hook sees the whole gradient of a result, once, and may change it") {
  const Tensor x = leaf();
  const Tensor y = x * 2;
  std::vector<Tensor> seen;
  y.register_hook([&](const Tensor& dy) { seen.push_back(dy.clone()); });
  y.register_hook([](const Tensor& dy) { return dy * 10; });
  y.register_hook([&](const Tensor& dy) { seen.push_back(dy.clone()); });
  (y * y + y).sum().backward();
  REQUIRE(seen.size() == 2);
  CHECK(close(seen[0], 2 * y + 1));
  CHECK(close(seen[1], 10 * (2 * y + 1)));
  CHECK(close(x.grad(), 20 * (2 * y + 1)));
}

TEST_CASE("a hook of a leaf sees what all its uses bring, before it is accumulated") {
  const Tensor x = leaf();
  int calls = 0;
  x.register_hook([&](const Tensor& dy) {
    ++calls;
    CHECK(close(dy, 3 + 2 * x));
    CHECK_FALSE(x.grad().defined());
    return dy * 2;
  });
  (x * 3 + x * x).sum().backward();
  CHECK(calls == 1);
  CHECK(close(x.grad(), 2 * (3 + 2 * x)));
}

TEST_CASE("a handle takes its hook away, a gone tensor's does nothing") {
  const Tensor x = leaf();
  int first = 0, second = 0;
  HookHandle handle = x.register_hook([&](const Tensor&) { ++first; });
  x.register_hook([&](const Tensor&) { ++second; });
  x.sum().backward();
  handle.remove();
  handle.remove();
  x.sum().backward();
  CHECK(first == 1);
  CHECK(second == 2);
  HookHandle late;
  {
    const Tensor gone = leaf();
    late = gone.register_hook([](const Tensor&) {});
  }
  late.remove();
  HookHandle().remove();
}

TEST_CASE("what a removed hook has captured goes") {
  const Tensor x = leaf();
  auto captured = std::make_shared<int>(1);
  HookHandle handle = x.register_hook([captured](const Tensor&) {});
  CHECK(captured.use_count() == 2);
  handle.remove();
  CHECK(captured.use_count() == 1);
}

TEST_CASE("a hook may remove itself and add others") {
  const Tensor x = leaf();
  int calls = 0;
  HookHandle handle;
  handle = x.register_hook([&](const Tensor&) {
    ++calls;
    x.register_hook([&](const Tensor&) { calls += 100; });
    handle.remove();
  });
  x.sum().backward();
  CHECK(calls == 1);
  x.sum().backward();
  CHECK(calls == 101);
}

TEST_CASE("a hook with another shape or dtype is an error") {
  const Tensor x = leaf();
  HookHandle handle = x.register_hook([](const Tensor& dy) { return dy.sum(); });
  CHECK_THROWS_WITH_AS(x.sum().backward(),
                       "[register_hook] expected a hook to return a gradient of shape [3] and "
                       "dtype float64, got [] and float64",
                       Error);
  handle.remove();
  const Tensor y = x * 1;
  y.register_hook([](const Tensor& dy) { return dy.to(float32); });
  CHECK_THROWS_WITH_AS(y.sum().backward(),
                       "[register_hook] expected a hook to return a gradient of shape [3] and "
                       "dtype float64, got [3] and float32",
                       Error);
}

TEST_CASE("hooks say what they need") {
  const Tensor fixed = ones({2});
  CHECK_THROWS_WITH_AS(fixed.register_hook([](const Tensor&) {}),
                       "[register_hook] expected a tensor that requires grad, got one without",
                       Error);
  CHECK_THROWS_WITH_AS(fixed.retain_grad(),
                       "[retain_grad] expected a tensor that requires grad, got one without",
                       Error);
  CHECK_THROWS_WITH_AS(fixed.register_post_accumulate_grad_hook([](const Tensor&) {}),
                       "[register_post_accumulate_grad_hook] expected a leaf that requires grad, "
                       "got a tensor without",
                       Error);
  const Tensor y = leaf() * 2;
  CHECK_THROWS_WITH_AS(y.register_post_accumulate_grad_hook([](const Tensor&) {}),
                       "[register_post_accumulate_grad_hook] expected a leaf, got the result of "
                       "'mul'\nhelp: use register_hook()",
                       Error);
}

TEST_CASE("hooks run in grad, too, and are recorded under create_graph only") {
  const Tensor x = leaf();
  const Tensor y = x * x;
  bool recorded = true;
  y.register_hook([&](const Tensor& dy) {
    recorded = grad_enabled();
    return dy * y;
  });
  x.register_hook([](const Tensor& dy) { return dy * 3; });
  const Tensor z = y.sum();
  const std::vector<Tensor> plain = grad({z}, {y, x}, {.retain_graph = true});
  CHECK_FALSE(recorded);
  CHECK(close(plain[0], y));
  CHECK(close(plain[1], 3 * 2 * x * y));
  const Tensor first = grad(z, x, {.create_graph = true});
  CHECK(recorded);
  CHECK(close(first, 6 * x * x * x));
  // The second walk meets the hooks again, that of y on the way from 6 x y to x.
  CHECK(close(grad(first.sum(), x), 3 * (6 * y + 6 * x * y * 2 * x)));
}

TEST_CASE("a tensor with hooks is not overwritten when it is given away") {
  const Tensor x = leaf() - 0.5;
  const Tensor w = leaf();
  const Tensor passes = (w * x > 0).to(float64);
  Tensor y = w * x, seen;
  y.register_hook([&](const Tensor& dy) {
    seen = dy.clone();
    return dy * 2;
  });
  const Tensor z = relu(std::move(y));
  z.sum().backward();
  CHECK(close(seen, passes));  // of what relu was given, not of what it made
  CHECK(close(w.grad(), 2 * x * passes));
}

TEST_CASE("results retain their gradients on request") {
  const Tensor x = leaf();
  const Tensor y = x * 2, z = y * y;
  CHECK_FALSE(y.retains_grad());
  y.retain_grad();
  y.retain_grad();
  x.retain_grad();
  CHECK(y.retains_grad());
  CHECK_FALSE(x.retains_grad());
  CHECK_FALSE(y.grad().defined());
  z.sum().backward({.retain_graph = true});
  CHECK(close(y.grad(), 2 * y));
  CHECK_FALSE(z.grad().defined());
  z.sum().backward();
  CHECK(close(y.grad(), 4 * y));
  y.set_grad({});
  CHECK_FALSE(y.grad().defined());
}

TEST_CASE("a retained gradient is what the hooks leave, and nobody else's memory") {
  const Tensor x = leaf();
  const Tensor y = x * 1, z = y.view({3, 1});
  y.retain_grad();
  z.retain_grad();
  y.register_hook([](const Tensor& dy) { return dy * 5; });
  z.sum().backward();
  CHECK(close(y.grad(), full({3}, 5.0, {.dtype = float64})));
  z.grad().fill_(7);
  CHECK(close(y.grad(), full({3}, 5.0, {.dtype = float64})));
  CHECK(close(x.grad(), full({3}, 5.0, {.dtype = float64})));
}

TEST_CASE("grad leaves retained gradients alone") {
  const Tensor x = leaf();
  const Tensor y = x * 2;
  y.retain_grad();
  (void)grad(y.sum(), x);
  CHECK_FALSE(y.grad().defined());
}

TEST_CASE("a retained gradient outlives neither its tensor nor keeps it") {
  const auto before = memory_stats().in_use;
  {
    const Tensor x = leaf({1000});
    Tensor y = x * 2;
    y.retain_grad();
    const Tensor loss = y.sum();
    y = {};
    loss.backward();
  }
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("a post-accumulate hook runs with the whole gradient in place") {
  const Tensor x = leaf();
  int calls = 0;
  x.register_post_accumulate_grad_hook([&](const Tensor& parameter) {
    ++calls;
    CHECK(parameter.get() == x.get());
    CHECK(close(parameter.grad(), 3 + 2 * x));
    parameter.set_grad({});
  });
  (x * 3 + x * x).sum().backward();
  CHECK(calls == 1);
  CHECK_FALSE(x.grad().defined());
  (void)grad((x * 3).sum(), x);
  CHECK(calls == 1);
}

TEST_CASE("a leaf's hooks run as soon as no op can bring it more") {
  std::vector<std::string> order;
  const Tensor early = leaf(), late = leaf(), shared = leaf();
  for (const auto& [tensor, name] :
       {std::pair{early, "early"}, std::pair{late, "late"}, std::pair{shared, "shared"}}) {
    tensor.register_post_accumulate_grad_hook(
        [&order, name = std::string(name)](const Tensor&) { order.push_back(name); });
  }
  Tensor h = late * shared;
  h.register_hook([&](const Tensor&) { order.push_back("h"); });
  (h * early * shared).sum().backward();
  CHECK(order == std::vector<std::string>{"early", "h", "late", "shared"});
}

TEST_CASE("a leaf whose other uses get no gradient has its hooks run all the same") {
  const Tensor x = leaf();
  int calls = 0;
  x.register_hook([&](const Tensor&) { ++calls; });
  const Tensor none =
      record("none", x.detach() * 1, wrt(x, [](const Tensor&) { return Tensor(); }));
  (x * 2 + (x * 1) * none).sum().backward();
  CHECK(calls == 1);
  x.sum().backward();
  CHECK(calls == 2);
  x.backward({.gradient = ones({3}, {.dtype = float64})});
  CHECK(calls == 3);
}

TEST_CASE("backward to chosen inputs") {
  const Tensor x = leaf(), w = leaf();
  const Tensor y = x * w, loss = (y * y).sum();
  int calls = 0;
  w.register_post_accumulate_grad_hook([&](const Tensor&) { ++calls; });
  loss.backward({.retain_graph = true, .inputs = {w, w}});
  CHECK_FALSE(x.grad().defined());
  CHECK(close(w.grad(), 2 * y * x));
  CHECK(calls == 1);
  loss.backward({.retain_graph = true, .inputs = {w}});
  CHECK(close(w.grad(), 4 * y * x));
  loss.backward({.inputs = {y}});
  CHECK(close(y.grad(), 2 * y));
  CHECK_FALSE(x.grad().defined());
  const Tensor other = leaf();
  (x * 2).sum().backward({.inputs = {other}});
  CHECK_FALSE(other.grad().defined());
  CHECK_THROWS_WITH_AS(loss.backward({.inputs = {ones({2})}}),
                       "[backward] expected inputs that require grad, got one of shape [2] that "
                       "does not",
                       Error);
  CHECK_THROWS_WITH_AS(loss.backward({.inputs = {Tensor()}}),
                       doctest::Contains("[backward] expected inputs that are tensors, got an "
                                         "undefined one at position 0"),
                       Error);
}

TEST_CASE("set_grad_enabled stays until it is set again") {
  const Tensor x = leaf();
  set_grad_enabled(false);
  CHECK_FALSE((x * 2).requires_grad());
  set_grad_enabled(true);
  CHECK((x * 2).requires_grad());
}

TEST_CASE("threads that share a leaf with hooks each bring their whole gradient") {
  const Tensor x = leaf({64});
  std::atomic<int> calls = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) {
        x.register_hook([&](const Tensor&) { ++calls; }).remove();
        (x * 2 + x).sum().backward();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(close(x.grad(), full({64}, 600.0, {.dtype = float64})));
}
