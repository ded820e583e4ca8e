#include "reel/autograd/checkpoint.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/random.h"
#include "reel/base/detail/memory_counters.h"
#include "reel/ops/ops.h"
#include "support/compare.h"

using namespace reel;
using testing::close;
using testing::same;

namespace {

Tensor leaf(const Shape& shape = {3}) { return rand(shape, {.dtype = float64}).requires_grad_(); }

/// Something that saves much.
Tensor block(const Tensor& x) { return tanh(exp(sin(x) * 0.5) * x); }

}  // namespace

TEST_CASE("a checkpoint gives the values and gradients of its function, to any order") {
  manual_seed(1);
  const Tensor x = leaf();
  const auto f = [](const Tensor& t) { return checkpoint(block, t * 2); };
  CHECK(same(f(x), block(x * 2)));
  CHECK(f(x).requires_grad());
  CHECK(f(x).op_name() == std::string("checkpoint"));
  CHECK(gradcheck(f, x));
  CHECK(gradgradcheck(f, x));
}

TEST_CASE("a checkpoint's function runs once more for backward, and not without it") {
  const Tensor x = leaf();
  int runs = 0;
  const auto counted = [&runs](const Tensor& t) {
    ++runs;
    return block(t);
  };
  const Tensor y = checkpoint(counted, x);
  CHECK(runs == 1);
  y.sum().backward();
  CHECK(runs == 2);
  {
    const NoGradGuard no_grad;
    CHECK_FALSE(checkpoint(counted, x).requires_grad());
  }
  CHECK(runs == 3);
  CHECK_FALSE(checkpoint(counted, x.detach()).requires_grad());
}

TEST_CASE("what a checkpoint's function has captured gets its gradient, also from grad") {
  manual_seed(2);
  const Tensor x = leaf(), w = leaf(), unused = leaf();
  const Tensor h = w * 3;  // captured in the middle of the tape
  const auto f = [&](const Tensor& t) { return block(t * w + h); };
  const Tensor plain = f(x * 2).sum(), saving = checkpoint(f, x * 2).sum();
  const std::vector<Tensor> inputs{x, w, h, unused};
  const std::vector<Tensor> expected = grad({plain}, inputs, {.retain_graph = true});
  const std::vector<Tensor> got = grad({saving}, inputs, {.retain_graph = true});
  for (std::size_t i = 0; i < inputs.size(); ++i) CHECK(same(got[i], expected[i]));
  checkpoint(f, x * 2).sum().backward();
  CHECK(same(w.grad(), expected[1]));
  CHECK(same(x.grad(), expected[0]));
}

TEST_CASE("a checkpoint draws the same numbers twice and disturbs no others") {
  const Tensor x = leaf({100});
  const auto noisy = [](const Tensor& t) {
    return t * bernoulli(full({100}, 0.5, {.dtype = float64}));
  };
  manual_seed(3);
  const Tensor expected = noisy(x);
  const Tensor next = rand({4});
  manual_seed(3);
  const Tensor y = checkpoint(noisy, x);
  CHECK(same(y, expected));
  CHECK(same(rand({4}), next));
  const Generator::State before = default_generator().state();
  y.sum().backward();
  CHECK(default_generator().state() == before);
  CHECK(same(x.grad() * x, y));
}

TEST_CASE("checkpoints nest") {
  manual_seed(4);
  const Tensor x = leaf(), w = leaf();
  const auto inner = [&](const Tensor& t) { return block(t * w); };
  const auto outer = [&](const Tensor& t) { return checkpoint(inner, block(t)) + t; };
  const auto plain = [&](const Tensor& t) { return inner(block(t)) + t; };
  const std::vector<Tensor> expected = grad({plain(x).sum()}, {x, w});
  const std::vector<Tensor> got = grad({checkpoint(outer, x).sum()}, {x, w});
  CHECK(same(got[0], expected[0]));
  CHECK(same(got[1], expected[1]));
  CHECK(gradgradcheck([&](const Tensor& t) { return checkpoint(outer, t); }, x));
}

TEST_CASE("a checkpoint of several inputs and outputs") {
  manual_seed(5);
  const Tensor a = leaf(), b = leaf();
  const auto f = [](const Tensor& x, const Tensor& y) {
    return std::vector<Tensor>{block(x * y), x + y, argmax(x), y.detach()};
  };
  const std::vector<Tensor> y = checkpoint(f, a, b);
  REQUIRE(y.size() == 4);
  CHECK(y[2].dtype() == int64);
  const Tensor first = grad(y[0].sum(), a, {.retain_graph = true});
  CHECK(same(first, grad(block(a * b).sum(), a)));
  CHECK(same(grad(y[1].sum(), b), ones({3}, {.dtype = float64})));
}

TEST_CASE("a checkpoint that returns its input, or something captured") {
  const Tensor x = leaf(), w = leaf();
  const Tensor h = x * 2;
  CHECK(same(grad(checkpoint([](const Tensor& t) { return t; }, h).sum(), x),
             full({3}, 2.0, {.dtype = float64})));
  CHECK(same(grad(checkpoint([&](const Tensor&) { return w; }, h).sum(), w),
             ones({3}, {.dtype = float64})));
}

TEST_CASE("hooks around a checkpoint see whole gradients, once") {
  const Tensor x = leaf();
  const Tensor h = x * 2;
  std::vector<double> of_h, of_x;
  h.register_hook([&](const Tensor& dy) { of_h.push_back(dy.sum().item()); });
  x.register_hook([&](const Tensor& dy) { of_x.push_back(dy.sum().item()); });
  const auto f = [&](const Tensor& t) { return t * 3 + x; };
  (checkpoint(f, h) + h + x).sum().backward();
  CHECK(of_h == std::vector<double>{12});
  CHECK(of_x == std::vector<double>{30});
}

TEST_CASE("a checkpoint notices what would make the second run another") {
  const Tensor x = leaf(), w = leaf();
  const auto f = [&](const Tensor& t) { return block(t * w); };
  {
    const Tensor h = x * 1;
    const Tensor y = checkpoint(f, h);
    {
      const NoGradGuard no_grad;
      h.add_(1);
    }
    CHECK_THROWS_WITH_AS(y.sum().backward(),
                         doctest::Contains("[checkpoint] expected the tensor of shape [3]"), Error);
  }
  const Tensor y = checkpoint(f, x);
  {
    const NoGradGuard no_grad;
    w.mul_(2);
  }
  CHECK_THROWS_WITH_AS(y.sum().backward(),
                       doctest::Contains("[checkpoint] expected the tensor of shape [3]"), Error);
  int runs = 0;
  const auto grows = [&runs](const Tensor& t) { return ++runs == 1 ? t * 2 : stack({t, t}); };
  CHECK_THROWS_WITH_AS(checkpoint(grows, x).sum().backward(),
                       "[checkpoint] expected a function that gives a tensor of shape [3] again, "
                       "got [2, 3]",
                       Error);
  const auto more = [&runs](const Tensor& t) {
    return std::vector<Tensor>(static_cast<std::size_t>(runs++), t * 2);
  };
  CHECK_THROWS_WITH_AS(checkpoint(more, x)[0].sum().backward(),
                       "[checkpoint] expected a function that gives 2 tensors again, got 3", Error);
  CHECK_THROWS_WITH_AS((void)checkpoint([](const Tensor&) { return Tensor(); }, x),
                       doctest::Contains("[checkpoint] expected a tensor as the output"), Error);
}

TEST_CASE("a chain of checkpoints needs the memory of its inputs and of one block") {
  const Size n = 100000;
  const auto peak_of = [&](bool saving) {
    const Tensor x = leaf({n});
    Tensor y = x;
    const std::int64_t before = detail::restart_peak();
    const std::int64_t begin = detail::memory_peak();
    for (int i = 0; i < 8; ++i) y = saving ? checkpoint(block, y) : block(y);
    y.sum().backward();
    const auto most = static_cast<double>(detail::memory_peak() - begin);
    detail::raise_peak(before);
    return most / static_cast<double>(8 * n);
  };
  CHECK(peak_of(false) > 20);  // in tensors
  CHECK(peak_of(true) < 16);
}

TEST_CASE("a checkpoint's inputs may come from another thread") {
  const Tensor x = leaf();
  Tensor h;
  std::thread([&] {
    Tensor t = x;
    for (int i = 0; i < 1000; ++i) t = t * 1;
    h = t;
  }).join();
  const Tensor y = checkpoint(block, h).sum();
  const Tensor dh = grad(y, h, {.retain_graph = true});
  CHECK(same(dh, grad(block(h).sum(), h)));
  CHECK(same(grad(y, x), dh));
}

TEST_CASE("a retained graph with a checkpoint serves twice, a spent one says so") {
  const Tensor x = leaf();
  const Tensor y = checkpoint(block, x).sum();
  y.backward({.retain_graph = true});
  const Tensor once = x.grad().clone();
  y.backward();
  CHECK(close(x.grad(), 2 * once));
  CHECK_THROWS_WITH_AS(
      y.backward(), doctest::Contains("[backward] expected the graph of 'checkpoint'"), Error);
}
