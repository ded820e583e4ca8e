// Random numbers that are the same bit for bit on every instruction set. So this file is compiled
// without contraction of a * b + c (see cmake/ReelSimd.cmake), and uses only operations that IEEE
// 754 rounds correctly: + - * / sqrt.

#include "reel/kernels/random.h"

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

using std::uint32_t;
using std::uint64_t;
using Words = Lanes<uint64_t>;  // each a 32-bit word in its lower half; the upper is ignored

/// The 64-bit products of the lower halves.
inline Words multiply_words(const Words& a, const Words& b) {
#if defined(__AVX512F__)
  return (Words)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Words)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

void random_words(RandomStream stream, uint32_t* __restrict out) {
  uint64_t steps[lane_count<uint64_t>];
  for (Size i = 0; i < lane_count<uint64_t>; ++i) steps[i] = static_cast<uint64_t>(i);
  const Words lane = load(steps);
  for (Size b = 0; b < group_blocks; b += lane_count<uint64_t>) {
    Words c0 = lane + (stream.block + static_cast<uint64_t>(b));
    Words c1 = c0 >> 32;
    Words c2 = {};
    Words c3 = {};
    auto k0 = static_cast<uint32_t>(stream.seed);
    auto k1 = static_cast<uint32_t>(stream.seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const Words product0 = multiply_words(c0, splat(uint64_t{0xD2511F53}));
      const Words product1 = multiply_words(c2, splat(uint64_t{0xCD9E8D57}));
      c0 = (product1 >> 32) ^ c1 ^ uint64_t { k0 };
      c1 = product1;
      c2 = (product0 >> 32) ^ c3 ^ uint64_t { k1 };
      c3 = product0;
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    uint64_t words[4][lane_count<uint64_t>];
    store(words[0], c0);
    store(words[1], c1);
    store(words[2], c2);
    store(words[3], c3);
    for (Size j = 0; j < 4; ++j) {
      for (Size i = 0; i < lane_count<uint64_t>; ++i) {
        out[group_blocks * j + b + i] = static_cast<uint32_t>(words[j][i]);
      }
    }
  }
}

void all_words(RandomStream stream, Size groups, uint32_t* out) {
  for (Size g = 0; g < groups; ++g, stream.block += group_blocks) {
    random_words(stream, out + g * group_words);
  }
}

/// A number in [0, 1) from the upper 52 bits.
inline double unit(uint32_t high, uint32_t low) {
  const uint64_t mantissa = (uint64_t{high} << 32 | low) >> 12;
  return __builtin_bit_cast(double, mantissa | 0x3ff0000000000000) - 1.0;
}

/// The natural logarithm of u in [2^-52, 1], to about 1e-15.
inline double log_of(double u) {
  constexpr uint64_t sqrt_half = 0x3fe6a09e667f3bcd;
  const uint64_t shifted =
      __builtin_bit_cast(uint64_t, u) + (uint64_t{0x3ff0000000000000} - sqrt_half);
  const double exponent =
      __builtin_bit_cast(double, shifted >> 52 | 0x4330000000000000) - (0x1p52 + 1023);
  const double m = __builtin_bit_cast(double, (shifted & 0x000fffffffffffff) + sqrt_half);
  const double f = (m - 1) / (m + 1);  // log(m) = 2 atanh(f), |f| < 0.172
  const double s = f * f;
  double series = 1.0 / 21;
  series = series * s + 1.0 / 19;
  series = series * s + 1.0 / 17;
  series = series * s + 1.0 / 15;
  series = series * s + 1.0 / 13;
  series = series * s + 1.0 / 11;
  series = series * s + 1.0 / 9;
  series = series * s + 1.0 / 7;
  series = series * s + 1.0 / 5;
  series = series * s + 1.0 / 3;
  series = series * s;
  return exponent * 0x1.62e42fefa39efp-1 + (2 * f + 2 * f * series);
}

/// cos and sin of 2 pi u for u in [0, 1), by their Taylor series on [-pi/4, pi/4].
inline void circle(double u, double& cosine, double& sine) {
  const double magic =
      4 * u + 0x1.8p52;  // rounds to the nearest quarter turn, kept in the low bits
  const uint64_t quarter = __builtin_bit_cast(uint64_t, magic);
  const double angle = (u - (magic - 0x1.8p52) * 0.25) * 0x1.921fb54442d18p+2;
  const double s = angle * angle;
  double sin_series = -1.0 / 1307674368000;
  sin_series = sin_series * s + 1.0 / 6227020800;
  sin_series = sin_series * s - 1.0 / 39916800;
  sin_series = sin_series * s + 1.0 / 362880;
  sin_series = sin_series * s - 1.0 / 5040;
  sin_series = sin_series * s + 1.0 / 120;
  sin_series = sin_series * s - 1.0 / 6;
  const double near_sine = angle + angle * s * sin_series;
  double cos_series = 1.0 / 20922789888000;
  cos_series = cos_series * s - 1.0 / 87178291200;
  cos_series = cos_series * s + 1.0 / 479001600;
  cos_series = cos_series * s - 1.0 / 3628800;
  cos_series = cos_series * s + 1.0 / 40320;
  cos_series = cos_series * s - 1.0 / 720;
  cos_series = cos_series * s + 1.0 / 24;
  cos_series = cos_series * s - 0.5;
  const double near_cosine = 1 + s * cos_series;
  const auto near_sine_bits = __builtin_bit_cast(uint64_t, near_sine);
  const auto near_cosine_bits = __builtin_bit_cast(uint64_t, near_cosine);
  const uint64_t swap = uint64_t{0} - (quarter & 1);
  const uint64_t difference = (near_sine_bits ^ near_cosine_bits) & swap;
  sine = __builtin_bit_cast(double, near_sine_bits ^ difference ^ (quarter & 2) << 62);
  cosine = __builtin_bit_cast(double, near_cosine_bits ^ difference ^ ((quarter + 1) & 2) << 62);
}

/// 32 normal numbers from the 64 words of a group.
__attribute__((noinline)) void box_muller(const uint32_t* __restrict words,
                                          double* __restrict out) {
  for (Size b = 0; b < group_blocks; ++b) {
    const double u = unit(words[b], words[2 * group_blocks + b]);
    const double v = unit(words[group_blocks + b], words[3 * group_blocks + b]);
    const double radius = __builtin_sqrt(-2 * log_of(1 - u));
    double cosine, sine;
    circle(v, cosine, sine);
    out[b] = radius * cosine;
    out[group_blocks + b] = radius * sine;
  }
}

/// Calls `fill(words, out)` for each group; the last one's numbers go through a buffer.
template <Size per_group, class T, class Fill>
inline void each_group(RandomStream stream, Size n, T* out, const Fill& fill) {
  alignas(64) uint32_t words[group_words];
  for (; n > 0; n -= per_group, out += per_group, stream.block += group_blocks) {
    random_words(stream, words);
    if (n >= per_group) {
      fill(words, out);
    } else {
      alignas(64) T last[per_group];
      fill(words, last);
      for (Size i = 0; i < n; ++i) out[i] = last[i];
    }
  }
}

__attribute__((noinline)) void scale32(const uint32_t* __restrict words, float* __restrict out,
                                       float low, float range, float high, float last) {
  for (Size i = 0; i < group_words; ++i) {
    const float u = static_cast<float>(static_cast<std::int32_t>(words[i] >> 8)) * 0x1p-24f;
    const float value = low + u * range;
    out[i] = value < high ? value : last;  // rounding may have reached `high`
  }
}

__attribute__((noinline)) void scale64(const uint32_t* __restrict words, double* __restrict out,
                                       double low, double range, double high, double last) {
  for (Size i = 0; i < group_longs; ++i) {
    const double value = low + unit(words[i], words[group_longs + i]) * range;
    out[i] = value < high ? value : last;
  }
}

void uniform32(RandomStream stream, Size n, float* out, double low, double high) {
  const auto top = static_cast<float>(high);
  const auto bottom = static_cast<float>(low);
  const float last = top > bottom ? __builtin_nextafterf(top, bottom) : bottom;
  const auto range = static_cast<float>(high - low);
  each_group<group_words>(stream, n, out, [=](const uint32_t* words, float* to) {
    scale32(words, to, bottom, range, top, last);
  });
}

void uniform64(RandomStream stream, Size n, double* out, double low, double high) {
  const double last = high > low ? __builtin_nextafter(high, low) : low;
  each_group<group_longs>(stream, n, out, [=](const uint32_t* words, double* to) {
    scale64(words, to, low, high - low, high, last);
  });
}

template <class T>
inline void fill_normal(RandomStream stream, Size n, T* out, double mean, double std) {
  each_group<group_longs>(stream, n, out, [=](const uint32_t* words, T* to) {
    alignas(64) double normals[group_longs];
    box_muller(words, normals);
    for (Size i = 0; i < group_longs; ++i) to[i] = static_cast<T>(mean + std * normals[i]);
  });
}

void normal32(RandomStream stream, Size n, float* out, double mean, double std) {
  fill_normal(stream, n, out, mean, std);
}

void normal64(RandomStream stream, Size n, double* out, double mean, double std) {
  fill_normal(stream, n, out, mean, std);
}

template <class T>
inline void keep_or_drop(const uint32_t* __restrict words, Size n, const T* x, T* out,
                         uint32_t threshold, T scale) {
  REEL_INDEPENDENT
  for (Size i = 0; i < n; ++i) {
    const T scaled = x[i] * scale;
    out[i] = words[i] < threshold ? T{0} : scaled;
  }
}

template <class T>
inline void drop_some(RandomStream stream, Size n, const T* x, T* out, uint32_t threshold,
                      double scale) {
  alignas(64) uint32_t words[group_words];
  const auto factor = static_cast<T>(scale);
  Size i = 0;
  for (; i + group_words <= n; i += group_words, stream.block += group_blocks) {
    random_words(stream, words);
    keep_or_drop(words, group_words, x + i, out + i, threshold, factor);
  }
  if (i < n) {
    random_words(stream, words);
    keep_or_drop(words, n - i, x + i, out + i, threshold, factor);
  }
}

void dropout32(RandomStream stream, Size n, const float* x, float* out, uint32_t threshold,
               double scale) {
  drop_some(stream, n, x, out, threshold, scale);
}

void dropout64(RandomStream stream, Size n, const double* x, double* out, uint32_t threshold,
               double scale) {
  drop_some(stream, n, x, out, threshold, scale);
}

}  // namespace

const RandomTable& random_table() {
  static constexpr RandomTable table{.words = all_words,
                                     .uniform32 = uniform32,
                                     .uniform64 = uniform64,
                                     .normal32 = normal32,
                                     .normal64 = normal64,
                                     .dropout32 = dropout32,
                                     .dropout64 = dropout64};
  return table;
}

}  // namespace reel::kernels::REEL_ISA
