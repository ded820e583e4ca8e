#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "reel/autograd/random.h"
#include "reel/io/io.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/train.h"
#include "support/temp_folder.h"

using namespace reel;
using testing::TempFolder;

namespace {

constexpr auto silent = train::Verbose::none;

/// A number that takes these values, by the epoch, whichever run it is in.
struct Script {
  std::vector<double> values;
  std::size_t next = 0;

  void update(const Tensor&, const Tensor&) {}
  double value() const { return values[next - 1]; }
  void reset() { ++next; }
  std::string name() const { return "my_error"; }
};

const std::vector<double> errors{5, 3, 4, 4, 2, 3, 3, 3, 9, 9};

/// A model with all that trains it, made anew as another program would.
struct Program {
  nn::Linear model;
  optim::SGD sgd;
  optim::CosineAnnealingLR cosine;
  optim::ReduceLROnPlateau plateau;
  train::EarlyStopping stopping{.patience = 3, .monitor = "my_error"};
  train::ModelCheckpoint best;
  std::vector<train::Callback> callbacks;

  explicit Program(const TempFolder& folder)
      : model((manual_seed(4), nn::Linear{3, 2})),
        sgd(nn::parameters(model), {.lr = 0.5, .momentum = 0.9}),
        cosine(sgd, {.T_max = 20}),
        plateau(sgd, {.factor = 0.7, .patience = 1}),
        best{
            .filename = folder / "best.safetensors", .save_best_only = true, .monitor = "my_error"},
        callbacks{stopping, best, train::LRScheduler{cosine, train::Every::batch},
                  train::LRScheduler{.scheduler = plateau, .monitor = "my_error"},
                  train::ClipGradNorm{}} {}

  train::History fit(
      Size from, Size to, const train::Callback& last = [](train::Run&) {}) {
    std::vector<train::Callback> all = callbacks;
    all.push_back(last);
    manual_seed(1);
    const Tensor x = randn({12, 3});
    const Tensor y = x.sum(1).gt(0).to(int64);
    return train::fit(model, TensorDataset(x, y),
                      {.metrics = {Script{errors, static_cast<std::size_t>(from)}},
                       .optimizer = sgd,
                       .epochs = to,
                       .batch_size = 5,
                       .seed = 11,
                       .initial_epoch = from,
                       .callbacks = all,
                       .verbose = silent});
  }
};

}  // namespace

TEST_CASE("a run that goes on after a break ends as one that was never stopped") {
  const TempFolder whole_folder;
  Program whole(whole_folder);
  const train::History history = whole.fit(0, 10);
  CHECK(history.epochs() == 8);  // the fifth was the best, and three without a better one followed
  CHECK(whole.stopping.best_epoch == 5);

  for (const Size stop : {1, 3, 5, 7}) {
    CAPTURE(stop);
    const TempFolder folder;
    {
      Program first(folder);
      first.fit(0, 10, [&](train::Run& run) {
        if (run.epoch() != stop) return;
        io::save(run.state_dict(), folder / "model.safetensors");
        io::save(run.optimizer(), folder / "optimizer.safetensors");
        io::save(train::state_dict(first.callbacks), folder / "callbacks.safetensors");
        run.stop();
      });
    }
    Program second(folder);
    io::load(second.model, folder / "model.safetensors");
    io::load(second.sgd, folder / "optimizer.safetensors");
    train::load_state_dict(second.callbacks, io::load_state_dict(folder / "callbacks.safetensors"));
    const train::History rest = second.fit(stop, 10);
    CHECK(rest.epochs() == history.epochs() - stop);
    CHECK(second.model.weight.eq(whole.model.weight).all().item<bool>());
    CHECK(second.model.bias.eq(whole.model.bias).all().item<bool>());
    for (const char* series : {"loss", "lr"}) {
      const std::vector<double>& all = history[series];
      CHECK(rest[series] == std::vector<double>(all.begin() + stop, all.end()));
    }
    CHECK(second.stopping.best == whole.stopping.best);
    CHECK(second.stopping.best_epoch == whole.stopping.best_epoch);
    CHECK(second.best.best_epoch == whole.best.best_epoch);
    CHECK(second.cosine.last_epoch() == whole.cosine.last_epoch());
    CHECK(second.plateau.best() == whole.plateau.best());
    nn::Linear kept{3, 2};
    io::load(kept, folder / "best.safetensors");
    CHECK(kept.weight.eq(whole.model.weight).all().item<bool>());
  }
}

TEST_CASE("a loaded state is for the next run, those after it begin anew") {
  const TempFolder folder;
  Program program(folder);
  program.fit(0, 8);
  CHECK(program.stopping.best == 2);
  const StateDict state = train::state_dict(program.callbacks);
  program.fit(0, 1);
  CHECK(program.stopping.best == 5);
  train::load_state_dict(program.callbacks, state);
  program.fit(5, 6);
  CHECK(program.stopping.best == 2);
  CHECK(program.best.best_epoch == 5);
  program.fit(5, 6);
  CHECK(program.stopping.best == 3);
}

TEST_CASE("states that are of other callbacks are refused") {
  const TempFolder folder;
  Program program(folder);
  const std::vector<train::Callback> stateless{train::ClipGradNorm{}, [](train::Run&) {}};
  CHECK(train::state_dict(stateless).empty());
  train::load_state_dict(stateless, {});
  CHECK_THROWS_WITH_AS(
      train::load_state_dict(stateless, {{"1.best", zeros({})}}),
      "[load_state_dict] expected no state for a callback that keeps none, got \"best\"", Error);
  for (const char* bad : {"2.best", "best", "01.best", "-1.best", "1", ""}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH_AS(train::load_state_dict(stateless, {{bad, zeros({})}}),
                         doctest::Contains("[load_state_dict] expected states of 2 callbacks, got"),
                         Error);
  }
  CHECK_THROWS_WITH_AS(program.stopping.load_state_dict({{"best", zeros({})}}),
                       "[load_state_dict] expected an entry \"best_epoch\" for EarlyStopping, got "
                       "none",
                       Error);
  CHECK_THROWS_WITH_AS(
      program.stopping.load_state_dict({{"best", zeros({})}, {"best_epoch", full({}, 1)}}),
      "[load_state_dict] expected entries \"best_state....\" to which .restore_best could go back, "
      "got none",
      Error);
  CHECK_FALSE(program.stopping.resumed);
  CHECK_THROWS_WITH_AS(
      program.best.load_state_dict(
          {{"best", zeros({})}, {"best_epoch", zeros({})}, {"wait", zeros({})}}),
      "[load_state_dict] expected only entries of ModelCheckpoint, got also \"wait\"", Error);
}
