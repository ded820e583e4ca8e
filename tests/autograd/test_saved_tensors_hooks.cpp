#include "reel/autograd/saved_tensors_hooks.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "reel/autograd/checkpoint.h"
#include "reel/autograd/tape.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "support/compare.h"
#include "support/op_check.h"

using namespace reel;
using reel::testing::check_values;

namespace {

/// Keeps numbers outside of any tensor.
std::vector<double> to_numbers(const Tensor& x) {
  const Tensor dense = x.contiguous();
  return {dense.data_ptr<double>(), dense.data_ptr<double>() + dense.numel()};
}

}  // namespace

TEST_CASE("what is saved is packed, and made again for backward") {
  const Tensor a = testing::random_tensor({2, 3}, 0.5, 2).requires_grad_();
  const Tensor b = testing::random_tensor({2, 3}, 0.5, 2, 5).requires_grad_();
  const auto f = [&] { return (exp(a) * b / sqrt(a)).sum(); };
  const std::vector<Tensor> expected = grad({f()}, {a, b});
  int packs = 0, unpacks = 0;
  Tensor loss;
  {
    const SavedTensorsHooks hooks{[&](const Tensor& x) {
                                    ++packs;
                                    CHECK_FALSE(x.requires_grad());
                                    CHECK_FALSE(grad_enabled());
                                    return to_numbers(x);
                                  },
                                  [&](const std::vector<double>& numbers) {
                                    ++unpacks;
                                    return tensor(numbers, {.dtype = float64}).view({2, 3});
                                  }};
    loss = f();
  }
  CHECK(packs >= 4);  // exp and sqrt their results, mul and div two each
  CHECK(unpacks == 0);
  const std::vector<Tensor> found = grad({loss}, {a, b});
  CHECK(unpacks == packs);
  CHECK(testing::same(found[0], expected[0]));
  CHECK(testing::same(found[1], expected[1]));
}

TEST_CASE("gradients of gradients flow through what was packed") {
  const Tensor a = testing::random_tensor({3}, 0.5, 2).requires_grad_();
  const Tensor b = testing::random_tensor({3}, 0.5, 2, 5).requires_grad_();
  const auto second = [&] {
    const Tensor y = (exp(a * b) * a / b).sum();  // leaves, results and outputs are saved
    const std::vector<Tensor> g = grad({y}, {a, b}, {.create_graph = true});
    return grad({(g[0] * g[1]).sum()}, {a, b});
  };
  const std::vector<Tensor> expected = second();
  const SavedTensorsHooks hooks{[](const Tensor& x) { return x.clone(); },
                                [](const Tensor& x) { return x; }};
  const std::vector<Tensor> found = second();
  for (std::size_t i = 0; i < 2; ++i) {  // sums come in another order
    CHECK(abs(found[i] - expected[i]).max().item() < 1e-12 * abs(expected[i]).max().item());
  }
}

TEST_CASE("an op with several outputs, a layer and a checkpoint are packed too") {
  manual_seed(1);
  nn::LSTM lstm{.input_size = 2, .hidden_size = 3};
  nn::to(lstm, float64);
  const Tensor x = testing::random_tensor({4, 1, 2}).requires_grad_();
  const auto f = [&] {
    const auto [values, indices] = sort(lstm(x).output, 0);
    return checkpoint([](const Tensor& y) { return tanh(y) * y; }, values).sum();
  };
  const Tensor expected = grad(f(), x);
  const SavedTensorsHooks hooks{[](const Tensor& y) { return y.clone(); },
                                [](const Tensor& y) { return y; }};
  CHECK(testing::same(grad(f(), x), expected));
}

TEST_CASE("what pack throws away is not there, and what it kept may be less") {
  const Tensor a = ones({1000}, {.dtype = float64, .requires_grad = true});
  const SavedTensorsHooks hooks{[](const Tensor& x) { return x.to(float32); },
                                [](const Tensor& x) { return x.to(float64); }};
  const Tensor y = exp(a * (1. / 3));
  const Tensor g = grad(y.sum(), a);
  const double exact = y[0].item() / 3;
  CHECK(g[0].item() != exact);  // rounded on the way
  CHECK(g[0].item() == doctest::Approx(exact).epsilon(1e-6));
}

TEST_CASE("of nested hooks the innermost counts, and they end with their scope") {
  const Tensor a = ones({2}, {.dtype = float64, .requires_grad = true});
  std::string log;
  const auto named = [&](char name) {
    return [&log, name](const Tensor& x) {
      log += name;
      return x;
    };
  };
  const auto same = [](const Tensor& x) { return x; };
  {
    const SavedTensorsHooks outer{named('a'), same};
    exp(a);
    {
      const SavedTensorsHooks inner{named('b'), same};
      exp(a);
    }
    exp(a);
  }
  exp(a);
  CHECK(log == "aba");
}

TEST_CASE("pack may use ops itself, and is not asked about them") {
  const Tensor a = ones({2}, {.dtype = float64, .requires_grad = true});
  int packs = 0;
  const SavedTensorsHooks hooks{[&](const Tensor& x) {
                                  ++packs;
                                  const EnableGradGuard record;
                                  return exp(x.clone().requires_grad_());
                                },
                                [](const Tensor& x) { return log(x); }};
  exp(a).sum().backward();
  CHECK(packs == 1);
}

TEST_CASE("what pack throws reaches who called the op, what unpack throws who called backward") {
  const Tensor a = ones({2}, {.dtype = float64, .requires_grad = true});
  const auto same = [](const Tensor& x) { return x; };
  {
    const SavedTensorsHooks hooks{[](const Tensor&) -> Tensor { throw std::runtime_error("full"); },
                                  same};
    CHECK_THROWS_WITH_AS(exp(a), "full", std::runtime_error);
  }
  Tensor y;
  {
    const SavedTensorsHooks hooks{
        same, [](const Tensor&) -> Tensor { throw std::runtime_error("gone"); }};
    y = exp(a);
  }
  CHECK_THROWS_WITH_AS(y.sum().backward(), "gone", std::runtime_error);
}

TEST_CASE("unpack returns what was packed, or an error says what it should") {
  const Tensor a = ones({2}, {.dtype = float64, .requires_grad = true});
  const auto backward_of = [&](const Tensor& instead) {
    const SavedTensorsHooks hooks{[](const Tensor&) { return 0; }, [&](int) { return instead; }};
    exp(a).sum().backward();
  };
  CHECK_THROWS_WITH_AS(
      backward_of({}),
      "[SavedTensorsHooks] expected unpack to return a tensor of shape [2], got an "
      "undefined one",
      Error);
  CHECK_THROWS_WITH_AS(backward_of(ones({3}, {.dtype = float64})),
                       "[SavedTensorsHooks] expected unpack to return a tensor of shape [2] and "
                       "dtype float64, got [3] and float64",
                       Error);
  CHECK_THROWS_AS(backward_of(ones({2})), Error);
}

TEST_CASE("what was packed does not mind changes in place") {
  const Tensor a = ones({2}, {.dtype = float64, .requires_grad = true});
  const Tensor x = a * 2;
  Tensor y;
  {
    const SavedTensorsHooks hooks{[](const Tensor& z) { return z.clone(); },
                                  [](const Tensor& z) { return z; }};
    y = square(x);
  }
  x.zero_();
  y.sum().backward();
  check_values(a.grad(), {2}, {8, 8});
}
