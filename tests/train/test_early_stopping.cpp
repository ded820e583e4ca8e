#include "reel/train/callbacks/early_stopping.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"
#include "support/script.h"

using namespace reel;
using testing::Script;

namespace {

constexpr auto silent = train::Verbose::none;

TensorDataset<2> points() { return TensorDataset(eye(3), tensor({0, 1, 2})); }

/// Trains by a fixed step of 1 an epoch and returns where it stopped.
struct Outcome {
  Size epochs;
  double weight;
  std::string reason;
};
Outcome train_by(Script script, train::EarlyStopping& stopping, Size epochs = 5) {
  struct Shift {
    nn::Parameter by = zeros({1});
    Tensor operator()(const Tensor& x) const { return x + by; }
  } model;
  const auto fall = [](const Tensor& outputs, const Tensor&) { return -outputs.sum(); };
  std::string reason;
  train::LambdaCallback last{.fit_end = [&](train::Run& run) { reason = run.stop_reason(); }};
  const auto history = train::fit(model, zeros({1, 1}), zeros({1, 1}),
                                  {.loss = fall,
                                   .metrics = {script},
                                   .optimizer = optim::SGD{nn::parameters(model), {.lr = 1.0}},
                                   .epochs = epochs,
                                   .callbacks = {stopping, last},
                                   .verbose = silent});
  return {history.epochs(), model.by.item(), reason};
}

}  // namespace

TEST_CASE("early stopping waits, stops and goes back to the best epoch") {
  train::EarlyStopping stopping{.patience = 2, .monitor = "my_error"};
  const Outcome outcome = train_by({"my_error", {3, 1, 2, 1, 0.5}}, stopping);
  CHECK(outcome.epochs == 4);
  CHECK(stopping.best_epoch == 2);
  CHECK(stopping.best == 1);
  CHECK(stopping.best_state.size() == 1);
  CHECK(outcome.weight == 2);  // what it was after the second epoch
  CHECK(outcome.reason == "my_error has not got better in 2 epochs, since 1 in epoch 2");
}

TEST_CASE("early stopping goes back at the end of a run that nobody stopped, unless told not to") {
  train::EarlyStopping stopping{.patience = 9, .monitor = "my_error"};
  Outcome outcome = train_by({"my_error", {3, 1, 2, 1, 2}}, stopping);
  CHECK(outcome.epochs == 5);
  CHECK(outcome.weight == 2);
  train::EarlyStopping stays{.patience = 9, .restore_best = false, .monitor = "my_error"};
  outcome = train_by({"my_error", {3, 1, 2, 1, 2}}, stays);
  CHECK(outcome.weight == 5);
  CHECK(stays.best_epoch == 2);
  CHECK(stays.best_state.empty());
}

TEST_CASE("an accuracy should rise, and what nobody knows has to be said") {
  train::EarlyStopping stopping{.patience = 1, .min_delta = 0.05, .monitor = "my_accuracy"};
  CHECK(train_by({"my_accuracy", {0.5, 0.6, 0.64, 0.9, 0.9}}, stopping).epochs == 3);
  CHECK(stopping.best == 0.6);
  train::EarlyStopping unknown{.monitor = "r2"};
  CHECK_THROWS_WITH_AS(
      train_by({"r2", {1, 2, 3, 4, 5}}, unknown),
      "[EarlyStopping] expected .higher_is_better for \"r2\", of which only its author knows",
      Error);
  train::EarlyStopping told{.patience = 1, .monitor = "r2", .higher_is_better = true};
  CHECK(train_by({"r2", {1, 2, 3, 2, 5}}, told).epochs == 4);
  train::EarlyStopping absent{.monitor = "val_accuracy"};
  CHECK_THROWS_WITH_AS(train_by({"r2", {1, 2, 3, 4, 5}}, absent),
                       "[EarlyStopping] expected one of \"loss\", \"r2\", got \"val_accuracy\"",
                       Error);
}

TEST_CASE("early stopping takes any number for better than NaN") {
  train::EarlyStopping stopping{.patience = 2, .monitor = "my_error"};
  const Outcome outcome = train_by({"my_error", {std::nan(""), 2, std::nan(""), 1}}, stopping, 4);
  CHECK(outcome.epochs == 4);
  CHECK(stopping.best_epoch == 4);
}

TEST_CASE("early stopping looks at the validation data first, and begins anew with each run") {
  nn::Linear model{3, 3};
  train::EarlyStopping stopping{.patience = 4};
  const auto fit = [&](double lr, const train::Data& validation) {
    return train::fit(model, points(),
                      {.optimizer = optim::SGD{nn::parameters(model), {.lr = lr}},
                       .epochs = 6,
                       .validation = validation,
                       .callbacks = {stopping},
                       .verbose = silent});
  };
  const train::History history = fit(0.5, {});
  CHECK(stopping.best_epoch == 6);
  CHECK(stopping.best == history["loss"].back());
  CHECK(stopping.best_state.size() == 2);

  // What was best before is another story.
  CHECK(fit(0, points()).epochs() == 5);
  CHECK(stopping.best_epoch == 1);
  CHECK(fit(0.5, points())["val_loss"].back() == stopping.best);
}

TEST_CASE("early stopping refuses what could never stop, or never go on") {
  train::EarlyStopping odd{.patience = -1};
  CHECK_THROWS_WITH_AS(train_by({"my_error", {1, 1, 1, 1, 1}}, odd),
                       "[EarlyStopping] expected patience >= 0, got -1", Error);
  for (const double min_delta : {-1.0, std::nan(""), HUGE_VAL}) {
    train::EarlyStopping stopping{.min_delta = min_delta};
    CHECK_THROWS_WITH_AS(
        train_by({"my_error", {1, 1, 1, 1, 1}}, stopping),
        doctest::Contains("[EarlyStopping] expected a finite min_delta of at least 0, got "),
        Error);
  }
}
