#include "reel/train/callbacks/lr_scheduler.h"

#include <doctest/doctest.h>

#include <vector>

#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"

using namespace reel;
using train::Run;

namespace {

constexpr auto silent = train::Verbose::none;

TensorDataset<2> points() { return TensorDataset(eye(4), tensor({0, 1, 2, 3})); }

}  // namespace

TEST_CASE("a schedule of optim goes on by epochs or by batches") {
  for (const train::Every every : {train::Every::epoch, train::Every::batch}) {
    nn::Linear model{4, 4};
    optim::SGD sgd{nn::parameters(model), {.lr = 1.0}};
    optim::StepLR halve{sgd, {.step_size = 1, .gamma = 0.5}};
    std::vector<double> rates;
    const train::LambdaCallback look{
        .backward_end = [&](Run& run) { rates.push_back(run.optimizer().lr()); }};
    const auto history = train::fit(model, points(),
                                    {.optimizer = sgd,
                                     .epochs = 2,
                                     .batch_size = 2,
                                     .callbacks = {train::LRScheduler{halve, every}, look},
                                     .verbose = silent});
    const bool by_epoch = every == train::Every::epoch;
    CHECK(rates == (by_epoch ? std::vector<double>{1, 1, 0.5, 0.5}
                             : std::vector<double>{1, 0.5, 0.25, 0.125}));
    CHECK(history["lr"] ==
          (by_epoch ? std::vector<double>{1, 0.5} : std::vector<double>{0.5, 0.125}));
    CHECK(halve.last_epoch() == (by_epoch ? 2 : 4));
  }
}

TEST_CASE("a schedule of a plateau is told the number of the epoch") {
  nn::Linear model{4, 4};
  optim::SGD sgd{nn::parameters(model), {.lr = 0.0}};  // nothing gets better
  sgd.set_lr(1e-12);
  optim::ReduceLROnPlateau plateau{sgd, {.factor = 0.5, .patience = 0, .threshold = 0.1, .eps = 0}};
  train::LRScheduler callback{.scheduler = plateau};
  const auto fit = [&](const train::Data& validation) {
    return train::fit(model, points(),
                      {.optimizer = sgd,
                       .epochs = 3,
                       .validation = validation,
                       .callbacks = {callback},
                       .verbose = silent});
  };
  auto history = fit({});
  CHECK(history["lr"] == std::vector<double>{1e-12, 1e-12, 0.5e-12});
  CHECK(plateau.best() == history["loss"][0]);
  history = fit(TensorDataset(zeros({1, 4}), tensor({0})));
  CHECK(plateau.best() == doctest::Approx(history["val_loss"][0]).epsilon(0.2));
  callback.monitor = "acuracy";
  CHECK_THROWS_WITH_AS(
      fit({}), "[LRScheduler] expected one of \"loss\", \"accuracy\", \"lr\", got \"acuracy\"",
      Error);
}

TEST_CASE("a schedule of another optimizer, or of batches where epochs count, is refused") {
  nn::Linear model{4, 4};
  optim::SGD sgd{nn::parameters(model), {.lr = 1.0}}, other{nn::parameters(model), {.lr = 1.0}};
  optim::StepLR step{other, {.step_size = 1}};
  optim::ReduceLROnPlateau plateau{sgd};
  const auto fit = [&](const train::LRScheduler& callback) {
    train::fit(model, points(), {.optimizer = sgd, .callbacks = {callback}, .verbose = silent});
  };
  CHECK_THROWS_WITH_AS(
      fit({step}),
      "[LRScheduler] expected a schedule of the optimizer that trains the model, got one of "
      "another SGD\nhelp: give the run that optimizer, by its name",
      Error);
  CHECK_THROWS_WITH_AS(fit({plateau, train::Every::batch}),
                       "[LRScheduler] expected .every = Every::epoch for ReduceLROnPlateau, which "
                       "looks at an epoch's numbers, got Every::batch",
                       Error);
}
