#include "reel/train/callback.h"

#include <doctest/doctest.h>

#include "reel/autograd/ops.h"
#include "reel/nn/nn.h"
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
