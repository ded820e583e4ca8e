#pragma once

#include <cstdint>

#include "reel/kernels/array.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

/// Random numbers are made in groups of 16 Philox blocks, word `j` of block `b` at `words[16 * j +
/// b]`: an order that vectors of every width can write, so that all machines give the same numbers.
inline constexpr Size group_blocks = 16;
inline constexpr Size group_words = 4 * group_blocks;
/// 64-bit numbers, or numbers in double precision, from one group.
inline constexpr Size group_longs = group_words / 2;

/// One block of Philox4x32-10: four words from a 64-bit key and a counter whose upper half is
/// `counter_high`.
void philox(std::uint64_t key, std::uint64_t counter, std::uint32_t words[4],
            std::uint64_t counter_high = 0);

/// Where the numbers of a call begin.
struct RandomStream {
  std::uint64_t seed = 0;
  std::uint64_t block = 0;
};

/// Each fills or reads `n` elements of consecutive groups, starting at `stream`.
struct RandomTable {
  void (*words)(RandomStream stream, Size groups, std::uint32_t* out);
  void (*uniform32)(RandomStream stream, Size n, float* out, double low, double high);
  void (*uniform64)(RandomStream stream, Size n, double* out, double low, double high);
  void (*normal32)(RandomStream stream, Size n, float* out, double mean, double std);
  void (*normal64)(RandomStream stream, Size n, double* out, double mean, double std);
  /// out = word < threshold ? 0 : x * scale
  void (*dropout32)(RandomStream stream, Size n, const float* x, float* out,
                    std::uint32_t threshold, double scale);
  void (*dropout64)(RandomStream stream, Size n, const double* x, double* out,
                    std::uint32_t threshold, double scale);
};
REEL_DISPATCH_TABLE(RandomTable, random_table)

/// How many blocks `n` elements take where a group gives `per_group`.
constexpr std::uint64_t blocks_for(Size n, Size per_group) {
  return static_cast<std::uint64_t>((n + per_group - 1) / per_group * group_blocks);
}

// Arrays are dense, and filled in the order in which they lie in memory.

/// Numbers in `[low, high)`. float32 takes `group_words` to a group, float64 `group_longs`.
void uniform(RandomStream stream, double low, double high, const Array& out);

/// Normal numbers by the Box-Muller transform in double precision, `group_longs` to a group.
void normal(RandomStream stream, double mean, double std, const Array& out);

/// Zero with probability `p` in [0, 1], else `x / (1 - p)`; `group_words` to a group.
void dropout(RandomStream stream, double p, const ConstArray& x, const Array& out);

/// Integers from `low` on, `range` of them, each as probable as another: int64, `group_longs` to a
/// group.
void integers(RandomStream stream, Size low, std::uint64_t range, const Array& out);

/// The numbers from 0 to n - 1 in a random order, for a vector of n elements of any dtype that
/// holds them; `group_longs` to a group.
void permutation(RandomStream stream, const Array& out);

/// A number below `bound` from 64 random bits; the bias is below `bound / 2^64`.
inline std::uint64_t below(std::uint64_t bits, std::uint64_t bound) {
#if defined(__SIZEOF_INT128__)
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(bits) * bound >> 64);
#else
  const std::uint64_t high = (bits >> 32) * (bound >> 32);
  const std::uint64_t middle1 = (bits >> 32) * (bound & 0xffffffff);
  const std::uint64_t middle2 = (bits & 0xffffffff) * (bound >> 32);
  const std::uint64_t low = (bits & 0xffffffff) * (bound & 0xffffffff);
  const std::uint64_t carry = (low >> 32) + (middle1 & 0xffffffff) + (middle2 & 0xffffffff);
  return high + (middle1 >> 32) + (middle2 >> 32) + (carry >> 32);
#endif
}

}  // namespace reel::kernels
