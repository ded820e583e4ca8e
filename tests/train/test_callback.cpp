#include "reel/train/callback.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"

using namespace reel;
using train::Run;

namespace {

constexpr auto silent = train::Verbose::none;

TensorDataset<2> points(Size samples = 3) {
  std::vector<std::int64_t> classes;
  for (Size i = 0; i < samples; ++i) classes.push_back(i % 3);
  const Tensor targets = tensor(classes);
  return TensorDataset(eye(3).index_select(0, targets), targets);
}

/// Writes down every station that it sees.
struct Diary {
  std::vector<std::string> lines = {};

  void note(const char* station, const Run& run) {
    lines.push_back(station + std::string(" ") + std::to_string(run.epoch()) + " " +
                    std::to_string(run.step()));
  }
  void fit_begin(Run& run) { note("fit_begin", run); }
  void epoch_begin(Run& run) { note("epoch_begin", run); }
  void batch_begin(Run& run) { note("batch_begin", run); }
  void backward_end(Run& run) { note("backward_end", run); }
  void batch_end(Run& run) { note("batch_end", run); }
  void epoch_end(Run& run) { note("epoch_end", run); }
  void fit_end(Run& run) { note("fit_end", run); }
};

}  // namespace

TEST_CASE("callbacks see the stations of a run in their order") {
  nn::Linear model{3, 3};
  Diary diary;
  train::fit(model, points(),
             {.epochs = 2, .batch_size = 2, .callbacks = {diary}, .verbose = silent});
  const std::vector<std::string> expected{"fit_begin 0 0",    "epoch_begin 1 0", "batch_begin 1 1",
                                          "backward_end 1 1", "batch_end 1 1",   "batch_begin 1 2",
                                          "backward_end 1 2", "batch_end 1 2",   "epoch_end 1 2",
                                          "epoch_begin 2 0",  "batch_begin 2 1", "backward_end 2 1",
                                          "batch_end 2 1",    "batch_begin 2 2", "backward_end 2 2",
                                          "batch_end 2 2",    "epoch_end 2 2",   "fit_end 2 2"};
  CHECK(diary.lines == expected);
}

TEST_CASE("between backward and step the gradients are there and the parameters as before") {
  nn::Linear model{3, 3};
  optim::SGD sgd{nn::parameters(model), {.lr = 0.5}};
  const Tensor before = model.bias.detach().clone();
  Tensor gradient;
  int moved = 0;
  train::LambdaCallback look{
      .backward_end =
          [&](Run& run) {
            REQUIRE(run.parameters().size() == 2);
            CHECK(run.parameters()[1].first == "bias");
            CHECK(run.parameters()[1].second.is_same(model.bias));
            gradient = model.bias.grad().clone();
            CHECK(model.bias.eq(before).all().item<bool>());
            model.weight.grad().fill_(0);  // what is done to a gradient the step sees
          },
      .batch_end =
          [&](Run& run) {
            CHECK(run.loss() > 0);
            CHECK(model.bias.eq(before - 0.5 * gradient).all().item<bool>());
            ++moved;
          }};
  const Tensor weight = model.weight.detach().clone();
  train::fit(model, points(), {.optimizer = sgd, .callbacks = {look}, .verbose = silent});
  CHECK(moved == 1);
  CHECK(model.weight.eq(weight).all().item<bool>());
}

TEST_CASE("a run tells where it stands, and its history grows") {
  nn::Linear model{3, 3};
  std::vector<double> losses;
  std::vector<train::Figures> ends;
  train::LambdaCallback look{
      .batch_end =
          [&](Run& run) {
            losses.push_back(run.loss());
            CHECK(run.steps() == 2);
            CHECK(run.epochs() == 3);
            CHECK(run.steps_done() == static_cast<Size>(losses.size()) - 1);
            CHECK(run.history().epochs() == run.epoch() - 1);
            CHECK_FALSE(run.figures().contains("val_loss"));
          },
      .epoch_end =
          [&](Run& run) {
            ends.push_back(run.figures());
            CHECK(run.history().epochs() == run.epoch());
            CHECK(run.history()["loss"].back() == run.figures()["loss"]);
            CHECK(run.state_dict().at("weight").impl().data == model.weight.impl().data);
          }};
  const auto history = train::fit(model, points(4),
                                  {.epochs = 3,
                                   .batch_size = 2,
                                   .validation = points(),
                                   .callbacks = {look},
                                   .verbose = silent});
  REQUIRE(ends.size() == 3);
  CHECK(ends[1]["val_accuracy"] == history["val_accuracy"][1]);
  CHECK(history["loss"][1] == doctest::Approx((losses[2] + losses[3]) / 2));
}

TEST_CASE("a function is called after each epoch") {
  nn::Linear model{3, 3};
  std::vector<Size> seen;
  train::fit(model, points(),
             {.epochs = 2,
              .callbacks = {[&](const Run& run) { seen.push_back(run.epoch()); }},
              .verbose = silent});
  CHECK(seen == std::vector<Size>{1, 2});
}

TEST_CASE("a callback made in place is kept, even one that can only be moved") {
  nn::Linear model{3, 3};
  auto count = std::make_unique<int>(0);
  int* const seen = count.get();
  struct Constant {
    int* calls;
    void operator()(const Run&) const { ++*calls; }
  };
  const Constant constant{seen};
  train::FitOptions options{.epochs = 2, .verbose = silent};
  options.callbacks.push_back([own = std::move(count)](Run&) { ++*own; });
  options.callbacks.push_back(constant);
  train::fit(model, points(), options);
  CHECK(*seen == 4);
}

TEST_CASE("what a callback logs stands in the history and in the figures") {
  nn::Linear model{3, 3};
  std::vector<std::string> shown;
  const auto late = [](Run& run) {
    if (run.epoch() == 2) run.log("late", 7);
  };
  const auto show = [&](Run& run) {
    for (const train::Figure& figure : run.figures()) shown.push_back(figure.name);
  };
  train::LambdaCallback early{
      .epoch_begin = [](Run& run) { run.log("early", 10.0 * static_cast<double>(run.epoch())); }};
  const auto history = train::fit(
      model, points(), {.epochs = 3, .callbacks = {early, late, show}, .verbose = silent});
  CHECK(history.names() ==
        std::vector<std::string>{"loss", "accuracy", "early", "seconds", "late"});
  CHECK(history["early"] == std::vector<double>{10, 20, 30});
  CHECK(std::isnan(history["late"][0]));
  CHECK(history["late"][1] == 7);
  CHECK(std::isnan(history["late"][2]));
  CHECK(shown == std::vector<std::string>{"loss", "accuracy", "early", "loss", "accuracy", "early",
                                          "late", "loss", "accuracy", "early"});
  for (const char* name : {"loss", "accuracy", "seconds", "val_mine", ""}) {
    CAPTURE(name);
    CHECK_THROWS_WITH_AS(
        train::fit(model, points(),
                   {.callbacks = {[&](Run& run) { run.log(name, 1); }}, .verbose = silent}),
        (std::string("[log] expected a name that fit does not use itself, got \"") + name + "\"")
            .c_str(),
        Error);
  }
  // Also before the first batch has shown that accuracy is counted.
  train::LambdaCallback first{.epoch_begin = [](Run& run) { run.log("accuracy", 1); }};
  CHECK_THROWS_WITH_AS(train::fit(model, points(), {.callbacks = {first}, .verbose = silent}),
                       "[log] expected a name that fit does not use itself, got \"accuracy\"",
                       Error);
  // Where it is not, the name is free.
  train::LambdaCallback later{.batch_end = [](Run& run) { run.log("accuracy", 1); }};
  const auto of_numbers = train::fit(
      model, eye(3), eye(3), {.loss = nn::MSELoss{}, .callbacks = {later}, .verbose = silent});
  CHECK(of_numbers["accuracy"] == std::vector<double>{1});
}

TEST_CASE("stop ends a run after the epoch, or after the batch, with a reason") {
  nn::Linear model{3, 3};
  Diary diary;
  std::string reason;
  const auto stop = [](Run& run) {
    if (run.epoch() == 2) run.stop("enough");
  };
  train::LambdaCallback last{.fit_end = [&](Run& run) {
    CHECK(run.stopped());
    reason = run.stop_reason();
  }};
  auto history = train::fit(model, points(),
                            {.epochs = 9, .callbacks = {stop, last, diary}, .verbose = silent});
  CHECK(history.epochs() == 2);
  CHECK(reason == "enough");

  // In the middle of an epoch: it is ended as any other.
  diary.lines.clear();
  train::LambdaCallback early{.batch_end = [](Run& run) { run.stop("after one batch"); }};
  history = train::fit(model, points(),
                       {.epochs = 9,
                        .batch_size = 1,
                        .validation = points(),
                        .callbacks = {early, diary, last},
                        .verbose = silent});
  CHECK(history.epochs() == 1);
  CHECK(history.contains("val_loss"));
  CHECK(reason == "after one batch");
  CHECK(diary.lines == std::vector<std::string>{"fit_begin 0 0", "epoch_begin 1 0",
                                                "batch_begin 1 1", "backward_end 1 1",
                                                "batch_end 1 1", "epoch_end 1 1", "fit_end 1 1"});

  train::LambdaCallback second{.epoch_begin = [](Run& run) {
    if (run.epoch() == 2) run.stop();
  }};
  diary.lines.clear();
  CHECK(train::fit(model, points(), {.epochs = 3, .callbacks = {second, diary}, .verbose = silent})
            .epochs() == 1);
  CHECK(diary.lines.back() == "fit_end 1 0");

  train::LambdaCallback never{.fit_begin = [](Run& run) { run.stop(); }};
  CHECK(train::fit(model, points(), {.callbacks = {never}, .verbose = silent}).epochs() == 0);
}

TEST_CASE("a callback may change the rates and add a group") {
  nn::Sequential model{nn::Linear{3, 3}, nn::Linear{3, 3}};
  optim::SGD sgd{nn::parameters(model[0]), {.lr = 0.5}};
  const Tensor before = model.at<nn::Linear>(1).weight.detach().clone();
  std::vector<std::size_t> trained;
  const auto thaw = [&](Run& run) {
    trained.push_back(run.parameters().size());
    run.optimizer().set_lr(0.25);
    if (run.epoch() == 1) sgd.add_param_group({.parameters = nn::parameters(model[1])});
  };
  train::fit(model, points(),
             {.optimizer = sgd,
              .epochs = 2,
              .callbacks = {thaw},
              .verbose = silent,
              .on_warning = [](const std::string&) {}});
  CHECK(sgd.lr() == 0.25);
  CHECK(trained == std::vector<std::size_t>{2, 4});
  CHECK_FALSE(model.at<nn::Linear>(1).weight.eq(before).all().item<bool>());
}

TEST_CASE("an error in a callback ends the run, and modes are restored") {
  nn::Sequential model{nn::Linear{3, 3}, nn::Dropout{}};
  model.at<nn::Dropout>(1).training = false;
  const auto refuse = [](Run&) { throw Error("no more"); };
  CHECK_THROWS_WITH_AS(train::fit(model, points(), {.callbacks = {refuse}, .verbose = silent}),
                       "no more", Error);
  CHECK_FALSE(model.at<nn::Dropout>(1).training);
}
