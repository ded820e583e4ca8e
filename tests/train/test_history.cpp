#include "reel/train/history.h"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "reel/base/error.h"
#include "reel/train/evaluation.h"

using namespace reel;
using namespace reel::train;

TEST_CASE("figures keep their order and are found by name") {
  Figures figures{{"loss", 1}, {"accuracy", 0.5}, {"loss", 2}};
  CHECK(figures.size() == 2);
  CHECK(figures["loss"] == 2);
  figures.set("lr", 0.1);
  figures.set("accuracy", 0.75);
  CHECK(figures["accuracy"] == 0.75);
  CHECK(figures.begin()->name == "loss");
  CHECK(figures.contains("lr"));
  CHECK_FALSE(figures.contains("acc"));
  CHECK_THROWS_WITH_AS(static_cast<void>(figures["acc"]),
                       "[Figures] expected one of \"loss\", \"accuracy\", \"lr\", got \"acc\"",
                       Error);
}

TEST_CASE("a history has an entry for each epoch in every series") {
  History history;
  CHECK(history.epochs() == 0);
  CHECK_THROWS_WITH_AS(static_cast<void>(history["loss"]),
                       "[History] expected nothing, for there are no numbers yet, got \"loss\"",
                       Error);
  CHECK_THROWS_WITH_AS(history.set("lr", 1),
                       "[History] expected an epoch to set \"lr\" of, got none", Error);
  history.append({{"loss", 2}, {"accuracy", 0.5}});
  history.append({{"loss", 1}, {"late", 3}});
  history.set("lr", 0.1);
  CHECK(history.epochs() == 2);
  CHECK(history.names() == std::vector<std::string>{"loss", "accuracy", "late", "lr"});
  CHECK(history["loss"] == std::vector<double>{2, 1});
  CHECK(std::isnan(history["accuracy"][1]));
  CHECK(std::isnan(history["late"][0]));
  CHECK(history["lr"][1] == 0.1);
  for (const std::string& name : history.names()) CHECK(history[name].size() == 2);
  CHECK_FALSE(history.contains("val_loss"));
  CHECK_THROWS_WITH_AS(
      static_cast<void>(history["val_loss"]),
      "[History] expected one of \"loss\", \"accuracy\", \"late\", \"lr\", got \"val_loss\"",
      Error);
}

TEST_CASE("a history prints as a table") {
  History history(9);
  history.append({{"loss", 0.51349}, {"val_accuracy", 0.8}});
  history.append({{"loss", 1.5e-5}, {"val_accuracy", 0.75}, {"lr", 12345}});
  std::ostringstream text;
  text << history;
  CHECK(text.str() ==
        "epoch       loss  val_accuracy         lr\n"
        "    9     0.5135        0.8000        nan\n"
        "   10  1.500e-05        0.7500  1.234e+04\n");
  text.str("");
  text << History();
  CHECK(text.str() == "epoch\n");
}

TEST_CASE("an evaluation is read by name and printed on one line") {
  const Evaluation result{.figures = {{"loss", 0.25}, {"accuracy", 0.875}}, .samples = 8};
  CHECK(result["accuracy"] == 0.875);
  CHECK(result.contains("loss"));
  CHECK_THROWS_WITH_AS(static_cast<void>(result["recall"]),
                       "[Evaluation] expected one of \"loss\", \"accuracy\", got \"recall\"",
                       Error);
  std::ostringstream text;
  text << result;
  CHECK(text.str() == "loss 0.2500  accuracy 0.8750");
}
