#include "reel/train/loss.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "reel/autograd/random.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/train/fit.h"

using namespace reel;

namespace {

constexpr auto silent = train::Verbose::none;

const Tensor points = arange(12).to(float32).reshape({6, 2});

void check_refused(auto& model, const Tensor& targets, const std::string& text) {
  const TensorDataset data(points, targets);
  CHECK_THROWS_WITH_AS(train::fit(model, data, {.verbose = silent}), ("[fit] " + text).c_str(),
                       Error);
  std::string in_evaluate = "[evaluate] " + text;
  if (const auto at = in_evaluate.find("fit's loss"); at != std::string::npos) {
    in_evaluate.replace(at, 3, "evaluate");
  }
  CHECK_THROWS_WITH_AS(train::evaluate(model, data, {.verbose = silent}), in_evaluate.c_str(),
                       Error);
}

/// What fit and evaluate warn of.
std::vector<std::string> warnings_of(auto& model, const Tensor& targets, const train::Loss& loss) {
  std::vector<std::string> warnings;
  const auto hear = [&](const std::string& text) { warnings.push_back(text); };
  const TensorDataset data(points, targets);
  train::evaluate(model, data, {.loss = loss, .verbose = silent, .on_warning = hear});
  train::fit(model, data, {.loss = loss, .epochs = 2, .verbose = silent, .on_warning = hear});
  return warnings;
}

const std::string help_for_one =
    "help: for numbers write .loss = nn::MSELoss{}; for yes or no, with float targets 0 and 1 in "
    "the shape of the outputs, .loss = nn::BCEWithLogitsLoss{}";

}  // namespace

TEST_CASE("cross-entropy over one output is refused, for its loss is 0 whatever is learnt") {
  nn::Linear model{2, 1};
  const std::string by_default =
      "expected an output for each class, two at least, for cross-entropy, which is fit's loss "
      "unless another is given, got outputs of shape [6, 1]\n" +
      help_for_one;
  check_refused(model, randn({6, 1}), by_default);
  check_refused(model, zeros({6}, {.dtype = int64}), by_default);
  CHECK(model.weight.grad().defined() == false);

  struct Squeezed {
    nn::Linear fc{2, 1};
    Tensor operator()(const Tensor& x) const { return fc(x).squeeze(1); }
  } squeezed;
  check_refused(squeezed, randn({6}),
                "expected an output for each class, two at least, for cross-entropy, which is "
                "fit's loss unless another is given, got outputs of shape [6]\n" +
                    help_for_one);

  const TensorDataset data(points, zeros({6}, {.dtype = int64}));
  for (const train::Loss& loss :
       {train::Loss(nn::CrossEntropyLoss{}),
        train::Loss(nn::CrossEntropyLoss{.from_logits = false}), train::Loss(nn::NLLLoss{})}) {
    CHECK_THROWS_WITH_AS(train::fit(model, data, {.loss = loss, .verbose = silent}),
                         ("[fit] expected an output for each class, two at least, for "
                          "cross-entropy, got outputs of shape [6, 1]\n" +
                          help_for_one)
                             .c_str(),
                         Error);
  }
}

TEST_CASE("numbers as targets are refused where no loss was given") {
  nn::Linear model{2, 3};
  check_refused(
      model, randn({6, 3}),
      "expected classes or rows of probabilities as targets of cross-entropy, which is "
      "fit's loss unless another is given, got float32 targets of shape [6, 3] that are "
      "neither\n"
      "help: for numbers write .loss = nn::MSELoss{}; for several times yes or no "
      ".loss = nn::BCEWithLogitsLoss{}; where it is meant .loss = nn::CrossEntropyLoss{}");
  CHECK(warnings_of(model, randn({6, 3}), nn::CrossEntropyLoss{}).empty());
  CHECK(warnings_of(model, softmax(randn({6, 3}), 1), {}).empty());
  CHECK(warnings_of(model, one_hot(tensor({0, 1, 2, 0, 1, 2})).to(float32), {}).empty());
}

TEST_CASE("evaluate warns of what fit warns of") {
  nn::Sequential shares{nn::Linear{2, 3}, nn::Softmax{}};
  const Tensor classes = tensor({0, 1, 2, 0, 1, 2});
  const std::vector<std::string> warnings = warnings_of(shares, classes, {});
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0].starts_with(
      "[evaluate] the model's outputs are probabilities (each row is in [0, 1] and adds up to 1), "
      "but the loss takes logits: it will apply softmax a second time\n"));
  CHECK(warnings[1].starts_with("[fit] the model's outputs are probabilities"));
  CHECK(warnings_of(shares, classes, nn::CrossEntropyLoss{.from_logits = false}).empty());
}

TEST_CASE(
    "numbers that are no logarithms of probabilities are warned of where the loss takes those") {
  nn::Linear model{2, 3};
  model.bias.detach().fill_(5);
  const Tensor classes = tensor({0, 1, 2, 0, 1, 2});
  const std::vector<std::string> warnings = warnings_of(model, classes, nn::NLLLoss{});
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[1] ==
        "[fit] the loss takes logarithms of probabilities, but some outputs are above 0\n"
        "help: end the model with LogSoftmax, or use nn::CrossEntropyLoss{}, which takes logits");
  nn::Sequential right{nn::Linear{2, 3}, nn::LogSoftmax{}};
  CHECK(warnings_of(right, classes, nn::NLLLoss{}).empty());
}
