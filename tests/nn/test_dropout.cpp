#include "reel/nn/dropout.h"

#include <doctest/doctest.h>

#include <memory>

#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;

TEST_CASE("Dropout passes the layer check") {
  testing::check_layer(nn::Dropout{},
                       {.input = {4, 5}, .output = {4, 5}, .random_in_training = true});
  testing::check_layer(nn::Dropout{.p = 0}, {.input = {4, 5}, .output = {4, 5}});
}

TEST_CASE("Dropout drops a part p and scales the rest") {
  const nn::Dropout layer{.p = 0.25, .generator = std::make_shared<Generator>(1)};
  const Tensor y = layer(ones({10000}));
  const double kept = (y != 0).to(float64).mean().item();
  CHECK(kept == doctest::Approx(0.75).epsilon(0.03));
  CHECK(testing::close(where(y != 0, y, 1 / 0.75), full({10000}, 1 / 0.75)));
  CHECK_FALSE(testing::same(layer(ones({10000})), y));
}

TEST_CASE("Dropout with p = 1 drops everything") {
  CHECK(testing::same(nn::Dropout{.p = 1}(ones({8})), zeros({8})));
}

TEST_CASE("Dropout passes gradients through what it kept") {
  const nn::Dropout layer{.p = 0.5, .generator = std::make_shared<Generator>(2)};
  const Tensor x = ones({64}, {.requires_grad = true});
  const Tensor y = layer(x);
  y.sum().backward();
  CHECK(testing::same(x.grad(), y));
}

TEST_CASE("Dropout with a generator of its own repeats from its seed, in copies too") {
  const nn::Dropout a{.p = 0.5, .generator = std::make_shared<Generator>(9)};
  const nn::Dropout b = nn::clone(a);
  CHECK(a.generator != b.generator);
  CHECK(testing::same(a(ones({64})), b(ones({64}))));
}

TEST_CASE("Dropout refuses a p outside [0, 1]") {
  CHECK_THROWS_WITH_AS(nn::parameters(nn::Dropout{.p = 1.5}),
                       "[Dropout] expected p in [0, 1], got 1.5", Error);
  CHECK_THROWS_AS(nn::parameters(nn::Dropout{.p = -0.1}), Error);
}
