#include "reel/optim/sgd.h"

#include <limits>

#include "optim/steps_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

/// `torch.optim.SGD` for one number.
ScalarRule sgd_rule(const optim::SGDOptions& o) {
  return [o, velocity = 0.0, first = true](double p, double g) mutable {
    g += o.weight_decay * p;
    if (o.momentum != 0) {
      velocity = first ? g : o.momentum * velocity + (1 - o.dampening) * g;
      first = false;
      g = o.nesterov ? g + o.momentum * velocity : velocity;
    }
    return p - o.lr * g;
  };
}

}  // namespace

TEST_CASE("SGD follows its formula with every option") {
  for (const optim::SGDOptions& options :
       {optim::SGDOptions{}, optim::SGDOptions{.lr = 0.1}, optim::SGDOptions{.lr = 0},
        optim::SGDOptions{.lr = 0.1, .weight_decay = 0.05},
        optim::SGDOptions{.lr = 0.1, .momentum = 0.9},
        optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.05},
        optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05, .nesterov = true}}) {
    CAPTURE(options.momentum);
    CAPTURE(options.nesterov);
    check_steps([&](const std::vector<Tensor>& p) { return optim::SGD(p, options); },
                [&] { return sgd_rule(options); });
  }
}

TEST_CASE("SGD finds the bottom of a bowl") {
  const Tensor x = tensor({3.0f, -2.0f}).requires_grad_();
  optim::SGD sgd{{x}, {.lr = 0.1, .momentum = 0.5}};
  for (int i = 0; i < 100; ++i) {
    sgd.zero_grad();
    square(x - 1).sum().backward();
    sgd.step();
  }
  check_values(x, {2}, {1, 1}, 1e-6);
}

TEST_CASE("SGD refuses options that cannot work") {
  const std::vector<Tensor> p = {zeros(1, {.requires_grad = true})};
  CHECK_THROWS_WITH_AS(optim::SGD(p, {.lr = -1}),
                       "[SGD] expected a finite lr of at least 0, got -1", Error);
  CHECK_THROWS_WITH_AS(optim::SGD(p, {.lr = std::numeric_limits<double>::quiet_NaN()}),
                       "[SGD] expected a finite lr of at least 0, got nan", Error);
  CHECK_THROWS_WITH_AS(optim::SGD(p, {.momentum = -0.5}),
                       "[SGD] expected a finite momentum of at least 0, got -0.5", Error);
  CHECK_THROWS_WITH_AS(optim::SGD(p, {.weight_decay = -0.5}),
                       "[SGD] expected a finite weight_decay of at least 0, got -0.5", Error);
  CHECK_THROWS_WITH_AS(
      optim::SGD(p, {.nesterov = true}),
      "[SGD] expected momentum above 0 and no dampening for nesterov, got momentum "
      "0 and dampening 0",
      Error);
}
