#include "reel/base/shape.h"

#include <doctest/doctest.h>

#include <vector>

#include "reel/base/error.h"

using namespace reel;

TEST_CASE("a shape is made from a number, a list or a range") {
  CHECK(Shape(3) == Shape{3});
  const std::vector<std::size_t> sizes{2, 3, 4};
  CHECK(Shape(sizes.begin(), sizes.end()) == Shape{2, 3, 4});
  CHECK(Shape{}.empty());
  CHECK(to_string(Shape{64, 3, 3, 3}) == "[64, 3, 3, 3]");
  CHECK(to_string(Shape{}) == "[]");
}

TEST_CASE("a shape counts its elements") {
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{2, 3}.numel() == 6);
  CHECK(Shape{2, 0, 3}.numel() == 0);
}

TEST_CASE("entries can be inserted and erased") {
  Shape shape{2, 4};
  shape.insert(1, 3);
  CHECK(shape == Shape{2, 3, 4});
  shape.erase(0);
  CHECK(shape == Shape{3, 4});
}

TEST_CASE("a ninth dimension is an error") {
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}),
                       "[Shape] expected at most 8 dimensions, got more", Error);
}

TEST_CASE("row-major layouts are recognised") {
  CHECK(detail::contiguous_strides({2, 3, 4}) == Strides{12, 4, 1});
  CHECK(detail::is_contiguous({2, 3}, {3, 1}));
  CHECK(detail::is_contiguous({2, 1}, {1, 77}));  // one entry has no neighbour
  CHECK_FALSE(detail::is_contiguous({2, 3}, {1, 2}));
  CHECK(detail::is_contiguous({0, 3}, {1, 2}));  // and no entries none at all
}

TEST_CASE("dimensions count from both ends") {
  CHECK(detail::wrap_dim("sum", -1, 3) == 2);
  CHECK(detail::wrap_dim("sum", 0, 0) == 0);
  CHECK_THROWS_WITH_AS(detail::wrap_dim("sum", 3, 2),
                       "[sum] expected a dimension in [-2, 1], got 3", Error);
}

TEST_CASE("entries are counted from both ends, and no others are read") {
  Shape shape{2, 3};
  CHECK(shape[-1] == 3);
  shape[-2] = 5;
  CHECK(shape == Shape{5, 3});
  CHECK_THROWS_WITH_AS(static_cast<void>(shape[2]),
                       "[Shape] expected an index in [-2, 1], got 2 for [5, 3]", Error);
  CHECK_THROWS_AS(static_cast<void>(shape[-3]), Error);
  CHECK_THROWS_AS(static_cast<void>(Shape{}[0]), Error);
  CHECK_THROWS_AS(static_cast<void>(Shape{}.back()), Error);
}
