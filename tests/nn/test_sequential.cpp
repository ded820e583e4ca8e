#include "reel/nn/sequential.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "reel/nn/activation.h"
#include "reel/nn/conv.h"
#include "reel/nn/flatten.h"
#include "reel/nn/linear.h"
#include "reel/nn/pool.h"
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

TEST_CASE("SequentialAny passes the layer check") {
  nn::SequentialAny model;
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
  CHECK(testing::close(model(x), (tanh(get<0>(model)(x)) + 1) * 2));
  CHECK(nn::parameters(model).size() == 2);
}

TEST_CASE("get reaches a layer, to read and to change") {
  nn::Sequential model{nn::Linear{2, 2}, nn::LeakyReLU{}};
  static_assert(model.size() == 2);
  get<1>(model).negative_slope = 0.5;
  CHECK(testing::same(get<1>(model)(tensor({-1.0})), tensor({-0.5})));
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
  CHECK(get<0>(model).calls == 1);
  CHECK(nn::state_dict(nn::clone(model)).contains("0.inner.weight"));
}

TEST_CASE("a ReLU joined to its neighbour gives the same values and gradients") {
  Generator generator(4);
  const nn::Sequential model{nn::Conv2d{1, 3, 3}, nn::ReLU{}, nn::MaxPool2d{2},
                             nn::Conv2d{3, 2, 2}, nn::ReLU{}, nn::Flatten{},
                             nn::Linear{8, 5},    nn::ReLU{}, nn::Linear{5, 2}};
  const auto plain = [&](const Tensor& x) {
    Tensor y = max_pool2d(relu(get<0>(model)(x)), 2);
    y = flatten(relu(get<3>(model)(y)), 1);
    return get<8>(model)(relu(get<6>(model)(y)));
  };
  const Tensor x = randn({2, 1, 8, 8}, generator);
  CHECK(testing::close(model(x), plain(x), 1e-4));

  const std::vector<Tensor> parameters = nn::parameters(model);
  const std::vector<Tensor> joined = grad({square(model(x)).sum()}, parameters);
  const std::vector<Tensor> apart = grad({square(plain(x)).sum()}, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    CHECK(testing::close(joined[i], apart[i], 1e-3));
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
  const nn::SequentialAny model(layers);
  CHECK(model.size() == 3);
  CHECK(model(ones({1, 1})).shape() == Shape{1, 1});
  CHECK(model[2].as<nn::Linear>() == layers[2].as<nn::Linear>());
}
