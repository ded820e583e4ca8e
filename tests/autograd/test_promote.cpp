#include "reel/autograd/ops/promote.h"

#include <doctest/doctest.h>

#include "reel/autograd/error.h"

using namespace reel;
using detail::broadcast_shapes;
using detail::promote_types;

TEST_CASE("two dtypes promote to the smallest that holds both") {
  CHECK(promote_types(uint8, int32) == int32);
  CHECK(promote_types(int32, int64) == int64);
  CHECK(promote_types(bool_, uint8) == uint8);
  CHECK(promote_types(bool_, bool_) == bool_);
  CHECK(promote_types(int64, float32) == float32);
  CHECK(promote_types(float32, float64) == float64);
  CHECK(promote_types(float64, bool_) == float64);
}

TEST_CASE("shapes broadcast from the last dimension on") {
  CHECK(broadcast_shapes("add", {2, 3}, {3}) == Shape{2, 3});
  CHECK(broadcast_shapes("add", {}, {2}) == Shape{2});
  CHECK(broadcast_shapes("add", {4, 1, 3}, {2, 1}) == Shape{4, 2, 3});
  CHECK(broadcast_shapes("add", {1}, {0}) == Shape{0});
  CHECK(broadcast_shapes("add", {0, 1}, {1, 5}) == Shape{0, 5});
  CHECK_THROWS_WITH_AS(broadcast_shapes("add", {2, 3}, {4}),
                       "[add] expected shapes that broadcast together, got [2, 3] and [4]", Error);
}
