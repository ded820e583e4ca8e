#include "reel/nn/repeat.h"

#include <doctest/doctest.h>

#include <memory>

#include "reel/nn/linear.h"
#include "reel/nn/module.h"

using namespace reel;

TEST_CASE("repeat makes modules with parameters of their own") {
  const std::vector<nn::Linear> layers = nn::repeat(3, [] { return nn::Linear{4, 4}; });
  CHECK(layers.size() == 3);
  CHECK(nn::parameters(layers).size() == 6);
  CHECK_FALSE(layers[0].weight.is_same(layers[1].weight));
  CHECK(nn::parameters(std::vector<nn::Linear>(3, nn::Linear{4, 4})).size() == 2);  // one layer
}

TEST_CASE("repeat hands over the index") {
  const auto layers = nn::repeat(3, [](Size i) { return nn::Linear{i + 1, 2}; });
  CHECK(layers[0].in_features == 1);
  CHECK(layers[2].in_features == 3);
}

TEST_CASE("repeat takes what can only be moved, and counts of nothing") {
  const auto owned = nn::repeat(2, [] { return std::make_unique<nn::Linear>(nn::Linear{1, 1}); });
  CHECK(nn::parameters(owned).size() == 4);
  CHECK(nn::repeat(0, [] { return nn::Linear{1, 1}; }).empty());
  CHECK_THROWS_WITH_AS(nn::repeat(-1,
                                  [] {
                                    return nn::Linear{1, 1};
                                  }),
                       "[repeat] expected a count of 0 or more, got -1", Error);
  const Size count = Size{1} << 62;  // more than a vector counts
  CHECK_THROWS_WITH_AS(nn::repeat(count,
                                  [] {
                                    return nn::Linear{1, 1};
                                  }),
                       "[repeat] expected as many modules as fit into memory, got "
                       "4611686018427387904",
                       Error);
}
