#include "reel/train/callbacks/callbacks.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"
#include "support/temp_folder.h"

using namespace reel;
using testing::content_of;
using testing::TempFolder;
using train::Run;

namespace {

constexpr auto silent = train::Verbose::none;

TensorDataset<2> points() { return TensorDataset(eye(3), tensor({0, 1, 2})); }

}  // namespace

TEST_CASE("clipping shortens long gradients to the norm, before the step") {
  struct Two {
    nn::Parameter a = zeros({2}), b = zeros({1});
    Tensor operator()(const Tensor& x) const { return x * (a.sum() + b.sum()); }
  } model;
  // The gradient is [3, 3] for a and [3] for b.
  const auto sum = [](const Tensor& outputs, const Tensor&) { return outputs.sum(); };
  train::ClipGradNorm clip{.max_norm = 0.5};
  const auto fit = [&] {
    train::fit(model, full({1, 1}, 3.0), zeros({1, 1}),
               {.loss = sum,
                .optimizer = optim::SGD{nn::parameters(model), {.lr = 1.0}},
                .callbacks = {clip},
                .verbose = silent});
  };
  fit();
  CHECK(clip.last_norm == doctest::Approx(std::sqrt(27.0)));
  const double moved = std::sqrt(3.0) * std::abs(model.b.item());
  CHECK(moved == doctest::Approx(0.5).epsilon(1e-5));
  CHECK(model.a.detach()[0].item() == model.b.item());

  nn::Parameter& b = model.b;
  b.detach().fill_(0);
  clip.max_norm = 6;  // longer than the gradient, which stays as it is
  fit();
  CHECK(b.item() == -3);
  clip.max_norm = 0;
  CHECK_THROWS_WITH_AS(fit(), "[ClipGradNorm] expected max_norm > 0, got 0", Error);
}

TEST_CASE("a norm that is not finite ends the run before the step") {
  nn::Linear model{3, 3};
  const Tensor before = model.weight.detach().clone();
  train::LambdaCallback spoil{.backward_end = [&](Run&) {
    model.weight.grad().fill_(std::numeric_limits<double>::infinity());
  }};
  CHECK_THROWS_WITH_AS(
      train::fit(model, points(), {.callbacks = {spoil, train::ClipGradNorm{}}, .verbose = silent}),
      "[ClipGradNorm] expected gradients of finite norm, got inf in step 1 of epoch 1", Error);
  CHECK(model.weight.eq(before).all().item<bool>());
}

TEST_CASE("a schedule sets the rate by epochs or by steps, from 0") {
  nn::Linear model{3, 3};
  optim::SGD sgd{nn::parameters(model), {.lr = 9.0}};
  std::vector<double> rates;
  train::LambdaCallback look{.batch_end = [&](Run& run) { rates.push_back(run.optimizer().lr()); }};
  const auto fit = [&](train::LearningRateScheduler schedule, Size initial_epoch = 0) {
    rates.clear();
    return train::fit(model, points(),
                      {.optimizer = sgd,
                       .epochs = 2,
                       .batch_size = 2,
                       .initial_epoch = initial_epoch,
                       .callbacks = {schedule, look},
                       .verbose = silent});
  };
  const auto per_epoch = [](Size epoch) { return 1.0 / static_cast<double>(epoch + 1); };
  auto history = fit({.per_epoch = per_epoch});
  CHECK(rates == std::vector<double>{1, 1, 0.5, 0.5});
  CHECK(history["lr"] == std::vector<double>{1, 0.5});
  const auto per_step = [](Size step) { return static_cast<double>(step); };
  history = fit({.per_step = per_step});
  CHECK(rates == std::vector<double>{0, 1, 2, 3});
  CHECK(history["lr"] == std::vector<double>{1, 3});
  fit({.per_step = per_step}, 1);
  CHECK(rates == std::vector<double>{2, 3});

  CHECK_THROWS_WITH_AS(
      fit({.per_epoch =
               [](Size) {
                 return optim::PerGroup{1, 2};
               }}),
      "[LearningRateScheduler] expected one rate or one for each of 1 groups, got 2", Error);
  CHECK_THROWS_WITH_AS(
      fit({}), "[LearningRateScheduler] expected either .per_epoch or .per_step, got none", Error);
  CHECK_THROWS_WITH_AS(fit({.per_epoch = per_epoch, .per_step = per_step}),
                       "[LearningRateScheduler] expected either .per_epoch or .per_step, got both",
                       Error);
}

TEST_CASE("a schedule sets the rate of each group") {
  nn::Linear model{3, 3};
  optim::SGD sgd{{{{model.weight}, {.lr = 1}}, {{model.bias}, {.lr = 2}}}};
  const auto fit = [&](const train::LearningRateScheduler& schedule) {
    return train::fit(model, points(),
                      {.optimizer = sgd, .epochs = 2, .callbacks = {schedule}, .verbose = silent});
  };
  auto history = fit({.per_epoch = [](Size epoch) {
    const auto rate = static_cast<double>(epoch);
    return optim::PerGroup{rate, rate / 2};
  }});
  CHECK(history["lr.0"] == std::vector<double>{0, 1});
  CHECK(history["lr.1"] == std::vector<double>{0, 0.5});
  CHECK(sgd.lr(1) == 0.5);
  history = fit({.per_step = [](Size step) { return static_cast<double>(step + 3); }});
  CHECK(history["lr.0"] == std::vector<double>{3, 4});
  CHECK(history["lr.1"] == std::vector<double>{3, 4});
}

TEST_CASE("a log file has a row for each epoch, and is whole at any time") {
  const TempFolder folder;
  const std::string path = folder / "log.csv";
  nn::Linear model{3, 3};
  std::vector<std::size_t> lines;
  const auto count = [&](Run& run) {
    if (run.epoch() == 2) run.log("late", 0.25);
    std::istringstream text(content_of(path));
    lines.emplace_back();
    for (std::string line; std::getline(text, line);) ++lines.back();
  };
  const auto history = train::fit(
      model, points(),
      {.epochs = 3, .callbacks = {train::CSVLogger{.filename = path}, count}, .verbose = silent});
  CHECK(lines == std::vector<std::size_t>{2, 3, 4});
  std::istringstream text(content_of(path));
  std::string line;
  std::getline(text, line);
  CHECK(line == "epoch,loss,accuracy,seconds,late");
  std::getline(text, line);
  CHECK(line.starts_with("1," + fmt::format("{}", history["loss"][0]) + ","));
  CHECK(line.ends_with(",nan"));
  std::getline(text, line);
  CHECK(line.ends_with(",0.25"));
}

TEST_CASE("a log file quotes names that would be taken for several, and refuses such a separator") {
  const TempFolder folder;
  const std::string path = folder / "log.csv";
  nn::Linear model{3, 3};
  const auto log = [](Run& run) { run.log("a,\"b\"", 2); };
  train::LambdaCallback early{.epoch_begin = log};
  train::fit(model, points(),
             {.callbacks = {early, train::CSVLogger{.filename = path}}, .verbose = silent});
  CHECK(content_of(path).starts_with("epoch,loss,accuracy,\"a,\"\"b\"\"\",seconds\n1,"));
  for (const char separator : {'.', '"', '\n', '3', 'e', '-'}) {
    CAPTURE(separator);
    CHECK_THROWS_WITH_AS(
        train::fit(model, points(),
                   {.callbacks = {train::CSVLogger{.filename = path, .separator = separator}},
                    .verbose = silent}),
        doctest::Contains("[CSVLogger] expected a separator that stands in no number or quote"),
        Error);
  }
}

TEST_CASE("a log file that is appended to keeps its rows, and wants the same columns") {
  const TempFolder folder;
  const std::string path = folder / "log.csv";
  nn::Linear model{3, 3};
  const auto fit = [&](const train::Callback& more, Size initial_epoch) {
    train::fit(model, points(),
               {.epochs = initial_epoch + 2,
                .initial_epoch = initial_epoch,
                .callbacks = {more, train::CSVLogger{.filename = path, .append = true}},
                .verbose = silent});
  };
  const train::LambdaCallback nothing;
  const auto first_column = [&] {
    std::istringstream text(content_of(path));
    std::vector<std::string> cells;
    for (std::string line; std::getline(text, line);)
      cells.push_back(line.substr(0, line.find(',')));
    return cells;
  };
  fit(nothing, 0);
  CHECK(first_column() == std::vector<std::string>{"epoch", "1", "2"});
  const std::string before = content_of(path);
  fit(nothing, 2);
  CHECK(first_column() == std::vector<std::string>{"epoch", "1", "2", "3", "4"});
  CHECK(content_of(path).starts_with(before));

  const train::LambdaCallback log{.epoch_begin = [](Run& run) { run.log("lr", 1); }};
  const std::string whole = content_of(path);
  CHECK_THROWS_WITH_AS(fit(log, 4),
                       doctest::Contains("log.csv, to which rows are appended, "
                                         "\"epoch,loss,accuracy,seconds\", got "
                                         "\"epoch,loss,accuracy,lr,seconds\"\nhelp: "),
                       Error);
  CHECK(content_of(path) == whole);

  // A last row without its line break, as an editor leaves it, stays a row.
  std::ofstream(path) << "epoch,loss,accuracy,seconds\n7,1,1,1";
  fit(nothing, 7);
  CHECK(first_column() == std::vector<std::string>{"epoch", "7", "8", "9"});
  std::ofstream(path, std::ios::trunc).close();
  fit(nothing, 0);  // an empty file is a new one
  CHECK(first_column() == std::vector<std::string>{"epoch", "1", "2"});
}

TEST_CASE("a row that cannot be written ends the run") {
  const TempFolder folder;
  nn::Linear model{3, 3};
  const std::string path = folder / "logs/log.csv";
  folder.write("logs/log.csv", "");
  const auto vanish = [&](Run&) { std::filesystem::remove_all(folder / "logs"); };
  CHECK_THROWS_WITH_AS(train::fit(model, points(),
                                  {.epochs = 3,
                                   .callbacks = {train::LambdaCallback{.batch_end = vanish},
                                                 train::CSVLogger{.filename = path}},
                                   .verbose = silent}),
                       doctest::Contains("[CSVLogger] "), Error);
}

TEST_CASE("a log file that cannot be written is told before the first step") {
  nn::Linear model{3, 3};
  int steps = 0;
  train::LambdaCallback count{.batch_begin = [&](Run&) { ++steps; }};
  CHECK_THROWS_WITH_AS(
      train::fit(model, points(),
                 {.callbacks = {count, train::CSVLogger{.filename = "/nonexistent/log.csv"}},
                  .verbose = silent}),
      doctest::Contains("[CSVLogger]"), Error);
  CHECK(steps == 0);

  // And an old one is left alone until there is something to write.
  const TempFolder folder;
  const std::string path = folder / "log.csv";
  std::ofstream(path) << "old\n";
  train::LambdaCallback refuse{.batch_begin = [](Run&) { throw Error("no"); }};
  CHECK_THROWS_AS(
      train::fit(model, points(),
                 {.callbacks = {train::CSVLogger{.filename = path}, refuse}, .verbose = silent}),
      Error);
  CHECK(content_of(path) == "old\n");
}

TEST_CASE("the progress bar is a callback, and says why a run was stopped") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  nn::Linear model{3, 3};
  train::LambdaCallback log{.epoch_begin = [](Run& run) { run.log("lr", 0.5); }};
  const auto stop = [](Run& run) { run.stop("that will do"); };
  train::fit(model, points(),
             {.epochs = 3,
              .callbacks = {log, train::ProgressBar{train::Verbose::lines, file}, stop},
              .verbose = silent});
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  REQUIRE(std::fread(text.data(), 1, text.size(), file) == text.size());
  std::fclose(file);
  CHECK(text.starts_with("Epoch 1/3  1/1  loss "));
  CHECK(text.find("  lr 0.5000  ") != std::string::npos);
  CHECK(text.ends_with("\nStopped: that will do\n"));
}
