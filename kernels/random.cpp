#include "reel/kernels/random.h"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <utility>
#include <vector>

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

/// The one of two functions that is for T.
template <class T, class F32, class F64>
auto of(F32 of_float, F64 of_double) {
  if constexpr (std::same_as<T, float>) {
    return of_float;
  } else {
    return of_double;
  }
}

/// 64 random bits each, `group_longs` to a group.
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

void uniform(RandomStream stream, double low, double high, const Array& out) {
  with_floating(out.dtype(), [&]<class T>(T) {
    constexpr bool is_float = std::same_as<T, float>;
    const auto fill = of<T>(random_table().uniform32, random_table().uniform64);
    T* to = out.as<T>();
    for_groups(
        stream, out.numel(), is_float ? group_words : group_longs,
        [=](RandomStream at, Size begin, Size count) { fill(at, count, to + begin, low, high); });
  });
}

void normal(RandomStream stream, double mean, double std, const Array& out) {
  with_floating(out.dtype(), [&]<class T>(T) {
    const auto fill = of<T>(random_table().normal32, random_table().normal64);
    T* to = out.as<T>();
    for_groups(stream, out.numel(), group_longs, [=](RandomStream at, Size begin, Size count) {
      fill(at, count, to + begin, mean, std);
    });
  });
}

void dropout(RandomStream stream, double p, const ConstArray& x, const Array& out) {
  with_floating(x.dtype(), [&]<class T>(T) {
    const T* from = x.as<T>();
    T* to = out.as<T>();
    const Size n = x.numel();
    if (p == 1) {
      std::fill_n(to, n, T{0});
      return;
    }
    const auto drop = of<T>(random_table().dropout32, random_table().dropout64);
    for_groups(stream, n, group_words, [=](RandomStream at, Size begin, Size count) {
      drop(at, count, from + begin, to + begin, threshold_for(p), 1 / (1 - p));
    });
  });
}

void integers(RandomStream stream, Size low, std::uint64_t range, const Array& out) {
  auto* numbers = reinterpret_cast<std::uint64_t*>(out.as<Size>());
  const Size n = out.numel();
  random_longs(stream, n, numbers);
  for (Size i = 0; i < n; ++i) {
    numbers[i] = static_cast<std::uint64_t>(low) + below(numbers[i], range);
  }
}

void permutation(RandomStream stream, const Array& out) {
  const Size n = out.numel();
  std::vector<std::uint64_t> bits(static_cast<std::size_t>(n));
  random_longs(stream, n, bits.data());
  with_dtype(out.dtype(), [&]<class T>(T) {
    T* to = out.as<T>();
    for (Size i = 0; i < n; ++i) to[i] = static_cast<T>(i);
    for (Size left = n; left > 1; --left) {  // Fisher and Yates
      const auto pick =
          below(bits[static_cast<std::size_t>(left - 1)], static_cast<std::uint64_t>(left));
      std::swap(to[left - 1], to[pick]);
    }
  });
}

}  // namespace reel::kernels
