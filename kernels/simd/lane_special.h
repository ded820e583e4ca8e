#pragma once

// Internal, for files of folders simd/ only: error functions and powers of registers, and what is
// calculated one by one.

#include <cmath>

#include "reel/kernels/simd/lane_log.h"
#include "reel/kernels/special.h"

namespace reel::kernels::REEL_ISA {
namespace {

/// The normal distribution's probability of more than |x|, and its density times sqrt(2 pi).
struct NormalTail {
  FloatLanes probability, density;
};

/// e^(z^2) erfc(z) / 2 is t P(t) with t = 1 / (1 + 0.3 z); relative error below 2e-8. Here z = scale
/// |x| and z^2 = -minus_square x^2; from |x| = most on what is left is no normal number. A NaN comes
/// through.
inline NormalTail tail_of(const FloatLanes& x, float scale, float minus_square, float most) {
  constexpr float c[] = {0.08459372509f,   0.085361640105f,  0.07414476325f,
                         0.107548054615f,  -0.047502641305f, 0.2740907623f,
                         -0.256322436425f, 0.242863101195f,  -0.064776978635f};
  const FloatLanes one = splat(1.0f), size = min<float>(splat(most), abs<float>(x));
  const FloatLanes t = quotient<float>(one, mul_add<float>(splat(0.3f * scale), size, one));
  // What -z^2 is rounded by would be multiplied by z^2 in the result.
  const FloatLanes part = minus_square * size;
  const FloatLanes exponent = part * size;
  const FloatLanes density = exp_in_range(exponent, mul_add<float>(part, size, -exponent));
  const FloatLanes probability = t * polynomial<float>(t, c) * density;
  return {size >= most ? splat(0.0f) : probability, density};
}
inline NormalTail normal_tail(const FloatLanes& x) {
  return tail_of(x, 0.70710678119f, -0.5f, 12.9f);
}
/// erfc(|x|) / 2, and e^(-x^2).
inline NormalTail erfc_tail(const FloatLanes& x) { return tail_of(x, 1.0f, -1.0f, 9.2f); }

template <class T>
inline Lanes<T> erf(const Lanes<T>& x) {
  if constexpr (sizeof(T) == 4) {
    // x P(x^2) near 0, minimax, else from the tail.
    constexpr float c[] = {1.1283791657f,   -0.37612625824f,    0.11283585149f,  -0.026853811929f,
                           0.005188327658f, -0.00080101932792f, 7.8538599494e-5f};
    const FloatLanes one = splat(1.0f), tail = erfc_tail(x).probability;
    const FloatLanes far = copysign<float>(neg_mul_add<float>(splat(2.0f), tail, one), x);
    const FloatLanes near = x * polynomial<float>(min<float>(one, x * x), c);
    return abs<float>(x) < 1.0f ? near : far;
  } else {
    return one_by_one<T>(::erf, x);
  }
}

template <class T>
inline Lanes<T> erfc(const Lanes<T>& x) {
  if constexpr (sizeof(T) == 4) {
    const FloatLanes tail = erfc_tail(x).probability * 2.0f;
    return x < 0.0f ? 2.0f - tail : tail;
  } else {
    return one_by_one<T>(::erfc, x);
  }
}

/// x^y of doubles that stem from floats: exp(y log|x|) loses nothing a float could show.
inline DoubleLanes pow_of_floats(const DoubleLanes& x, const DoubleLanes& y) {
  const DoubleLanes one = splat(1.0), size = abs<double>(x);
  // log(1) * infinity and infinity * 0 are NaN, yet C's pow says 1; so does NaN to the power 0.
  const Int64Lanes is_one = (size == 1.0) | (y == 0.0);
  const DoubleLanes power = is_one ? one : exp<double>(y * log<double>(size));
  const DoubleLanes half_y = y * 0.5;
  const Int64Lanes whole = floor<double>(y) == y;
  const Int64Lanes odd = whole & (floor<double>(half_y) != half_y);
  const Int64Lanes minus = copysign<double>(one, x) < 0.0;  // -0 too
  const DoubleLanes signed_power = (minus & odd) ? -power : power;
  const DoubleLanes nan = splat(__builtin_nan(""));
  const Int64Lanes undefined = (x < 0.0) & ~whole & (size != __builtin_inf());
  const DoubleLanes defined = undefined ? nan : signed_power;
  // NaNs of x and y come through, except in 1^NaN and NaN^0.
  const Int64Lanes any_nan = ((x != x) | (y != y)) & ~((x == 1.0) | (y == 0.0));
  return any_nan ? nan : defined;
}

#if defined(__AVX512F__)
/// e^(y log x) for x > 0, finite: in double, with relative errors of some 2^-38, which leave a
/// float within an ulp; three times as fast as the general way.
REEL_INLINE HalfFloatLanes pow_of_positive(const HalfFloatLanes& x_, const HalfFloatLanes& y_) {
  const DoubleLanes x = __builtin_convertvector(x_, DoubleLanes);
  const DoubleLanes m = _mm512_maskz_getmant_pd(0xff, x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
  const DoubleLanes of_x = _mm512_maskz_getexp_pd(0xff, x), of_m = _mm512_maskz_getexp_pd(0xff, m);
  const DoubleLanes k = of_x - of_m;
  // log m = 2 atanh(s), s = (m - 1) / (m + 1).
  const DoubleLanes denominator = m + 1.0;
  const DoubleLanes guess = _mm512_maskz_rcp14_pd(0xff, denominator);
  const DoubleLanes inverse =
      mul_add<double>(neg_mul_add<double>(denominator, guess, splat(1.0)), guess, guess);
  const DoubleLanes rough = (m - 1.0) * inverse;
  const DoubleLanes s =
      mul_add<double>(neg_mul_add<double>(denominator, rough, m - 1.0), inverse, rough);
  constexpr double a[] = {2.0, 2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15};
  const DoubleLanes ln2 = splat(0.693147180559945309417);
  const DoubleLanes log = mul_add<double>(k, ln2, s * polynomial<double>(s * s, a));
  // Beyond +-200 a float has long been 0 or infinity. A NaN comes through.
  const DoubleLanes y = __builtin_convertvector(y_, DoubleLanes);
  const DoubleLanes power = max<double>(splat(-200.0), min<double>(splat(200.0), y * log));
  const DoubleLanes magic = splat(ExpConstants<double>::magic);
  const DoubleLanes n = mul_add<double>(power, splat(1.44269504088896340736), magic) - magic;
  const DoubleLanes r = neg_mul_add<double>(n, ln2, power);
  constexpr double e[] = {1.0,       1.0,        1.0 / 2,     1.0 / 6,      1.0 / 24,
                          1.0 / 120, 1.0 / 720., 1.0 / 5040., 1.0 / 40320., 1.0 / 362880.};
  return __builtin_convertvector(scale<double>(polynomial<double>(r, e), n), HalfFloatLanes);
}
#endif

template <class T>
inline Lanes<T> pow(const Lanes<T>& x, const Lanes<T>& y) {
  if constexpr (sizeof(T) == 8) {
    return each<T>([](double a, double b) { return ::pow(a, b); }, x, y);
  } else {
    HalfFloatLanes a[2], b[2], powers[2];
    __builtin_memcpy(a, &x, sizeof x);
    __builtin_memcpy(b, &y, sizeof y);
#if defined(__AVX512F__)
    if (all<T>((x > 0.0f) & (x < __builtin_inff()) & (abs<T>(y) < __builtin_inff()))) {
      for (int i = 0; i < 2; ++i) powers[i] = pow_of_positive(a[i], b[i]);
      FloatLanes result;
      __builtin_memcpy(&result, powers, sizeof result);
      return result;
    }
#endif
    for (int i = 0; i < 2; ++i) {
      powers[i] = __builtin_convertvector(pow_of_floats(__builtin_convertvector(a[i], DoubleLanes),
                                                        __builtin_convertvector(b[i], DoubleLanes)),
                                          HalfFloatLanes);
    }
    FloatLanes result;
    __builtin_memcpy(&result, powers, sizeof result);
    return result;
  }
}

template <class T>
inline Lanes<T> atan2(const Lanes<T>& a, const Lanes<T>& b) {
  return each<T>([](T y, T x) { return static_cast<T>(::atan2(y, x)); }, a, b);
}
template <class T>
inline Lanes<T> hypot(const Lanes<T>& a, const Lanes<T>& b) {
  return each<T>([](T x, T y) { return static_cast<T>(::hypot(x, y)); }, a, b);
}

#define REEL_ONE_BY_ONE(word)               \
  template <class T>                        \
  inline Lanes<T> word(const Lanes<T>& x) { \
    return one_by_one<T>(special::word, x); \
  }
REEL_ONE_BY_ONE(lgamma)
REEL_ONE_BY_ONE(digamma)
REEL_ONE_BY_ONE(erfinv)
REEL_ONE_BY_ONE(i0)
REEL_ONE_BY_ONE(i1)
#undef REEL_ONE_BY_ONE

template <class T>
inline Lanes<T> nth_polygamma(const Lanes<T>& x, double n) {
  return each<T>(
      [n](T a, T) { return static_cast<T>(special::polygamma(n, static_cast<double>(a))); }, x, x);
}

}  // namespace
}  // namespace reel::kernels::REEL_ISA
