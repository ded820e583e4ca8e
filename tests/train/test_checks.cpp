#include "reel/train/detail/checks.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "reel/autograd/random.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"
#include "support/message_of.h"
#include "support/op_check.h"

using namespace reel;
using testing::message_of;
using testing::values_of;

namespace {

constexpr auto silent = train::Verbose::none;

/// Its gradient is infinite where the layer gives 0.
struct Root {
  nn::Linear fc{2, 3};
  Tensor operator()(const Tensor& x) const { return sqrt(fc(x)); }
};

Root root_of_zero() {
  Root net;
  for (const Tensor& parameter : nn::parameters(net)) parameter.detach().fill_(0);
  return net;
}

/// Many numbers, of which one has an infinite gradient.
struct Many {
  nn::Parameter weight = ones({20000});
  Tensor operator()(const Tensor& x) const { return x + sqrt(weight).mean(); }
};

Many many(Size bad) {
  Many net;
  net.weight.detach()[bad].fill_(0);
  return net;
}

}  // namespace

TEST_CASE("a gradient that is not finite ends the training before it spoils the parameters") {
  const TensorDataset data(ones({4, 2}), zeros({4}, {.dtype = int64}));
  Root net = root_of_zero();
  optim::Adam adam{nn::parameters(net)};
  const auto fit = [&] { train::fit(net, data, {.optimizer = adam, .verbose = silent}); };
  CHECK(
      message_of(fit) ==
      "[fit] expected finite gradients, got -inf in that of \"fc.weight\" in step 1 of epoch 1; "
      "the parameters are those before it\n"
      "help: sqrt, norm, log and division have no finite gradient at 0: add a small number there");
  for (const Tensor& parameter : nn::parameters(net)) {
    for (const double value : values_of(parameter)) CHECK(value == 0);
  }
  CHECK(adam.state_dict().size() == 8);  // its options only: it has not stepped
}

TEST_CASE("a gradient is looked at whatever its memory order and dtype") {
  Root net = root_of_zero();
  nn::to(net, float64);
  const TensorDataset data(ones({4, 2}, {.dtype = float64}), zeros({4}, {.dtype = int64}));
  CHECK(message_of([&] { train::fit(net, data, {.verbose = silent}); }).find("\"fc.weight\"") !=
        std::string::npos);

  // Expanded from one number, as the gradient of a sum is.
  struct Shift {
    nn::Parameter by = zeros({3});
    Tensor operator()(const Tensor& x) const { return x + sqrt(by.sum()); }
  } shift;
  const TensorDataset points(ones({4, 3}), zeros({4}, {.dtype = int64}));
  const auto first = [](const Tensor& outputs, const Tensor&) {
    return outputs.select(1, 0).mean();
  };
  CHECK(message_of([&] {
          train::fit(shift, points, {.loss = first, .verbose = silent});
        }).find("got inf in that of \"by\"") != std::string::npos);
}

TEST_CASE("of a long gradient every element is looked at in some step, and what slips is told") {
  const TensorDataset one_step(ones({4, 3}), tensor({0, 1, 2, 0}));
  const auto first = [](const Tensor& outputs, const Tensor&) { return outputs.mean(); };
  const auto fit = [&](Many& net, Size batch_size) {
    optim::SGD sgd{nn::parameters(net), {.lr = 0.1}};
    return message_of([&] {
      train::fit(net, one_step,
                 {.loss = first, .optimizer = sgd, .batch_size = batch_size, .verbose = silent});
    });
  };
  for (const Size bad : {3, 1281}) {
    Many seen = many(bad);
    CHECK(fit(seen, 4).find("expected finite gradients, got inf in that of \"weight\"") !=
          std::string::npos);
    CHECK(seen.weight.detach()[bad].item() == 0);
  }

  Many slipped = many(100);  // not looked at in the first step
  CHECK(
      fit(slipped, 4) ==
      "[fit] expected finite parameters after epoch 1, got -inf in \"weight\": a gradient was not "
      "finite\n"
      "help: sqrt, norm, log and division have no finite gradient at 0: add a small number there");
  slipped = many(100);
  CHECK(
      fit(slipped, 2) ==
      "[fit] expected a finite loss, got nan in step 2 of epoch 1; \"weight\" holds -inf: a "
      "gradient before was not finite\n"
      "help: sqrt, norm, log and division have no finite gradient at 0: add a small number there");
}

TEST_CASE("a search for what is not finite takes every line in turn") {
  for (const DType dtype : {float32, float64}) {
    for (const Size n : {0, 1, 15, 16, 17, 1000, 5000}) {
      CAPTURE(n);
      const Tensor x = ones({n}, {.dtype = dtype});
      CHECK_FALSE(train::detail::first_not_finite(x).has_value());
      for (const Size bad : {Size{0}, n / 2, n - 1}) {
        if (n == 0) continue;
        x.fill_(1);
        x[bad].fill_(std::numeric_limits<double>::infinity());
        CHECK(train::detail::first_not_finite(x) == std::numeric_limits<double>::infinity());
        int seen = 0;
        for (Size turn = 0; turn < 4; ++turn) {
          seen += train::detail::first_not_finite(x, {.every = 4, .turn = turn}) ? 1 : 0;
        }
        CHECK(seen >= 1);
      }
    }
  }
  const Tensor table = ones({4, 6});
  table[3][1].fill_(std::nan(""));
  CHECK(train::detail::first_not_finite(table.t()).has_value());
  CHECK_FALSE(train::detail::first_not_finite(table.slice(0, 0, 3).slice(1, 0, 2)).has_value());
}

TEST_CASE("an optimizer that holds none of the model's parameters is refused") {
  const TensorDataset data(ones({4, 2}), tensor({0, 1, 2, 0}));
  nn::Sequential model{nn::Linear{2, 4}, nn::ReLU{}, nn::Linear{4, 3}};
  auto copy = nn::clone(model);
  optim::SGD other{nn::parameters(copy)};
  CHECK(
      message_of([&] { train::fit(model, data, {.optimizer = other, .verbose = silent}); }) ==
      "[fit] expected an optimizer of the model's parameters, got one that holds none of them\n"
      "help: make it from this very model, as in optim::Adam{nn::parameters(model)}; a clone, and "
      "a model made anew, has parameters of its own");
}

TEST_CASE("what the optimizer leaves out, and what it holds beside the model, is warned of once") {
  const TensorDataset data(ones({4, 2}), tensor({0, 1, 2, 0}));
  nn::Sequential model{nn::Linear{2, 4}, nn::ReLU{}, nn::Linear{4, 3}};
  std::vector<std::string> warnings;
  const auto fit = [&](std::vector<Tensor> parameters) {
    warnings.clear();
    train::fit(model, data,
               {.optimizer = optim::SGD{std::move(parameters)},
                .epochs = 2,
                .verbose = silent,
                .on_warning = [&](const std::string& text) { warnings.push_back(text); }});
  };
  fit(nn::parameters(model));
  CHECK(warnings.empty());

  fit(nn::parameters(model[2]));
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] ==
        "[fit] the optimizer holds 2 of the model's 4 parameters; the others stay as they are, "
        "\"0.weight\" the first of them\n"
        "help: give it nn::parameters(model), or freeze the others by nn::requires_grad_(layer, "
        "false)");

  nn::requires_grad_(model[0], false);
  fit(nn::parameters(model[2]));
  CHECK(warnings.empty());  // left out on purpose

  std::vector<Tensor> more = nn::parameters(model[2]);
  more.push_back(zeros({5}, {.requires_grad = true}));
  fit(more);
  REQUIRE(warnings.size() == 1);
  CHECK(
      warnings[0] ==
      "[fit] the optimizer holds 1 parameter that is none of the model's, of shape [5]\n"
      "help: nn::parameters(model) finds all that the model trains; a clone has parameters of its "
      "own");
}
