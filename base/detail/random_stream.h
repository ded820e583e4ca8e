#pragma once

#include <cstdint>

namespace reel::detail {

/// A stream of random numbers that is a pure function of its two keys, so that image 12345 or
/// epoch 7 comes out the same in whatever order and on whatever thread it is made (SplitMix64,
/// Steele, Lea and Flood 2014).
class RandomStream {
 public:
  constexpr RandomStream(std::uint64_t seed, std::uint64_t stream)
      : state_(mix(seed + step) ^ mix(stream * step)) {}

  constexpr std::uint64_t bits() { return mix(state_ += step); }

  /// Uniform in [low, high).
  constexpr float uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(bits() >> 40) * 0x1p-24F;
  }

  constexpr bool chance(float probability) { return uniform(0, 1) < probability; }

  /// Uniform in [0, n), without bias (Lemire 2019).
  constexpr std::uint64_t below(std::uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    Wide product = static_cast<Wide>(bits()) * n;
    if (static_cast<std::uint64_t>(product) < n) {
      const std::uint64_t rejected = -n % n;
      while (static_cast<std::uint64_t>(product) < rejected)
        product = static_cast<Wide>(bits()) * n;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  static constexpr std::uint64_t step = 0x9e3779b97f4a7c15;

  static constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  std::uint64_t state_;
};

}  // namespace reel::detail
