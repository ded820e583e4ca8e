#pragma once

#include <atomic>
#include <cstdint>

#include "reel/base/export.h"

namespace reel {

/// Where random numbers come from: a seed and how many were taken.
///
/// Numbers are a function of seed and position alone (Philox4x32-10, Salmon et al., "Parallel
/// random numbers: as easy as 1, 2, 3", SC 2011), so that they are the same for any number of
/// threads and on any machine, and the whole state is 16 bytes. Also a C++ uniform random bit
/// generator, for `std::shuffle` and the distributions of `<random>`.
///
/// Several threads may draw from one generator; each gets numbers of its own, but which ones then
/// depends on who comes first: `split` a generator for each thread where that matters.
class REEL_API Generator {
 public:
  using result_type = std::uint64_t;

  /// All that tells a generator from another.
  struct State {
    std::uint64_t seed = 0;    ///< which sequence of numbers it is
    std::uint64_t offset = 0;  ///< blocks of 128 bits taken so far
    friend bool operator==(const State&, const State&) = default;
  };

  /// At the start of the sequence `seed`.
  explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}
  /// Goes on where another was when it gave its `state()`.
  explicit Generator(const State& state) : seed_(state.seed), offset_(state.offset) {}
  /// Goes on with the same numbers as `other`, on its own.
  Generator(const Generator& other) : Generator(other.state()) {}
  /// Takes over the state of `other`.
  Generator& operator=(const Generator& other) {
    set_state(other.state());
    return *this;
  }

  /// The seed that it was last given.
  std::uint64_t seed() const { return seed_.load(std::memory_order_relaxed); }
  /// Starts over from `seed`.
  void manual_seed(std::uint64_t seed) { set_state({seed, 0}); }

  /// What a checkpoint keeps: `set_state` of it continues with the same numbers.
  State state() const { return {seed(), offset_.load(std::memory_order_relaxed)}; }
  /// Goes on from a state that some generator had.
  void set_state(const State& state) {
    seed_.store(state.seed, std::memory_order_relaxed);
    offset_.store(state.offset, std::memory_order_relaxed);
  }

  /// A generator whose numbers are independent of this one's; splits of equal states are equal.
  Generator split() { return Generator((*this)()); }

  /// The next 64 random bits.
  std::uint64_t operator()();
  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

  /// Takes the next `blocks` blocks for the caller: the state at the first of them.
  State take(std::uint64_t blocks) {
    return {seed(), offset_.fetch_add(blocks, std::memory_order_relaxed)};
  }

 private:
  std::atomic<std::uint64_t> seed_;
  std::atomic<std::uint64_t> offset_{0};
};

/// The generator that is used where none is given; seeded by the system at the start of the
/// program.
REEL_API Generator& default_generator();

/// Starts the default generator over from `seed`. Follows `torch.manual_seed`.
REEL_API void manual_seed(std::uint64_t seed);

}  // namespace reel
