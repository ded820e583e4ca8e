#include "reel/optim/adam.h"

#include <cmath>

#include "optim/steps_check.h"
#include "reel/optim/adamw.h"

using namespace reel;
using namespace reel::testing;

namespace {

/// `torch.optim.Adam`, or with `decoupled` `torch.optim.AdamW`, for one number.
template <class Options>
ScalarRule adam_rule(const Options& o, bool decoupled) {
  return [o, decoupled, m = 0.0, v = 0.0, most = 0.0, t = 0](double p, double g) mutable {
    ++t;
    if (decoupled) {
      p -= o.lr * o.weight_decay * p;
    } else {
      g += o.weight_decay * p;
    }
    m = o.betas.first * m + (1 - o.betas.first) * g;
    v = o.betas.second * v + (1 - o.betas.second) * g * g;
    most = std::max(most, v);
    const double mean = m / (1 - std::pow(o.betas.first, t));
    const double square = (o.amsgrad ? most : v) / (1 - std::pow(o.betas.second, t));
    return p - o.lr * mean / (std::sqrt(square) + o.eps);
  };
}

template <class Optimizer, class Options>
void check_all_options(bool decoupled) {
  for (const Options& options :
       {Options{}, Options{.lr = 0.1}, Options{.lr = 0.1, .betas = {0.5, 0.7}, .eps = 1e-3},
        Options{.lr = 0.1, .betas = {0, 0.9}}, Options{.lr = 0.1, .weight_decay = 0.2},
        Options{.lr = 0.1, .weight_decay = 0.2, .amsgrad = true}}) {
    CAPTURE(options.betas.first);
    CAPTURE(options.weight_decay);
    CAPTURE(options.amsgrad);
    check_steps([&](const std::vector<Tensor>& p) { return Optimizer(p, options); },
                [&] { return adam_rule(options, decoupled); });
  }
}

template <class Optimizer>
void check_bad_options(const std::string& name) {
  const std::vector<Tensor> p = {zeros(1, {.requires_grad = true})};
  const auto says = [&](const std::string& text) { return "[" + name + "] " + text; };
  CHECK_THROWS_WITH_AS(Optimizer(p, {.lr = -1}),
                       says("expected a finite lr of at least 0, got -1").c_str(), Error);
  CHECK_THROWS_WITH_AS(Optimizer(p, {.eps = -1}),
                       says("expected a finite eps of at least 0, got -1").c_str(), Error);
  CHECK_THROWS_WITH_AS(Optimizer(p, {.weight_decay = -1}),
                       says("expected a finite weight_decay of at least 0, got -1").c_str(), Error);
  CHECK_THROWS_WITH_AS(Optimizer(p, {.betas = {0.9, 1}}),
                       says("expected betas in [0, 1), got {0.9, 1}").c_str(), Error);
  CHECK_THROWS_WITH_AS(Optimizer(p, {.betas = {-0.1, 0.9}}),
                       says("expected betas in [0, 1), got {-0.1, 0.9}").c_str(), Error);
}

}  // namespace

TEST_CASE("Adam follows its formula with every option") {
  check_all_options<optim::Adam, optim::AdamOptions>(false);
}

TEST_CASE("AdamW follows its formula with every option") {
  check_all_options<optim::AdamW, optim::AdamWOptions>(true);
}

TEST_CASE("AdamW decays weights by default, Adam does not") {
  const Tensor a = ones(1, {.requires_grad = true});
  const Tensor b = ones(1, {.requires_grad = true});
  for (const Tensor& p : {a, b}) p.set_grad(zeros(1));
  optim::Adam{{a}, {.lr = 0.1}}.step();
  optim::AdamW{{b}, {.lr = 0.1}}.step();
  check_values(a, {1}, {1});
  check_values(b, {1}, {0.999}, 1e-7);
}

TEST_CASE("Adam moves tiny, huge and no gradients alike") {
  const Tensor p = zeros(33).requires_grad_();
  Tensor gradient = zeros(33);
  gradient.slice(0, 0, 11).fill_(1e-6);
  gradient.slice(0, 11, 22).fill_(1e15);
  p.set_grad(gradient);
  optim::Adam{{p}, {.lr = 0.5}}.step();
  check_values(p.slice(0, 0, 11), {11}, std::vector<double>(11, -0.5 * 1e-6 / (1e-6 + 1e-8)), 1e-6);
  check_values(p.slice(0, 11, 22), {11}, std::vector<double>(11, -0.5), 1e-6);
  check_values(p.slice(0, 22, 33), {11}, std::vector<double>(11, 0.0));
}

TEST_CASE("Adam and AdamW refuse options that cannot work") {
  check_bad_options<optim::Adam>("Adam");
  check_bad_options<optim::AdamW>("AdamW");
}
