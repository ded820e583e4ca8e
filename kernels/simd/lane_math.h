#pragma once

// Internal, for files of folders simd/ only: exp, log and their kin on registers. Within a few ulp of
// the correctly rounded result everywhere, infinities, NaNs and denormals included.

#include <cstdint>

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr int mantissa = 23;
  static constexpr float lowest = -103.98f, highest = 89.0f;  // beyond: 0 and infinity
  static constexpr float lowest_normal = -87.33f;
  static constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds
  static constexpr float ln2_high = 0.693145751953125f, ln2_low = 1.42860682030941723e-6f;
  // Minimax for (e^r - 1 - r) / r^2 on |r| <= ln2 / 2; relative error of e^r below 1e-8.
  static constexpr float q[] = {0.5000000028f, 0.166665752f, 0.04166636943f, 0.008363474926f,
                                0.001394163344f};
};

template <>
struct ExpConstants<double> {
  static constexpr int mantissa = 52;
  static constexpr double lowest = -745.14, highest = 710.0;
  static constexpr double lowest_normal = -708.39;
  static constexpr double magic = 6755399441055744.0;
  static constexpr double ln2_high = 0.6931471805582987144589424,
                          ln2_low = 1.646594958289708128098443e-12;
  static constexpr double q[] = {0.500000000000000107,     0.166666666666666749,
                                 0.041666666666622431,     0.00833333333332177857,
                                 0.00138888889180568474,   0.000198412698878941857,
                                 0.0000248015199924066516, 2.75572408756779155e-6,
                                 2.76207054624778736e-7,   2.51105956290891485e-8};
};

/// Calls a function on each value, for what has no vector form of the wanted accuracy.
template <class T, class F>
REEL_INLINE Lanes<T> each(const F& f, const Lanes<T>& x, const Lanes<T>& y) {
  T a[lane_count<T>], b[lane_count<T>];
  store(a, x);
  store(b, y);
  for (Size i = 0; i < lane_count<T>; ++i) a[i] = f(a[i], b[i]);
  return load(a);
}
/// A function of one double, value by value. It works on memory: where registers are passed, GCC
/// forgets to tell the processor before the call that their upper halves are free again, and libm,
/// compiled for older machines, then waits for them at every instruction.
template <class T>
__attribute__((noinline)) void replace_each(double (*f)(double), T* values) {
  for (Size i = 0; i < lane_count<T>; ++i) {
    values[i] = static_cast<T>(f(static_cast<double>(values[i])));
  }
}
template <class T>
REEL_INLINE Lanes<T> one_by_one(double (*f)(double), const Lanes<T>& x) {
  T values[lane_count<T>];
  store(values, x);
  replace_each(f, values);
  return load(values);
}

/// c[0] + c[1] x + c[2] x^2 + ...
template <class T, Size N>
REEL_INLINE Lanes<T> polynomial(const Lanes<T>& x, const T (&c)[N]) {
  Lanes<T> y = splat(c[N - 1]);
  for (Size i = N - 2; i >= 0; --i) y = mul_add<T>(y, x, splat(c[i]));
  return y;
}

// ---- exp

/// 2^n for whole numbers n, given as n + magic, inside the range of normal numbers.
template <class T>
REEL_INLINE Lanes<T> power_of_two(const Lanes<T>& n_plus_magic) {
  const LaneBits<T> exponent = (LaneBits<T>)n_plus_magic << ExpConstants<T>::mantissa;
  return (Lanes<T>)(exponent + (LaneBits<T>)splat(T(1)));
}

/// x = n ln2 + r with n whole and |r| <= ln2 / 2.
template <class T>
struct Reduced {
  Lanes<T> n, r;
};
template <class T>
REEL_INLINE Reduced<T> reduce_exp(const Lanes<T>& x) {
  using C = ExpConstants<T>;
  const Lanes<T> magic = splat(C::magic);
  const Lanes<T> n = mul_add<T>(x, splat(T(1.44269504088896340736)), magic) - magic;
  const Lanes<T> r = neg_mul_add<T>(n, splat(C::ln2_high), x);
  return {n, neg_mul_add<T>(n, splat(C::ln2_low), r)};
}

/// e^r - 1 for |r| <= ln2 / 2.
template <class T>
REEL_INLINE Lanes<T> expm1_near_0(const Lanes<T>& r) {
  return mul_add<T>(polynomial<T>(r, ExpConstants<T>::q), r * r, r);
}

/// 2^n p, infinite or denormal where that is.
template <class T>
REEL_INLINE Lanes<T> scale(const Lanes<T>& p, const Lanes<T>& n) {
#if defined(__AVX512F__)
  return REEL_OF_LANES(scalef, p, n);
#else
  // In two steps, so that neither overflows before the result does and denormals are rounded once.
  const Lanes<T> magic = splat(ExpConstants<T>::magic);
  const Lanes<T> half = mul_add<T>(n, splat(T(0.5)), magic);
  const Lanes<T> rest = n - (half - magic) + magic;
  return p * power_of_two<T>(half) * power_of_two<T>(rest);
#endif
}

/// 2^n p, a normal number.
template <class T>
REEL_INLINE Lanes<T> scale_normal(const Lanes<T>& p, const Lanes<T>& n) {
#if defined(__AVX512F__)
  return REEL_OF_LANES(scalef, p, n);
#else
  return p * power_of_two<T>(n + ExpConstants<T>::magic);
#endif
}

/// e^x = 2^n e^r for x of at least `lowest`, 0 below. The 0 is chosen, not calculated: a result
/// that is not a normal number costs 150 cycles.
template <class T>
REEL_INLINE Lanes<T> exp_from(T lowest, const Lanes<T>& x) {
  const LaneMask<T> vanishes = x < lowest;
  // In this order a NaN in x comes through.
  const auto [n, r] =
      reduce_exp<T>(vanishes ? splat(T(0)) : min<T>(splat(ExpConstants<T>::highest), x));
  const Lanes<T> y = scale<T>(expm1_near_0<T>(r) + T(1), n);
  return vanishes ? splat(T(0)) : y;
}

template <class T>
inline Lanes<T> exp(const Lanes<T>& x) {
  return exp_from<T>(ExpConstants<T>::lowest, x);
}

/// The same with 0 for results too small to be normal numbers: for use inside other functions.
template <class T>
inline Lanes<T> exp_or_0(const Lanes<T>& x) {
  return exp_from<T>(ExpConstants<T>::lowest_normal, x);
}

/// The same for x up to 0 and a little above, as softmax needs it.
template <class T>
REEL_INLINE Lanes<T> exp_nonpositive(const Lanes<T>& x) {
  const LaneMask<T> vanishes = x < ExpConstants<T>::lowest_normal;
  const auto [n, r] = reduce_exp<T>(vanishes ? splat(T(0)) : x);
  const Lanes<T> y = scale_normal<T>(expm1_near_0<T>(r) + T(1), n);
  return vanishes ? splat(T(0)) : y;
}

/// e^(x + rest) for x from -87 to 88 and a `rest` of no more than half an ulp of it.
REEL_INLINE FloatLanes exp_in_range(const FloatLanes& x, const FloatLanes& rest) {
  const auto [n, r] = reduce_exp<float>(x);
  return scale_normal<float>(expm1_near_0<float>(r + rest) + 1.0f, n);
}

template <class T>
inline Lanes<T> exp2(const Lanes<T>& x) {
  constexpr bool is_float = sizeof(T) == 4;
  const LaneMask<T> vanishes = x < T(is_float ? -150 : -1075);
  const Lanes<T> bounded = vanishes ? splat(T(0)) : min<T>(splat(T(is_float ? 129 : 1025)), x);
  const Lanes<T> n = round<T>(bounded);
  const Lanes<T> r = (bounded - n) * T(0.69314718055994530942);
  const Lanes<T> y = scale<T>(expm1_near_0<T>(r) + T(1), n);
  return vanishes ? splat(T(0)) : y;
}

/// e^x - 1 = 2^n (e^r - 1) + (2^n - 1) for x below 80 (float) or 700 (double).
template <class T>
REEL_INLINE Lanes<T> expm1_bounded(const Lanes<T>& x) {
  const Lanes<T> lowest = splat(T(sizeof(T) == 4 ? -30 : -50));  // -1 from here on down
  const auto [n, r] = reduce_exp<T>(max<T>(lowest, x));
  const Lanes<T> scale = power_of_two<T>(n + ExpConstants<T>::magic);
  return mul_add<T>(scale, expm1_near_0<T>(r), scale - T(1));
}

template <class T>
inline Lanes<T> expm1(const Lanes<T>& x) {
  const Lanes<T> most = splat(T(sizeof(T) == 4 ? 80 : 700));
  const LaneMask<T> large = x > most;
  // Like the sum of -0 and 0, expm1_bounded has lost the sign of a zero.
  const Lanes<T> y = x == T(0) ? x : expm1_bounded<T>(min<T>(most, x));
  return any<T>(large) ? (large ? exp<T>(x) : y) : y;
}

// ---- quotients and roots

/// a / b for b from 1 to 2^126: AVX-512 divides sixteen floats in 16 cycles, but estimates the
/// inverse and mends the quotient by what it leaves over in 3, to within an ulp.
template <class T>
REEL_INLINE Lanes<T> quotient(const Lanes<T>& a, const Lanes<T>& b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const FloatLanes inverse = _mm512_maskz_rcp14_ps(0xffff, b);
    const FloatLanes q = a * inverse;
    return mul_add<float>(neg_mul_add<float>(b, q, a), inverse, q);
  }
#endif
  return a / b;
}

/// 1 / sqrt(x); in AVX-512 from an estimate by one step of third order, where a root and a quotient
/// would take 35 cycles.
template <class T>
inline Lanes<T> rsqrt(const Lanes<T>& x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const FloatLanes y = _mm512_maskz_rsqrt14_ps(0xffff, x);
    const FloatLanes e = neg_mul_add<float>(x * y, y, splat(1.0f));
    const FloatLanes mended =
        mul_add<float>(y * e, mul_add<float>(e, splat(0.375f), splat(0.5f)), y);
    // The estimate is exact at zeros and infinities.
    constexpr int zero_or_infinite = 0x02 | 0x04 | 0x08;
    return _mm512_mask_mov_ps(mended, _mm512_fpclass_ps_mask(x, zero_or_infinite), y);
  }
#endif
  return T(1) / sqrt<T>(x);
}

// ---- hyperbolic and sigmoid

/// tanh |x| = -t / (t + 2) with t = e^(-2 |x|) - 1.
template <class T>
inline Lanes<T> tanh(const Lanes<T>& x) {
  const Lanes<T> t = expm1_bounded<T>(T(-2) * abs<T>(x));
  return copysign<T>(quotient<T>(-t, t + T(2)), x);
}

/// From here on e^x / 2 is all of sinh |x| and cosh |x|; it is squared from its root, as e^x may
/// overflow before them.
template <class T>
constexpr T half_exp_limit = T(sizeof(T) == 4 ? 20 : 40);
template <class T>
REEL_INLINE Lanes<T> half_exp(const Lanes<T>& x) {
  const Lanes<T> root = exp<T>(x * T(0.5));
  return root * T(0.5) * root;
}

/// sinh |x| = (e^|x| - e^-|x|) / 2, and near 0 Cephes's polynomials.
template <class T>
inline Lanes<T> sinh(const Lanes<T>& x) {
  const Lanes<T> size = abs<T>(x), square = size * size;
  const LaneMask<T> near = size < T(1);
  Lanes<T> y = {};
  if (any<T>(near)) {
    if constexpr (sizeof(T) == 4) {
      constexpr T c[] = {1.0f, 1.66667160211e-1f, 8.33028376239e-3f, 2.03721912945e-4f};
      y = polynomial<T>(square, c) * size;
    } else {
      constexpr T over[] = {-351754.9648081514, -11561.443576500522, -163.72585752598383,
                            -0.789474443963537};
      constexpr T under[] = {-2110529.7888489086, 36157.827983443196, -277.7110814206028, 1.0};
      const Lanes<T> curved = polynomial<T>(square, over) / polynomial<T>(square, under);
      y = mul_add<T>(size, curved * square, size);
    }
    if (all<T>(near)) return copysign<T>(y, x);
  }
  const Lanes<T> limit = splat(half_exp_limit<T>);
  const LaneMask<T> large = ~(size < limit);
  const Lanes<T> e = exp_or_0<T>(min<T>(size, limit));
  const Lanes<T> far = T(0.5) * e - T(0.5) / e;
  y = near ? y : far;
  return copysign<T>(any<T>(large) ? (large ? half_exp<T>(size) : y) : y, x);
}

/// cosh x = (e^|x| + e^-|x|) / 2.
template <class T>
inline Lanes<T> cosh(const Lanes<T>& x) {
  const Lanes<T> limit = splat(half_exp_limit<T>), size = abs<T>(x);
  const LaneMask<T> large = ~(size < limit);
  const Lanes<T> e = exp_or_0<T>(min<T>(size, limit));
  const Lanes<T> y = T(0.5) * (e + T(1) / e);
  return any<T>(large) ? (large ? half_exp<T>(size) : y) : y;
}

/// x / (1 + e^-y): of x = 1 the sigmoid, of x = y silu.
template <class T>
inline Lanes<T> times_sigmoid(const Lanes<T>& x, const Lanes<T>& y) {
  const Lanes<T> denominator = T(1) + exp_or_0<T>(-y);
  // Below, an estimate of the inverse would be too small to be a normal number; above, x may be
  // infinite, and what an infinite quotient leaves over is no number.
  const LaneMask<T> beyond = ~(abs<T>(y) < T(sizeof(T) == 4 ? 87 : 708));
  const Lanes<T> near = quotient<T>(x, denominator);
  return any<T>(beyond) ? (beyond ? x / denominator : near) : near;
}

template <class T>
inline Lanes<T> sigmoid(const Lanes<T>& x) {
  return times_sigmoid<T>(splat(T(1)), x);
}

}  // namespace
}  // namespace reel::kernels::REEL_ISA
