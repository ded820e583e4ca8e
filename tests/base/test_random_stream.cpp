#include "reel/base/detail/random_stream.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <vector>

using reel::detail::RandomStream;

TEST_CASE("a random stream is a function of its keys") {
  RandomStream stream(7, 3);
  const std::array<std::uint64_t, 3> bits{0xccc4bbd87b858793, 0x2d32a7445761c8fb,
                                          0x600d8955193b3c3f};
  for (const std::uint64_t expected : bits) CHECK(stream.bits() == expected);
  static_assert(RandomStream(7, 3).bits() == 0xccc4bbd87b858793);
  CHECK(RandomStream(7, 4).bits() != RandomStream(7, 3).bits());
  CHECK(RandomStream(8, 3).bits() != RandomStream(7, 3).bits());
  CHECK(RandomStream(3, 7).bits() != RandomStream(7, 3).bits());
}

TEST_CASE("a random stream's numbers are uniform, the upper bound left out") {
  RandomStream stream(7, 3);
  for (const float expected : {2.199507474899292F, -0.29378342628479004F, 0.5008261203765869F})
    CHECK(stream.uniform(-1, 3) == expected);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const float x = stream.uniform(-1, 3);
    REQUIRE(x >= -1);
    REQUIRE(x < 3);
    sum += x;
  }
  CHECK(sum / 10'000 == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("a random stream takes its chances") {
  RandomStream stream(1, 2);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    hits += stream.chance(0.3F) ? 1 : 0;
    REQUIRE(stream.chance(1));
    REQUIRE_FALSE(stream.chance(0));
  }
  CHECK(hits == doctest::Approx(3000).epsilon(0.05));
}

TEST_CASE("a random stream's whole numbers below a bound are without bias") {
  RandomStream stream(7, 3);
  for (const std::uint64_t expected : {7U, 1U, 3U, 5U, 1U, 0U, 5U, 8U})
    CHECK(stream.below(10) == expected);
  CHECK(stream.below(1) == 0);
  std::vector<int> counts(3);
  for (int i = 0; i < 9000; ++i) ++counts.at(stream.below(3));
  for (const int count : counts) CHECK(count == doctest::Approx(3000).epsilon(0.05));
  // With a bound of 3/4 of all numbers a quarter of the draws is drawn again: the first of these.
  CHECK(RandomStream(14, 0).below(std::uint64_t{3} << 62) == 0x26caa3e654856f8b);
}
