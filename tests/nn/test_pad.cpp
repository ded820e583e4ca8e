#include "reel/nn/pad.h"

#include <doctest/doctest.h>

#include "reel/ops/shape/pad.h"
#include "support/compare.h"
#include "support/layer_check.h"

using namespace reel;

TEST_CASE("padding layers pass the layer check") {
  testing::check_layer(nn::ZeroPad2d{{1, 0, -1, 2}},
                       {.input = {2, 1, 3, 2}, .output = {2, 1, 4, 3}});
  testing::check_layer(nn::ConstantPad1d{{1, 2}, 3.5}, {.input = {2, 2, 3}, .output = {2, 2, 6}});
  testing::check_layer(nn::ReflectionPad2d{1}, {.input = {2, 1, 2, 3}, .output = {2, 1, 4, 5}});
  testing::check_layer(nn::ReplicationPad3d{{0, 1, 1, 0, 2, 0}},
                       {.input = {1, 1, 1, 2, 2}, .output = {1, 1, 3, 3, 3}});
  testing::check_layer(nn::CircularPad1d{2}, {.input = {2, 1, 2}, .output = {2, 1, 6}});
}

TEST_CASE("padding layers pad as pad does") {
  const Tensor x = randn({2, 3, 4, 5});
  CHECK(testing::same(nn::ConstantPad2d{{1, 2, 0, 1}, 7.0}(x), pad(x, {1, 2, 0, 1}, {.value = 7})));
  CHECK(testing::same(nn::ZeroPad2d{1}(x[0]), pad(x[0], {1, 1, 1, 1})));
  for (const auto& padded : {std::pair{nn::ReflectionPad2d{{1, 2, 3, 0}}(x), "reflect"},
                             std::pair{nn::ReplicationPad2d{{1, 2, 3, 0}}(x), "replicate"},
                             std::pair{nn::CircularPad2d{{1, 2, 3, 0}}(x), "circular"}}) {
    const char* mode = padded.second;
    CAPTURE(mode);
    CHECK(testing::same(padded.first, pad(x, {1, 2, 3, 0}, {.mode = mode})));
  }
}

TEST_CASE("padding layers say what does not fit, in their own name") {
  CHECK_THROWS_WITH_AS(nn::ReflectionPad2d{1}(zeros({2, 3})),
                       doctest::Contains("[ReflectionPad2d] expected input of 3 or 4 dimensions, "
                                         "got shape [2, 3]"),
                       Error);
}
