#pragma once

// Internal, for files of folders simd/ only: logarithms of registers, and the inverses of hyperbolic
// functions, which are made of them. Within a few ulp, as lane_math.h is.

#include "reel/kernels/simd/lane_math.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class T>
struct LogConstants;

// The polynomials are those of FreeBSD's log: 2 atanh(s) / s - 2 = s^2 (even(s^4) + s^2 odd(s^4)).
template <>
struct LogConstants<float> {
  static constexpr std::uint32_t one = 0x3f800000, sqrt_half = 0x3f3504f3;
  static constexpr float smallest = 1.17549435e-38f;
  static constexpr float ln2_high = 0.693359375f, ln2_low = -0.00021219444f;
  static constexpr float even[] = {0.6666666f, 0.28498787f}, odd[] = {0.40000972f, 0.24279079f};
  static constexpr std::uint32_t high_bits = 0xfffff000;
};
template <>
struct LogConstants<double> {
  static constexpr std::uint64_t one = 0x3ff0000000000000, sqrt_half = 0x3fe6a09e00000000;
  static constexpr double smallest = 2.2250738585072014e-308;
  static constexpr double ln2_high = 0.6931471803691238, ln2_low = 1.9082149292705877e-10;
  static constexpr double even[] = {0.6666666666666735, 0.2857142874366239, 0.1818357216161805,
                                    0.14798198605116586};
  static constexpr double odd[] = {0.3999999999940942, 0.22222198432149784, 0.15313837699209373};
  static constexpr std::uint64_t high_bits = 0xffffffff00000000;
};

/// x = 2^k (1 + f) with 1 + f from sqrt(1/2) to sqrt(2).
template <class T>
struct Split {
  Lanes<T> k, f;
};
/// Of normal numbers.
template <class T>
REEL_INLINE Split<T> split(const Lanes<T>& x) {
  using C = LogConstants<T>;
  constexpr int mantissa = ExpConstants<T>::mantissa;
  const LaneBits<T> bits = (LaneBits<T>)x + (C::one - C::sqrt_half);
  const T magic = ExpConstants<T>::magic;  // makes a float of a whole number
  const LaneBits<T> k = (bits >> mantissa) - (C::one >> mantissa) + (LaneBits<T>)splat(magic);
  const LaneBits<T> m = (bits & ((decltype(C::one){1} << mantissa) - 1)) + C::sqrt_half;
  return {(Lanes<T>)k - magic, (Lanes<T>)m - T(1)};
}

/// log(1 + f) = f - half_square + s rest.
template <class T>
struct LogTerms {
  Lanes<T> half_square, s, rest;
};
template <class T>
REEL_INLINE LogTerms<T> log_terms(const Lanes<T>& f) {
  using C = LogConstants<T>;
  const Lanes<T> s = f / (T(2) + f);
  const Lanes<T> z = s * s, w = z * z;
  const Lanes<T> odd = w * polynomial<T>(w, C::odd), even = z * polynomial<T>(w, C::even);
  const Lanes<T> half_square = T(0.5) * f * f;
  return {half_square, s, half_square + (even + odd)};
}

/// log(2^k (1 + f)) + more, `more` no greater than an ulp of it.
template <class T>
REEL_INLINE Lanes<T> log_of(const Lanes<T>& k, const Lanes<T>& f, const Lanes<T>& more) {
  using C = LogConstants<T>;
  const auto [half_square, s, rest] = log_terms<T>(f);
  const Lanes<T> low = mul_add<T>(s, rest, k * C::ln2_low + more) - half_square + f;
  return mul_add<T>(k, splat(C::ln2_high), low);
}

/// The same for another base.
template <class T>
struct LogBase {
  T inverse_high, inverse_low;  // 1 / log(base)
  T step_high, step_low;        // log(2) / log(base)
};
template <class T>
REEL_INLINE Lanes<T> log_of(const Lanes<T>& k, const Lanes<T>& f, const LogBase<T>& base) {
  const auto [half_square, s, rest] = log_terms<T>(f);
  const Lanes<T> high = (Lanes<T>)((LaneBits<T>)(f - half_square) & LogConstants<T>::high_bits);
  const Lanes<T> low = mul_add<T>(s, rest, f - high - half_square);
  const Lanes<T> large = k * base.step_high, middle = high * base.inverse_high;  // both exact
  const Lanes<T> small =
      k * base.step_low + (low + high) * base.inverse_low + low * base.inverse_high;
  const Lanes<T> sum = large + middle;
  return small + ((large - sum) + middle) + sum;
}

/// A logarithm for any x, by one of normal numbers given as k and f.
template <class T, class F>
REEL_INLINE Lanes<T> log_by(const Lanes<T>& x, const F& of_normal) {
  const T smallest = LogConstants<T>::smallest, infinity = static_cast<T>(__builtin_inf());
  const bool usual = all<T>((x >= smallest) & (x < infinity));
  Lanes<T> normal = x, shift = {};
  if (!usual) {
    normal = x < smallest ? x * T(18014398509481984) : x;  // 2^54
    shift = x < smallest ? splat(T(54)) : shift;
  }
  const auto [k, f] = split<T>(normal);
  const Lanes<T> y = of_normal(k - shift, f);
  if (usual) return y;
  const Lanes<T> of_positive = x == infinity ? x : y;
  const Lanes<T> of_number = x == T(0) ? splat(-infinity) : of_positive;
  return x >= T(0) ? of_number : splat(static_cast<T>(__builtin_nan("")));
}

#if defined(__AVX512F__)
/// x = 2^exponent mantissa with the mantissa from 3/4 to 3/2; of x = 0 and infinity minus infinity
/// and infinity, the mantissa 1. The mantissa has the sign of x.
struct Parts {
  FloatLanes exponent, mantissa;
};
REEL_INLINE Parts parts_of(const FloatLanes& x) {
  const FloatLanes m = _mm512_maskz_getmant_ps(0xffff, x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
  const FloatLanes of_x = _mm512_maskz_getexp_ps(0xffff, x);
  const FloatLanes of_m = _mm512_maskz_getexp_ps(0xffff, m);
  return {of_x - of_m, m};
}

/// k ln 2 + log(1 + r) for r from -1/4 to 1/2: r - r^2 / 2 + r^3 P(r), P minimax.
REEL_INLINE FloatLanes log_from_parts(const FloatLanes& k, const FloatLanes& r) {
  using C = ExpConstants<float>;
  constexpr float c[] = {0.33333449277f, -0.25000096686f, 0.19990856107f, -0.16647277525f,
                         0.14478392665f, -0.13161512784f, 0.10463715582f, -0.045079288492f};
  const FloatLanes curved = (r * r) * mul_add<float>(polynomial<float>(r, c), r, splat(-0.5f));
  return mul_add<float>(k, splat(C::ln2_high), r + mul_add<float>(k, splat(C::ln2_low), curved));
}
#endif

template <class T>
inline Lanes<T> log(const Lanes<T>& x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const auto [k, m] = parts_of(x);
    return x < 0.0f ? splat(__builtin_nanf("")) : log_from_parts(k, m - 1.0f);
  }
#endif
  return log_by<T>(
      x, [](const Lanes<T>& k, const Lanes<T>& f)
             __attribute__((always_inline)) { return log_of<T>(k, f, Lanes<T>{}); });
}

/// The same for normal numbers above 0.
template <class T>
REEL_INLINE Lanes<T> log_of_normal(const Lanes<T>& x) {
  const auto [k, f] = split<T>(x);
  return log_of<T>(k, f, Lanes<T>{});
}

template <class T>
inline Lanes<T> log2(const Lanes<T>& x) {
  return log_by<T>(
      x, [](const Lanes<T>& k, const Lanes<T>& f) __attribute__((always_inline)) {
        if constexpr (sizeof(T) == 4) {
          return log_of<T>(k, f, LogBase<T>{1.4428711f, -0.00017605285f, 1, 0});
        } else {
          return log_of<T>(k, f, LogBase<T>{1.4426950407214463, 1.6751713164886512e-10, 1, 0});
        }
      });
}

template <class T>
inline Lanes<T> log10(const Lanes<T>& x) {
  return log_by<T>(
      x, [](const Lanes<T>& k, const Lanes<T>& f) __attribute__((always_inline)) {
        if constexpr (sizeof(T) == 4) {
          return log_of<T>(k, f,
                           LogBase<T>{4.3432617188e-01f, -3.1689971365e-05f, 3.0102920532e-01f,
                                      7.9034151668e-07f});
        } else {
          return log_of<T>(k, f,
                           LogBase<T>{4.34294481878168880939e-01, 2.50829467116452752298e-11,
                                      3.01029995663611771306e-01, 3.69423907715893078616e-13});
        }
      });
}

template <class T>
inline Lanes<T> log1p(const Lanes<T>& x) {
  const Lanes<T> u = x + T(1);
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const auto [k, m] = parts_of(u);
    // What u was rounded by belongs to its mantissa.
    const FloatLanes rest = u - 1.0f;
    const FloatLanes lost = (x - rest) + (1.0f - (u - rest));
    const __mmask16 finite = _mm512_cmp_ps_mask(abs<float>(k), _mm512_set1_ps(200.0f), _CMP_LT_OQ);
    const FloatLanes lost_of_m = _mm512_maskz_scalef_ps(finite, lost, -k);
    const FloatLanes y = log_from_parts(k, (m - 1.0f) + lost_of_m);
    const FloatLanes of_number = u < 0.0f ? splat(__builtin_nanf("")) : y;
    return x == 0.0f ? x : of_number;
  }
#endif
  const auto [k, f] = split<T>(u);
  const T infinity = static_cast<T>(__builtin_inf());
  const Lanes<T> lost = k >= T(2) ? T(1) - (u - x) : x - (u - T(1));
  const Lanes<T> y = log_of<T>(k, f, lost / u);
  const Lanes<T> of_positive = x == infinity ? x : y;
  const Lanes<T> of_number = u == T(0) ? splat(-infinity) : of_positive;
  // Like the sum of -0 and 0, y has lost the sign of a zero.
  const Lanes<T> of_0 = x == T(0) ? x : of_number;
  return u >= T(0) ? of_0 : splat(static_cast<T>(__builtin_nan("")));
}

/// log(1 + u) = 2 atanh(s), s = u / (2 + u), for u from 0 to 1.
template <class T>
inline Lanes<T> log1p_of_fraction(const Lanes<T>& u) {
  const Lanes<T> s = quotient<T>(u, T(2) + u);
  const Lanes<T> square = s * s;
  Lanes<T> q;  // (atanh(s) / s - 1) / s^2, minimax
  if constexpr (sizeof(T) == 4) {
    constexpr T c[] = {0.33333333678f, 0.19999848154f, 0.14296405343f, 0.10850020828f,
                       0.11626891342f};
    q = polynomial<T>(square, c);
  } else {
    constexpr T c[] = {0.33333333333333333449,  0.19999999999999750023,  0.14285714285803391947,
                       0.11111111098732680901,  0.090909099715785318373, 0.076922712221930744235,
                       0.066676048834095503073, 0.058669422600805942482, 0.054240996347177616248,
                       0.037396697661247508944, 0.078268208010485140921};
    q = polynomial<T>(square, c);
  }
  return T(2) * mul_add<T>(s * square, q, s);
}

// ---- inverses of hyperbolic functions

/// log(1 + x) + log 2 where `doubled`.
template <class T>
REEL_INLINE Lanes<T> log1p_doubled(const Lanes<T>& x, const LaneMask<T>& doubled) {
  const Lanes<T> y = log1p<T>(x);
  return doubled ? y + T(0.69314718055994530942) : y;
}

/// asinh |x| = log(|x| + sqrt(x^2 + 1)), which is log(2 |x|) where 1 is nothing beside x^2.
template <class T>
inline Lanes<T> asinh(const Lanes<T>& x) {
  const Lanes<T> size = abs<T>(x), square = size * size;
  const LaneMask<T> large = size > T(sizeof(T) == 4 ? 2896.3093 : 67108864);
  const Lanes<T> argument = size + square / (T(1) + sqrt<T>(T(1) + square));
  return copysign<T>(log1p_doubled<T>(large ? size - T(1) : argument, large), x);
}

/// acosh x = log(x + sqrt(x^2 - 1)).
template <class T>
inline Lanes<T> acosh(const Lanes<T>& x) {
  const Lanes<T> t = x - T(1);
  const LaneMask<T> large = t > T(sizeof(T) == 4 ? 4194304.0 : 2251799813685248.0);
  const Lanes<T> y = log1p_doubled<T>(large ? x : t + sqrt<T>(t + t + t * t), large);
  return x < T(1) ? splat(static_cast<T>(__builtin_nan(""))) : y;
}

/// atanh |x| = log((1 + |x|) / (1 - |x|)) / 2.
template <class T>
inline Lanes<T> atanh(const Lanes<T>& x) {
  const Lanes<T> size = abs<T>(x), twice = size + size;
  const LaneMask<T> small = size < T(0.5);
  const Lanes<T> q = (small ? size : twice) / (T(1) - size);
  return copysign<T>(T(0.5) * log1p<T>(small ? mul_add<T>(twice, q, twice) : q), x);
}

}  // namespace
}  // namespace reel::kernels::REEL_ISA
