#include "reel/base/detail/broadcast.h"
#include "reel/base/detail/promotion.h"
#include "reel/ops/support/promote.h"

#include <doctest/doctest.h>

#include "reel/base/error.h"
#include "reel/ops/ops.h"

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

TEST_CASE("a number that the integers of a tensor do not hold is refused") {
  const Tensor bytes = ones({2}, {.dtype = uint8}), ints = ones({2}, {.dtype = int32});
  CHECK_THROWS_WITH_AS(ints + 5000000000,
                       "[add] expected values that fit dtype int32, got 5000000000", Error);
  CHECK_THROWS_AS(static_cast<void>(bytes == 257), Error);
  CHECK_THROWS_AS(bytes * -1, Error);
  CHECK_THROWS_AS(where(bytes == 1, bytes, 300), Error);
  CHECK_THROWS_AS(ints.mul_(std::int64_t{1} << 31), Error);
  CHECK((bytes + 254)[0].item() == 255);
  CHECK((bytes.to(int64) * -1)[0].item() == -1);
  CHECK((ones({2}, {.dtype = bool_}) && 5)[0].item<bool>());
}
