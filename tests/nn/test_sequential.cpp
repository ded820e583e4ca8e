#include "reel/nn/sequential.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "reel/nn/activation.h"
#include "reel/nn/conv.h"
#include "reel/nn/dropout.h"
#include "reel/nn/flatten.h"
#include "reel/nn/linear.h"
#include "reel/nn/pool.h"
#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;

TEST_CASE("Sequential passes the layer check") {
  testing::check_layer(
      nn::Sequential{nn::Flatten{}, nn::Linear{6, 4}, nn::Tanh{}, nn::Linear{4, 2}},
      {.input = {3, 2, 3},
       .output = {3, 2},
       .parameters = {"1.weight", "1.bias", "3.weight", "3.bias"},
       .num_parameters = 38});
}

TEST_CASE("a Sequential made layer by layer passes the layer check") {
  nn::Sequential model;
  model.push_back(nn::Linear{2, 3});
  model.push_back(nn::Tanh{});
  model.push_back(nn::Sequential{nn::Linear{3, 1}, nn::Sigmoid{}});
  testing::check_layer(model, {.input = {4, 2},
                               .output = {4, 1},
                               .parameters = {"0.weight", "0.bias", "2.0.weight", "2.0.bias"},
                               .num_parameters = 13});
}

TEST_CASE("Sequential takes functions and lambdas as layers") {
  const float slope = 2;  // no room for a reference
  const nn::Sequential model{nn::Linear{2, 2}, tanh, [](const Tensor& x) { return x + 1; },
                             [slope](const Tensor& x) { return x * slope; }};
  const Tensor x = ones({1, 2});
  CHECK(testing::close(model(x), (tanh(model[0](x)) + 1) * 2));
  CHECK(nn::parameters(model).size() == 2);
}

TEST_CASE("a layer of a Sequential is reached by its place, to read and to change") {
  nn::Sequential model{nn::Linear{2, 2}, nn::LeakyReLU{}};
  CHECK(model.size() == 2);
  model.at<nn::LeakyReLU>(1).negative_slope = 0.5;
  CHECK(testing::same(model[1](tensor({-1.0})), tensor({-0.5})));
  CHECK(&model.at<nn::LeakyReLU>(-1) == &model.at<nn::LeakyReLU>(1));
  CHECK_THROWS_WITH_AS(model.at<nn::ReLU>(0),
                       "[Sequential] expected layer 0 to be a ReLU, got Linear", Error);
  CHECK_THROWS_WITH_AS(model[2], "[Sequential] expected a layer in [-2, 2), got 2", Error);
  CHECK_THROWS_WITH_AS(model[-3], "[Sequential] expected a layer in [-2, 2), got -3", Error);
}

TEST_CASE("copies of a Sequential share its layers, clones do not") {
  nn::Sequential model{nn::Linear{1, 1}, nn::Dropout{0.5}};
  const nn::Sequential shared = model, cloned = nn::clone(model);
  nn::eval(model);
  CHECK_FALSE(shared.at<nn::Dropout>(1).training);
  CHECK(cloned.at<nn::Dropout>(1).training);
  CHECK(shared.at<nn::Linear>(0).weight.is_same(model.at<nn::Linear>(0).weight));
  CHECK_FALSE(cloned.at<nn::Linear>(0).weight.is_same(model.at<nn::Linear>(0).weight));
}

TEST_CASE("a Sequential of one Sequential holds it, a copy of one is one") {
  const nn::Sequential inner{nn::Linear{1, 1}};
  const nn::Sequential same{inner};
  CHECK(nn::state_dict(same).contains("0.weight"));
  const nn::Sequential outer{inner, nn::Identity{}};
  CHECK(nn::state_dict(outer).contains("0.0.weight"));
}

TEST_CASE("Sequential holds layers that can only be moved or that change when called") {
  struct Counter {
    int calls = 0;
    std::unique_ptr<nn::Linear> inner = std::make_unique<nn::Linear>(nn::Linear{1, 1});
    Tensor operator()(const Tensor& x) {
      ++calls;
      return (*inner)(x);
    }
  };
  nn::Sequential model{Counter{}, nn::ReLU{}};
  model(ones({1, 1}));
  CHECK(model.at<Counter>(0).calls == 1);
  CHECK(nn::state_dict(nn::clone(model)).contains("0.inner.weight"));
}

TEST_CASE(
    "layers that are given what the last one gave return the values and gradients of ops apart") {
  Generator generator(4);
  const nn::Sequential model{nn::Conv2d{1, 3, 3}, nn::ReLU{}, nn::MaxPool2d{2},
                             nn::Conv2d{3, 2, 2}, nn::ReLU{}, nn::Flatten{},
                             nn::Linear{8, 5},    nn::ReLU{}, nn::Linear{5, 2}};
  const auto apart = [&](const Tensor& x) {
    Tensor y = x;
    for (const nn::AnyModule& layer : model) {
      const Tensor kept = y;
      y = layer(kept);
    }
    return y;
  };
  const Tensor x = randn({2, 1, 8, 8}, generator);
  CHECK(testing::close(model(x), apart(x), 1e-6));

  const std::vector<Tensor> parameters = nn::parameters(model);
  const std::vector<Tensor> given = grad({square(model(x)).sum()}, parameters);
  const std::vector<Tensor> wanted = grad({square(apart(x)).sum()}, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    CHECK(testing::close(given[i], wanted[i], 1e-4));
}

TEST_CASE("AnyModule shares the module in copies and shows it by its type") {
  const nn::AnyModule a = nn::Linear{2, 3};
  const nn::AnyModule b = a;
  CHECK(a.as<nn::Linear>() == b.as<nn::Linear>());
  CHECK(a.as<nn::ReLU>() == nullptr);
  CHECK(testing::layer::names(nn::named_parameters(a)) ==
        std::vector<std::string>{"weight", "bias"});
}

TEST_CASE("modules in a list are found by their numbers") {
  nn::ModuleList layers{nn::Linear{1, 2}, nn::ReLU{}, nn::Linear{2, 1}};
  CHECK(testing::layer::names(nn::named_parameters(layers)) ==
        std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias"});
  const nn::Sequential model(layers);
  CHECK(model.size() == 3);
  CHECK(model(ones({1, 1})).shape() == Shape{1, 1});
  CHECK(model[2].as<nn::Linear>() == layers[2].as<nn::Linear>());
}
