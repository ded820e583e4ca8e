#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "reel/autograd/random.h"
#include "reel/datasets/data_loader.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"
#include "reel/optim/optim.h"
#include "reel/train/fit.h"

using namespace reel;

namespace {

/// Points of three classes around the corners of a triangle; a straight line separates any two.
TensorDataset<2> triangle(Size samples = 90) {
  manual_seed(3);
  const Tensor corners = tensor({{0.0, 2.0}, {-2.0, -1.0}, {2.0, -1.0}});
  const Tensor labels = arange(samples).to(float64).mul(1).to(int64);
  std::vector<std::int64_t> classes;
  for (Size i = 0; i < samples; ++i) classes.push_back(i % 3);
  const Tensor targets = tensor(classes);
  return TensorDataset(corners.index_select(0, targets) + 0.3 * randn({samples, 2}), targets);
}

/// Hands the inputs on, times a parameter, and says which mode it was called in.
struct Spy {
  nn::Parameter scale = ones({1});
  bool training = true;
  std::vector<bool>* seen = nullptr;

  Tensor operator()(const Tensor& x) const {
    if (seen != nullptr) seen->push_back(training);
    return x * scale;
  }
  REEL_FIELDS(scale, training)
};

const train::FitOptions quiet{.verbose = train::Verbose::none};

}  // namespace

TEST_CASE("fit learns a separable set to 100 %") {
  manual_seed(0);
  nn::Sequential model{nn::Linear{2, 16}, nn::ReLU{}, nn::Linear{16, 3}};
  const auto data = triangle();
  optim::Adam adam{nn::parameters(model), {.lr = 0.02}};
  const auto history = train::fit(model, data,
                                  {.optimizer = adam,
                                   .epochs = 20,
                                   .batch_size = 10,
                                   .validation = data,
                                   .verbose = train::Verbose::none});
  CHECK(history.epochs() == 20);
  CHECK(history["accuracy"].back() == 1.0);
  CHECK(history["val_accuracy"].back() == 1.0);
  CHECK(history["loss"].back() < history["loss"].front() / 3);
  CHECK(history["val_loss"].back() < 0.1);
  CHECK(history["seconds"].size() == 20);

  const auto result = train::evaluate(model, data, {.verbose = train::Verbose::none});
  CHECK(result.samples == 90);
  CHECK(result["accuracy"] == 1.0);
  CHECK(result["loss"] == doctest::Approx(history["val_loss"].back()).epsilon(1e-6));

  const Tensor outputs = train::predict(model, data.tensors()[0], {.batch_size = 7});
  CHECK(outputs.shape() == Shape{90, 3});
  CHECK(outputs.argmax(1).eq(data.tensors()[1]).all().item<bool>());
  CHECK_FALSE(outputs.requires_grad());
}

TEST_CASE("fit without options is one pass of Adam over cross-entropy") {
  manual_seed(0);
  nn::Linear fitted{2, 3};
  nn::Linear by_hand = nn::clone(fitted);
  const auto data = triangle();

  manual_seed(5);
  train::fit(fitted, data, quiet);

  manual_seed(5);
  optim::Adam adam{nn::parameters(by_hand)};
  for (auto [points, labels] : DataLoader{data, {.batch_size = 32, .shuffle = true}}) {
    adam.zero_grad();
    nn::cross_entropy(by_hand(points), labels).backward();
    adam.step();
  }
  CHECK(fitted.weight.eq(by_hand.weight).all().item<bool>());
  CHECK(fitted.bias.eq(by_hand.bias).all().item<bool>());
}

TEST_CASE("what is frozen stays as it is") {
  struct Net {
    nn::Linear fc1{2, 4};
    nn::Linear fc2{4, 3};
    Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
  } net;
  nn::requires_grad_(net.fc1, false);
  const nn::Linear before1 = nn::clone(net.fc1), before2 = nn::clone(net.fc2);
  train::fit(net, triangle(), quiet);
  CHECK((net.fc1.weight == before1.weight).all().item<bool>());
  CHECK_FALSE((net.fc2.weight == before2.weight).all().item<bool>());
  nn::requires_grad_(net, false);
  CHECK_THROWS_AS(train::fit(net, triangle(), quiet), Error);
}

TEST_CASE("a seed repeats a run bit for bit") {
  const auto data = triangle();
  const auto run = [&](std::uint64_t seed) {
    manual_seed(1);
    nn::Linear model{2, 3};
    train::fit(model, data,
               {.epochs = 3, .batch_size = 8, .seed = seed, .verbose = train::Verbose::none});
    return model.weight.detach().clone();
  };
  CHECK(run(11).eq(run(11)).all().item<bool>());
  CHECK_FALSE(run(11).eq(run(12)).all().item<bool>());
}

TEST_CASE("a network that ends in Softmax trains with the loss from probabilities") {
  manual_seed(0);
  nn::Sequential model{nn::Linear{2, 16}, nn::ReLU{}, nn::Linear{16, 3}, nn::Softmax{}};
  std::vector<std::string> warnings;
  const auto history =
      train::fit(model, triangle(),
                 {.loss = nn::CrossEntropyLoss{.from_logits = false},
                  .optimizer = optim::Adam{nn::parameters(model), {.lr = 0.02}},
                  .epochs = 20,
                  .batch_size = 10,
                  .verbose = train::Verbose::none,
                  .on_warning = [&](const std::string& text) { warnings.push_back(text); }});
  CHECK(history["accuracy"].back() == 1.0);
  CHECK(warnings.empty());
}

TEST_CASE("probabilities given to the loss from logits are warned of once") {
  nn::Sequential model{nn::Linear{2, 3}, nn::Softmax{}};
  std::vector<std::string> warnings;
  train::fit(model, triangle(),
             {.epochs = 2,
              .verbose = train::Verbose::none,
              .on_warning = [&](const std::string& text) { warnings.push_back(text); }});
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("the model's outputs are probabilities") != std::string::npos);
  CHECK(warnings[0].find("help: drop the model's last Softmax") != std::string::npos);
}

TEST_CASE("outputs that are no probabilities are warned of where the loss takes some") {
  struct Shares {
    nn::Parameter scale = ones({1});
    Tensor operator()(const Tensor& x) const { return sigmoid(x * scale); }
  } model;
  std::vector<std::string> warnings;
  const TensorDataset data(ones({4, 3}), tensor({0, 1, 2, 0}));
  train::fit(model, data,
             {.loss = nn::CrossEntropyLoss{.from_logits = false},
              .verbose = train::Verbose::none,
              .on_warning = [&](const std::string& text) { warnings.push_back(text); }});
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("the loss takes probabilities") != std::string::npos);
}

TEST_CASE("ordinary logits are not warned of") {
  nn::Linear model{2, 3};
  int warnings = 0;
  train::fit(
      model, triangle(),
      {.verbose = train::Verbose::none, .on_warning = [&](const std::string&) { ++warnings; }});
  CHECK(warnings == 0);
}

TEST_CASE("a regression has a loss and no accuracy") {
  manual_seed(0);
  const Tensor x = randn({64, 2});
  const Tensor y = matmul(x, tensor({{2.0}, {-1.0}})) + 0.5;
  nn::Linear model{2, 1};
  const TensorDataset data(x, y);
  const auto history = train::fit(model, data,
                                  {.loss = nn::MSELoss{},
                                   .optimizer = optim::SGD{nn::parameters(model), {.lr = 0.1}},
                                   .epochs = 30,
                                   .verbose = train::Verbose::none});
  CHECK(history.names() == std::vector<std::string>{"loss", "seconds"});
  CHECK(history["loss"].back() < 1e-4);
  const auto result =
      train::evaluate(model, data, {.loss = nn::MSELoss{}, .verbose = train::Verbose::none});
  CHECK_FALSE(result.contains("accuracy"));
}

TEST_CASE("any callable is a loss, and any data set is data") {
  struct Squares {
    Size size() const { return 10; }
    std::pair<Tensor, float> get(Size i) const {
      return {full({1}, static_cast<float>(i)), static_cast<float>(i * i)};
    }
  };
  nn::Linear model{1, 1};
  const auto absolute = [](const Tensor& outputs, const Tensor& targets) {
    return (outputs.squeeze(1) - targets).abs().mean();
  };
  const auto history =
      train::fit(model, Squares{}, {.loss = absolute, .verbose = train::Verbose::none});
  CHECK(std::isfinite(history["loss"].back()));
}

TEST_CASE("fit runs in train mode, evaluate and predict in eval mode, and all restore") {
  std::vector<bool> seen;
  Spy spy;
  spy.seen = &seen;
  struct Net {
    Spy spy;
    nn::Dropout dropout{};
    Tensor operator()(const Tensor& x) const { return dropout(spy(x)); }
  } net{spy};
  net.dropout.training = false;  // modes of their own come back each
  const TensorDataset data(randn({4, 3}), tensor({0, 1, 2, 0}));

  train::fit(net, data, quiet);
  CHECK(seen == std::vector<bool>{true});
  CHECK((net.spy.training && !net.dropout.training));

  seen.clear();
  train::evaluate(net, data, {.verbose = train::Verbose::none});
  train::predict(net, data.tensors()[0]);
  CHECK(seen == std::vector<bool>{false, false});
  CHECK((net.spy.training && !net.dropout.training));

  seen.clear();
  train::fit(net, data, {.validation = data, .verbose = train::Verbose::none});
  CHECK(seen == std::vector<bool>{true, false});
}

TEST_CASE("modes are restored when training fails") {
  Spy spy;
  spy.training = false;
  const TensorDataset data(full({2, 3}, std::numeric_limits<float>::infinity()), tensor({0, 1}));
  CHECK_THROWS_AS(train::fit(spy, data, quiet), Error);
  CHECK_FALSE(spy.training);
}

TEST_CASE("a loss that is not finite ends the training before it spoils the parameters") {
  for (const double bad : {std::nan(""), -std::nan("")}) {
    Spy spy;
    const TensorDataset data(full({2, 3}, bad), tensor({0, 1}));
    CHECK_THROWS_WITH_AS(
        train::fit(spy, data, quiet),
        "[fit] expected a finite loss, got nan in step 1 of epoch 1; the parameters are those "
        "before it\n"
        "help: a smaller learning rate often helps; inputs should be finite and of size about 1",
        Error);
    CHECK(spy.scale.item() == 1);
  }
}

TEST_CASE("the last, smaller batch counts by its samples") {
  Spy spy;
  const TensorDataset data(tensor({{9.0, 0.0}, {9.0, 0.0}, {9.0, 0.0}}), tensor({0, 0, 1}));
  const auto result =
      train::evaluate(spy, data, {.batch_size = 2, .verbose = train::Verbose::none});
  CHECK(result["accuracy"] == doctest::Approx(2.0 / 3));
  CHECK(result["loss"] == doctest::Approx(9.0 / 3).epsilon(1e-3));
}

TEST_CASE("samples that the loss ignores do not count for the accuracy") {
  Spy spy;
  const TensorDataset data(5 * eye(3), tensor({0, -100, 0}));
  CHECK(train::evaluate(spy, data, {.verbose = train::Verbose::none})["accuracy"] == 0.5);
}

TEST_CASE("one-hot targets have an accuracy under cross-entropy") {
  Spy spy;
  const TensorDataset data(5 * eye(3), eye(3));
  CHECK(train::evaluate(spy, data, {.verbose = train::Verbose::none})["accuracy"] == 1.0);
}

TEST_CASE("a last, smaller batch can be left out") {
  const TensorDataset data(randn({5, 2}), tensor({0, 1, 2, 0, 1}));
  struct Sizes {
    nn::Linear fc{2, 3};
    std::vector<Size>* seen = nullptr;
    Tensor operator()(const Tensor& x) const {
      seen->push_back(x.size(0));
      return fc(x);
    }
    REEL_FIELDS(fc)
  };
  std::vector<Size> seen;
  Sizes model{.seen = &seen};
  train::fit(model, data, {.batch_size = 2, .verbose = train::Verbose::none});
  CHECK(seen == std::vector<Size>{2, 2, 1});
  seen.clear();
  train::fit(model, data, {.batch_size = 2, .drop_last = true, .verbose = train::Verbose::none});
  CHECK(seen == std::vector<Size>{2, 2});
  CHECK_THROWS_WITH_AS(train::fit(model, data, {.batch_size = 6, .drop_last = true}),
                       "[fit] expected at least 6 samples, a whole batch, with drop_last, got 5",
                       Error);
}

TEST_CASE("a layer that cannot work on a last batch of one names drop_last") {
  nn::Sequential model{nn::Linear{2, 4}, nn::BatchNorm1d{4}, nn::Linear{4, 3}};
  const TensorDataset data(randn({5, 2}), tensor({0, 1, 2, 0, 1}));
  CHECK_THROWS_WITH_AS(
      train::fit(model, data, {.batch_size = 2, .verbose = train::Verbose::none}),
      doctest::Contains("\nhelp: the last batch of the epoch holds one sample: .drop_last = true "
                        "leaves it out"),
      Error);
  train::fit(model, data, {.batch_size = 2, .drop_last = true, .verbose = train::Verbose::none});
  // Whoever asks for batches of one is not told to leave out the last of them.
  try {
    train::fit(model, data, {.batch_size = 1, .verbose = train::Verbose::none});
    FAIL("nothing thrown");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("drop_last") == std::string::npos);
  }
}

TEST_CASE("predict takes a data set, of pairs or of inputs alone, and keeps its order") {
  const auto data = triangle(21);
  nn::Linear model{2, 3};
  const Tensor expected = train::predict(model, data.tensors()[0]);
  const auto is_expected = [&](const Tensor& outputs) {
    return outputs.eq(expected).all().item<bool>() && !outputs.requires_grad();
  };
  CHECK(is_expected(train::predict(model, data, {.batch_size = 4})));
  CHECK(is_expected(train::predict(model, TensorDataset{data.tensors()[0]}, {.batch_size = 4})));
  struct Single {
    Tensor inputs;
    Size size() const { return inputs.size(0); }
    Tensor get(Size i) const { return inputs[i]; }
  };
  CHECK(is_expected(train::predict(model, Single{data.tensors()[0]})));
  CHECK_THROWS_WITH_AS(train::predict(model, Single{zeros({0, 2})}),
                       "[predict] expected a data set with at least one sample, got an empty one",
                       Error);
}

TEST_CASE("predict says that a single sample needs a batch around it") {
  nn::Sequential model{nn::Flatten{}, nn::Linear{784, 10}};
  CHECK_THROWS_WITH_AS(train::predict(model, zeros({28, 28})),
                       doctest::Contains("\nhelp: predict takes a batch [N, ...], and these for 28 "
                                         "samples of shape [28]; for a single sample write "
                                         "predict(model, x.unsqueeze(0))"),
                       Error);
  CHECK(train::predict(model, zeros({28, 28}).unsqueeze(0)).shape() == Shape{1, 10});
}

TEST_CASE("fit, evaluate and predict say what they cannot work with") {
  nn::Linear model{2, 3};
  const auto data = triangle();
  const TensorDataset nothing(zeros({0, 2}), zeros({0}, {.dtype = int64}));
  CHECK_THROWS_WITH_AS(train::fit(model, nothing, quiet),
                       "[fit] expected a data set with at least one sample, got an empty one",
                       Error);
  CHECK_THROWS_WITH_AS(train::fit(model, train::Data(), quiet),
                       "[fit] expected a data set with at least one sample, got none", Error);
  CHECK_THROWS_WITH_AS(train::evaluate(model, nothing),
                       "[evaluate] expected a data set with at least one sample, got an empty one",
                       Error);
  CHECK_THROWS_WITH_AS(train::fit(model, data, {.epochs = 0}), "[fit] expected epochs > 0, got 0",
                       Error);
  CHECK_THROWS_WITH_AS(train::fit(model, data, {.batch_size = 0}),
                       "[fit] expected batch_size > 0, got 0", Error);
  CHECK_THROWS_WITH_AS(train::fit(model, data, {.validation = nothing}),
                       "[fit] expected validation data with at least one sample, got an empty set",
                       Error);
  CHECK_THROWS_WITH_AS(train::evaluate(model, data, {.batch_size = -1}),
                       "[evaluate] expected batch_size > 0, got -1", Error);
  CHECK_THROWS_WITH_AS(train::predict(model, zeros({0, 2})),
                       "[predict] expected inputs of shape [N, ...] with N > 0, got [0, 2]", Error);
  CHECK_THROWS_WITH_AS(train::predict(model, data.tensors()[0], {.batch_size = 0}),
                       "[predict] expected batch_size > 0, got 0", Error);

  nn::Flatten no_parameters;
  CHECK_THROWS_WITH_AS(
      train::fit(no_parameters, data, quiet),
      doctest::Contains("[fit] expected a model with parameters to train, got none"), Error);
  const auto vector_loss = [](const Tensor& outputs, const Tensor&) { return outputs; };
  CHECK_THROWS_WITH_AS(
      train::fit(model, data, {.loss = vector_loss, .verbose = train::Verbose::none}),
      "[fit] expected a loss of one element, got [32, 3]", Error);
}

TEST_CASE("wrong shapes and labels out of range are told before anything is learnt") {
  nn::Linear model{2, 3};
  const Tensor before = model.weight.detach().clone();
  CHECK_THROWS_AS(train::fit(model, TensorDataset(zeros({4, 5}), tensor({0, 1, 2, 0})), quiet),
                  Error);
  CHECK_THROWS_AS(train::fit(model, TensorDataset(zeros({4, 2}), tensor({0, 1, 3, 0})), quiet),
                  Error);
  CHECK_THROWS_AS(train::fit(model, TensorDataset(zeros({4, 2}), tensor({0, 1, -5, 0})), quiet),
                  Error);
  CHECK_THROWS_AS(
      train::fit(model, TensorDataset(zeros({4, 2}), zeros({4, 1}, {.dtype = int64})), quiet),
      Error);
  CHECK(model.weight.eq(before).all().item<bool>());
}
