#include "reel/kernels/random.h"

#include <algorithm>
#include <cmath>

#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

/// Splits a call at the borders of groups. `run(stream, begin, n)` handles elements from `begin`
/// on.
template <class Run>
void for_groups(RandomStream stream, Size n, Size per_group, const Run& run) {
  const Size groups = (n + per_group - 1) / per_group;
  parallel_for(groups, parallel_grain / per_group, [&](Size first, Size last) {
    const Size begin = first * per_group;
    run(RandomStream{stream.seed, stream.block + static_cast<std::uint64_t>(first * group_blocks)},
        begin, std::min(last * per_group, n) - begin);
  });
}

std::uint32_t threshold_for(double p) {
  return static_cast<std::uint32_t>(std::min(std::round(p * 0x1p32), 0x1p32 - 1));
}

}  // namespace

void philox(std::uint64_t key, std::uint64_t counter, std::uint32_t words[4],
            std::uint64_t counter_high) {
  auto c0 = static_cast<std::uint32_t>(counter);
  auto c1 = static_cast<std::uint32_t>(counter >> 32);
  auto c2 = static_cast<std::uint32_t>(counter_high);
  auto c3 = static_cast<std::uint32_t>(counter_high >> 32);
  auto k0 = static_cast<std::uint32_t>(key);
  auto k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * c0;
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(product1);
    c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(product0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

void uniform(RandomStream stream, Size n, float* out, double low, double high) {
  for_groups(stream, n, group_words, [=](RandomStream at, Size begin, Size count) {
    random_table().uniform32(at, count, out + begin, low, high);
  });
}

void uniform(RandomStream stream, Size n, double* out, double low, double high) {
  for_groups(stream, n, group_longs, [=](RandomStream at, Size begin, Size count) {
    random_table().uniform64(at, count, out + begin, low, high);
  });
}

void normal(RandomStream stream, Size n, float* out, double mean, double std) {
  for_groups(stream, n, group_longs, [=](RandomStream at, Size begin, Size count) {
    random_table().normal32(at, count, out + begin, mean, std);
  });
}

void normal(RandomStream stream, Size n, double* out, double mean, double std) {
  for_groups(stream, n, group_longs, [=](RandomStream at, Size begin, Size count) {
    random_table().normal64(at, count, out + begin, mean, std);
  });
}

void dropout(RandomStream stream, Size n, const float* x, float* out, double p, double scale) {
  for_groups(stream, n, group_words, [=](RandomStream at, Size begin, Size count) {
    random_table().dropout32(at, count, x + begin, out + begin, threshold_for(p), scale);
  });
}

void dropout(RandomStream stream, Size n, const double* x, double* out, double p, double scale) {
  for_groups(stream, n, group_words, [=](RandomStream at, Size begin, Size count) {
    random_table().dropout64(at, count, x + begin, out + begin, threshold_for(p), scale);
  });
}

void random_longs(RandomStream stream, Size n, std::uint64_t* out) {
  for_groups(stream, n, group_longs, [=](RandomStream at, Size begin, Size count) {
    std::uint32_t words[group_words];
    for (Size done = 0; done < count; done += group_longs, at.block += group_blocks) {
      random_table().words(at, 1, words);
      const Size here = std::min(group_longs, count - done);
      for (Size i = 0; i < here; ++i) {
        out[begin + done + i] = std::uint64_t{words[i]} << 32 | words[group_longs + i];
      }
    }
  });
}

}  // namespace reel::kernels
