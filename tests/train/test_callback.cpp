#include "reel/train/callback.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"

using namespace reel;

namespace {

TensorDataset<2> points() { return TensorDataset(eye(3), tensor({0, 1, 2})); }

}  // namespace

TEST_CASE("early stopping waits, stops and goes back to the best epoch") {
  const Tensor weight = zeros({1});
  train::EarlyStopping stopping{.patience = 2};
  const std::vector<double> losses{3, 1, 2, 1, 0.5};
  bool stopped = false;
  for (std::size_t i = 0; i < losses.size() && !stopped; ++i) {
    weight.fill_(static_cast<double>(i));
    train::EpochEnd epoch{.epoch = static_cast<Size>(i) + 1,
                          .epochs = 5,
                          .loss = 0,
                          .val_loss = losses[i],
                          .state = {weight}};
    stopping(epoch);
    stopped = epoch.stop;
  }
  CHECK(stopped);
  CHECK(stopping.best_epoch == 2);
  CHECK(stopping.best_loss == 1);
  CHECK(weight.item() == 1);  // what it was in the second epoch
}

TEST_CASE("early stopping works inside fit") {
  nn::Linear model{3, 3};
  optim::SGD still{nn::parameters(model), {.lr = 0.0}};
  const auto history = train::fit(model, points(),
                                  {.optimizer = still,
                                   .epochs = 50,
                                   .validation = points(),
                                   .callbacks = {train::EarlyStopping{.patience = 4}},
                                   .verbose = train::Verbose::none});
  CHECK(history.epochs() == 5);
}

TEST_CASE("a callback of the caller's is called where it is, so that its results can be read") {
  nn::Linear model{3, 3};
  train::EarlyStopping stopping{.patience = 4};
  const auto fit = [&](double lr) {
    return train::fit(model, points(),
                      {.optimizer = optim::SGD{nn::parameters(model), {.lr = lr}},
                       .epochs = 6,
                       .callbacks = {stopping},
                       .verbose = train::Verbose::none});
  };
  const train::History history = fit(0.5);
  CHECK(stopping.best_epoch == 6);
  CHECK(stopping.best_loss == history.loss.back());
  CHECK(stopping.best_state.size() == 2);

  // Another run with it starts anew: what was best before is another story.
  const double before = stopping.best_loss;
  CHECK(fit(0).epochs() == 5);
  CHECK(stopping.best_epoch == 1);
  CHECK(stopping.best_loss <= before);
}

TEST_CASE("a callback made in place is kept, even one that can only be moved") {
  nn::Linear model{3, 3};
  auto count = std::make_unique<int>(0);
  int* const seen = count.get();
  struct Constant {
    int* calls;
    void operator()(const train::EpochEnd&) const { ++*calls; }
  };
  const Constant constant{seen};
  train::FitOptions options{.epochs = 2, .verbose = train::Verbose::none};
  options.callbacks.push_back([own = std::move(count)](train::EpochEnd&) { ++*own; });
  options.callbacks.push_back(constant);
  train::fit(model, points(), options);
  CHECK(*seen == 4);
}

TEST_CASE("early stopping takes any loss for better than NaN") {
  train::EarlyStopping stopping{.patience = 2};
  const double losses[] = {std::nan(""), 2, std::nan(""), 1};
  for (Size i = 0; i < 4; ++i) {
    train::EpochEnd epoch{.epoch = i + 1, .epochs = 10, .val_loss = losses[i]};
    stopping(epoch);
    CHECK_FALSE(epoch.stop);
  }
  CHECK(stopping.best_epoch == 4);
}
