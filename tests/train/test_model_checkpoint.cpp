#include "reel/train/callbacks/model_checkpoint.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "reel/io/load.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"
#include "support/script.h"
#include "support/temp_folder.h"

using namespace reel;
using testing::Script;
using testing::TempFolder;

namespace {

constexpr auto silent = train::Verbose::none;

struct Shift {
  nn::Parameter by = zeros({1});
  Tensor operator()(const Tensor& x) const { return x + by; }
};

/// Trains by a fixed step of 1 an epoch: after epoch 3 the parameter is 3.
void train_by(const Script& script, train::ModelCheckpoint& checkpoint) {
  Shift model;
  const auto fall = [](const Tensor& outputs, const Tensor&) { return -outputs.sum(); };
  train::fit(model, zeros({1, 1}), zeros({1, 1}),
             {.loss = fall,
              .metrics = {script},
              .optimizer = optim::SGD{nn::parameters(model), {.lr = 1.0}},
              .epochs = static_cast<Size>(script.values.size()),
              .callbacks = {checkpoint},
              .verbose = silent});
}

double saved_in(const std::string& path) {
  Shift model;
  io::load(model, path);
  return model.by.item();
}

}  // namespace

TEST_CASE(
    "a checkpoint is written after each epoch, over the one before unless it is named by it") {
  const TempFolder folder;
  train::ModelCheckpoint last{.filename = folder / "last.safetensors"};
  train_by({"my_error", {1, 2, 3}}, last);
  CHECK(saved_in(last.last_file) == 3);
  CHECK(folder.entries() == 1);

  train::ModelCheckpoint each{.filename = folder / "{epoch}/of-{epoch}.npz", .save_freq = 2};
  folder.write("1/x", "");
  folder.write("2/x", "");
  folder.write("4/x", "");
  train_by({"my_error", {1, 2, 3, 4, 5}}, each);
  CHECK(each.last_file == folder / "4/of-4.npz");
  CHECK(saved_in(folder / "2/of-2.npz") == 2);
  CHECK(saved_in(folder / "4/of-4.npz") == 4);
  CHECK_FALSE(std::filesystem::exists(folder / "1/of-1.npz"));
}

TEST_CASE("the best checkpoint is kept, whichever way the number should go") {
  const TempFolder folder;
  const std::string path = folder / "best.safetensors";
  train::ModelCheckpoint low{.filename = path, .save_best_only = true, .monitor = "my_error"};
  train_by({"my_error", {3, std::nan(""), 1, 1, 2}}, low);
  CHECK(saved_in(path) == 3);
  CHECK(low.best == 1);
  CHECK(low.best_epoch == 3);
  train::ModelCheckpoint high{.filename = path, .save_best_only = true, .monitor = "my_accuracy"};
  train_by({"my_accuracy", {std::nan(""), 0.5, 0.25}}, high);
  CHECK(saved_in(path) == 2);
  train::ModelCheckpoint told{
      .filename = path, .save_best_only = true, .monitor = "my_error", .higher_is_better = true};
  train_by({"my_error", {3, 1, 4, 1}}, told);
  CHECK(saved_in(path) == 3);
  train_by({"my_error", {1, 2}}, told);  // begins anew
  CHECK(saved_in(path) == 2);
}

TEST_CASE("a checkpoint that could not be written is told before the first epoch") {
  const TempFolder folder;
  train::ModelCheckpoint never{.filename = folder / "x.npz", .save_freq = 0};
  CHECK_THROWS_WITH_AS(train_by({"my_error", {1}}, never),
                       "[ModelCheckpoint] expected save_freq > 0, got 0", Error);
  train::ModelCheckpoint nowhere{.filename = folder / "missing/x.npz", .save_freq = 9};
  CHECK_THROWS_WITH_AS(train_by({"my_error", {1}}, nowhere),
                       doctest::Contains("[ModelCheckpoint] "), Error);
  train::ModelCheckpoint unknown{
      .filename = folder / "x.npz", .save_best_only = true, .monitor = "r2"};
  CHECK_THROWS_WITH_AS(train_by({"r2", {1}}, unknown),
                       "[ModelCheckpoint] expected .higher_is_better for \"r2\", of which only its "
                       "author knows",
                       Error);
  CHECK(folder.entries() == 0);
}
