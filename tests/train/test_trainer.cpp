#include "reel/train/trainer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "reel/autograd/random.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"
#include "reel/train/metrics/metrics.h"

using namespace reel;

namespace {

constexpr auto silent = train::Verbose::none;

struct Problem {
  Tensor x, y;
  explicit Problem(Size samples = 20) {
    manual_seed(3);
    x = randn({samples, 2});
    y = matmul(x, tensor({{2.0}, {-1.0}})) + 0.5;
  }
  TensorDataset<2> set() const { return TensorDataset(x, y); }
};

bool same(const Tensor& a, const Tensor& b) { return a.eq(b).all().item<bool>(); }

}  // namespace

TEST_CASE("what a model is trained for is said once") {
  const Problem problem;
  nn::Linear model{2, 1};
  train::Trainer trainer{model,
                         {.loss = nn::MSELoss{},
                          .metrics = {train::MeanAbsoluteError{}, train::MeanSquaredError{}},
                          .optimizer = optim::SGD{nn::parameters(model), {.lr = 0.1}}}};
  const auto history =
      trainer.fit(problem.set(), {.epochs = 60, .validation = problem.set(), .verbose = silent});
  CHECK(history.names() ==
        std::vector<std::string>{"loss", "mean_absolute_error", "mean_squared_error", "val_loss",
                                 "val_mean_absolute_error", "val_mean_squared_error", "seconds"});
  CHECK(history["loss"].back() < 1e-4);
  const auto result = trainer.evaluate(problem.set(), {.verbose = silent});
  CHECK(result.samples == 20);
  CHECK(result["loss"] == doctest::Approx(result["mean_squared_error"]).epsilon(1e-6));
  CHECK(result["mean_absolute_error"] == history["val_mean_absolute_error"].back());
  CHECK(same(trainer.predict(problem.x), train::predict(model, problem.x)));
  CHECK(same(trainer.predict(problem.set(), {.batch_size = 3}), trainer.predict(problem.x)));
  // With and without a metric of the name the means are those of all samples, not of the batches.
  CHECK(history["mean_squared_error"][0] == doctest::Approx(history["loss"][0]).epsilon(1e-5));
}

TEST_CASE("two tensors are data") {
  const Problem problem;
  nn::Linear a{2, 1};
  nn::Linear b = nn::clone(a);
  const train::TrainerOptions for_numbers{.loss = nn::MSELoss{}};
  train::Trainer by_tensors{a, for_numbers}, by_set{b, for_numbers};
  by_tensors.fit(problem.x, problem.y,
                 {.seed = 1, .validation = {problem.x, problem.y}, .verbose = silent});
  by_set.fit(problem.set(), {.seed = 1, .verbose = silent});
  CHECK(same(a.weight, b.weight));
  CHECK(by_tensors.evaluate(problem.x, problem.y, {.verbose = silent})["loss"] ==
        by_set.evaluate(problem.set(), {.verbose = silent})["loss"]);
  train::fit(a, problem.x, problem.y, {.loss = nn::MSELoss{}, .seed = 2, .verbose = silent});
  CHECK(train::evaluate(a, problem.x, problem.y, {.loss = nn::MSELoss{}, .verbose = silent})
            .samples == 20);
  CHECK_THROWS_WITH_AS(
      by_tensors.fit(problem.x, problem.y.narrow(0, 0, 3)),
      doctest::Contains("[TensorDataset] expected tensors of equal first dimension"), Error);
}

TEST_CASE("a second run goes on with the same optimizer") {
  const Problem problem;
  nn::Linear in_two{2, 1};
  nn::Linear in_one = nn::clone(in_two);
  const train::RunOptions epoch{.shuffle = false, .verbose = silent};
  train::Trainer trainer{in_two, {.loss = nn::MSELoss{}}};
  trainer.fit(problem.set(), epoch);
  CHECK(trainer.optimizer().state_dict().at("state.0.step").item() == 1);
  trainer.fit(problem.set(), epoch);
  train::fit(in_one, problem.set(),
             {.loss = nn::MSELoss{}, .epochs = 2, .shuffle = false, .verbose = silent});
  CHECK(same(in_two.weight, in_one.weight));

  train::Trainer fresh{in_one};
  CHECK(fresh.optimizer().lr() == 1e-3);
  nn::Flatten nothing;
  train::Trainer empty{nothing};
  CHECK_THROWS_WITH_AS(static_cast<void>(empty.optimizer()),
                       doctest::Contains("[fit] expected a model with parameters to train"), Error);
}

TEST_CASE("a run in two parts is the run in one, orders and epoch numbers included") {
  const Problem problem;
  nn::Linear in_two{2, 1};
  nn::Linear in_one = nn::clone(in_two);
  train::Trainer parts{in_two, {.loss = nn::MSELoss{}}}, whole{in_one, {.loss = nn::MSELoss{}}};
  parts.fit(problem.set(), {.epochs = 2, .batch_size = 4, .seed = 7, .verbose = silent});
  std::vector<Size> epochs;
  const auto history = parts.fit(
      problem.set(), {.epochs = 5,
                      .batch_size = 4,
                      .seed = 7,
                      .initial_epoch = 2,
                      .callbacks = {[&](train::Run& run) { epochs.push_back(run.epoch()); }},
                      .verbose = silent});
  whole.fit(problem.set(), {.epochs = 5, .batch_size = 4, .seed = 7, .verbose = silent});
  CHECK(same(in_two.weight, in_one.weight));
  CHECK(epochs == std::vector<Size>{3, 4, 5});
  CHECK(history.first_epoch() == 3);
  CHECK(history.epochs() == 3);
  CHECK(parts.fit(problem.set(), {.epochs = 5, .initial_epoch = 5, .verbose = silent}).epochs() ==
        0);
  CHECK_THROWS_WITH_AS(parts.fit(problem.set(), {.initial_epoch = -1, .verbose = silent}),
                       "[fit] expected initial_epoch >= 0, got -1", Error);
}

TEST_CASE("a loader makes the batches, and goes on where it stands") {
  const Problem problem;
  nn::Linear a{2, 1};
  nn::Linear b = nn::clone(a);
  DataLoader loader{problem.set(),
                    {.batch_size = 6, .shuffle = true, .seed = 5, .drop_last = true}};
  train::Trainer trainer{a, {.loss = nn::MSELoss{}}};
  std::vector<Size> steps;
  const auto count = [&](train::Run& run) { steps.push_back(run.step()); };
  trainer.fit(loader, {.epochs = 2, .callbacks = {count}, .verbose = silent});
  CHECK(steps == std::vector<Size>{3, 3});
  CHECK(loader.epoch() == 2);
  train::fit(b, problem.set(),
             {.loss = nn::MSELoss{},
              .epochs = 2,
              .batch_size = 6,
              .drop_last = true,
              .seed = 5,
              .verbose = silent});
  CHECK(same(a.weight, b.weight));

  // One made in place is kept; of one that may not be changed a copy is used.
  const DataLoader constant{problem.set(), {.batch_size = 7}};
  trainer.fit(constant, {.verbose = silent});
  CHECK(constant.epoch() == 0);
  trainer.fit(DataLoader{problem.set(), {.batch_size = 7}},
              {.validation = loader, .verbose = silent});
  CHECK(loader.epoch() == 3);
  CHECK(trainer.evaluate(constant, {.verbose = silent}).samples == 20);
  CHECK(trainer.evaluate(loader, {.verbose = silent}).samples == 18);  // without the dropped ones
  CHECK(same(trainer.predict(constant), trainer.predict(problem.x)));
}

TEST_CASE("options that a loader has itself are refused beside it") {
  const Problem problem;
  nn::Linear model{2, 1};
  DataLoader loader{problem.set(), {.batch_size = 4}};
  train::Trainer trainer{model, {.loss = nn::MSELoss{}}};
  const auto check_refused = [&](train::RunOptions options, const std::string& name) {
    options.verbose = silent;
    CHECK_THROWS_WITH_AS(trainer.fit(loader, options),
                         ("[fit] expected no ." + name +
                          " beside a DataLoader, which makes the batches by its own options")
                             .c_str(),
                         Error);
  };
  check_refused({.batch_size = 32}, "batch_size");
  check_refused({.shuffle = true}, "shuffle");
  check_refused({.drop_last = true}, "drop_last");
  check_refused({.seed = 1}, "seed");
  CHECK_THROWS_WITH_AS(
      trainer.evaluate(loader, {.batch_size = 8}),
      "[evaluate] expected no .batch_size beside a DataLoader, which makes the batches by its own "
      "options",
      Error);
  DataLoader shuffled{problem.set(), {.shuffle = true}};
  CHECK_THROWS_WITH_AS(trainer.predict(shuffled),
                       doctest::Contains("[predict] expected a loader that keeps the order"),
                       Error);
  DataLoader none{problem.set(), {.batch_size = 21, .drop_last = true}};
  CHECK_THROWS_WITH_AS(trainer.fit(none, {.verbose = silent}),
                       "[fit] expected at least 21 samples, a whole batch, with drop_last, got 20",
                       Error);
  CHECK_THROWS_WITH_AS(trainer.evaluate(none, {.verbose = silent}),
                       "[evaluate] expected at least one batch, got a loader of none", Error);
  CHECK_THROWS_WITH_AS(trainer.predict(none),
                       "[predict] expected at least one batch, got a loader of none", Error);
}

TEST_CASE("a model of two inputs trains on batches of three tensors") {
  struct Net {
    nn::Linear left{2, 1}, right{3, 1};
    Tensor operator()(const Tensor& a, const Tensor& b) const { return left(a) + right(b); }
  } net;
  manual_seed(2);
  const Tensor a = randn({30, 2}), b = randn({30, 3});
  const Tensor y = a.sum(1).unsqueeze(1) - b.sum(1).unsqueeze(1);
  const TensorDataset set(a, b, y);
  train::Trainer trainer{
      net, {.loss = nn::MSELoss{}, .optimizer = optim::SGD{nn::parameters(net), {.lr = 0.1}}}};
  CHECK(trainer.fit(set, {.epochs = 100, .verbose = silent})["loss"].back() < 1e-4);
  CHECK(trainer.evaluate(set, {.verbose = silent})["loss"] < 1e-4);
  const NoGradGuard no_grad;
  CHECK(same(trainer.predict(set, {.batch_size = 7}), net(a, b)));
  CHECK(same(trainer.predict(TensorDataset(a, b)), net(a, b)));

  nn::Linear narrow{2, 1};
  CHECK_THROWS_WITH_AS(
      train::fit(narrow, set, {.loss = nn::MSELoss{}, .verbose = silent}),
      "[fit] expected a model that takes the 2 inputs of a batch, whose last tensor are the "
      "targets, got one that takes 1",
      Error);
  CHECK_THROWS_WITH_AS(
      train::predict(net, TensorDataset(a)),
      "[predict] expected a model that takes the 1 input of a batch, got one that takes 2", Error);
  CHECK_THROWS_WITH_AS(
      train::predict(net, a),
      "[predict] expected a model that takes the 1 input of a batch, got one that takes 2", Error);
}

TEST_CASE("a model that takes one input or two is given what the batch has") {
  struct Either {
    nn::Linear fc{2, 1};
    Tensor operator()(const Tensor& a) const { return fc(a); }
    Tensor operator()(const Tensor& a, const Tensor& b) const { return fc(a + b); }
  } net;
  const Problem problem;
  const NoGradGuard no_grad;
  CHECK(same(train::predict(net, problem.x), net(problem.x)));
  CHECK(same(train::predict(net, TensorDataset(problem.x, problem.x)), net(problem.x, problem.x)));
  train::fit(net, TensorDataset(problem.x, problem.x, problem.y),
             {.loss = nn::MSELoss{}, .verbose = silent});
}

TEST_CASE("metrics need names of their own") {
  const Problem problem;
  nn::Linear model{2, 1};
  struct Named {
    std::string called;
    void update(const Tensor&, const Tensor&) {}
    double value() const { return 0; }
    void reset() {}
    std::string name() const { return called; }
  };
  for (const char* name : {"loss", "seconds", "val_loss", ""}) {
    CHECK_THROWS_WITH_AS(
        train::evaluate(model, problem.set(), {.loss = nn::MSELoss{}, .metrics = {Named{name}}}),
        doctest::Contains("[evaluate] expected metrics with names of their own"), Error);
  }
  CHECK_THROWS_WITH_AS(
      train::fit(model, problem.set(),
                 {.loss = nn::MSELoss{}, .metrics = {Named{"r2"}, Named{"r2"}}}),
      "[fit] expected metrics with names of their own, beside loss, seconds and val_..., got "
      "\"r2\" twice",
      Error);
}

TEST_CASE("metrics that were chosen replace the accuracy, and do not depend on the batches") {
  manual_seed(6);
  nn::Linear model{2, 3};
  const TensorDataset set(randn({50, 2}), randint(3, {50}));
  std::vector<double> values;
  for (const Size batch_size : {1, 7, 50}) {
    train::F1Score f1;
    const auto result = train::evaluate(model, set,
                                        {.metrics = {f1, train::TopKAccuracy{.k = 2}},
                                         .batch_size = batch_size,
                                         .verbose = silent});
    CHECK_FALSE(result.contains("accuracy"));
    CHECK(f1.per_class().size() == 3);
    CHECK(f1.value() == result["f1_score"]);
    values.push_back(result["f1_score"]);
    values.push_back(result["top_2_accuracy"]);
  }
  CHECK(values[0] == values[2]);
  CHECK(values[0] == values[4]);
  CHECK(values[1] == values[3]);
  CHECK(values[1] == values[5]);
}
