#pragma once

// Internal, for the files of this folder only: exp, log and their kin on vectors. Within a few ulp
// of the correctly rounded result everywhere, infinities, NaNs and denormals included.

#include <cmath>
#include <cstdint>

#include "reel/kernels/simd/vec.h"

namespace reel::kernels::REEL_ISA {

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  using Bits = std::int32_t;
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
  using Bits = std::int64_t;
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

/// c[0] + c[1] x + c[2] x^2 + ...
template <class T, Size N>
inline Vec<T> polynomial(const Vec<T>& x, const T (&c)[N]) {
  Vec<T> y(c[N - 1]);
  for (Size i = N - 2; i >= 0; --i) y = mul_add(y, x, Vec<T>(c[i]));
  return y;
}

/// 2^n for whole numbers n, given as n + magic, inside the range of normal numbers.
template <class T>
inline Vec<T> power_of_two(const Vec<T>& n_plus_magic) {
  using C = ExpConstants<T>;
  using Bits = typename C::Bits;
  using IntVec = Vec<Bits>;
  const IntVec exponent = xs::bitwise_cast<IntVec>(n_plus_magic) << C::mantissa;
  return xs::bitwise_cast<Vec<T>>(exponent + xs::bitwise_cast<IntVec>(Vec<T>(T(1))));
}

/// x = n ln2 + r with n whole and |r| <= ln2 / 2.
template <class T>
struct Reduced {
  Vec<T> n, r;
};
template <class T>
inline Reduced<T> reduce_exp(const Vec<T>& x) {
  using C = ExpConstants<T>;
  using V = Vec<T>;
  const V magic(C::magic);
  const V n = mul_add(x, V(T(1.44269504088896340736)), magic) - magic;
  const V r = neg_mul_add(n, V(C::ln2_high), x);
  return {n, neg_mul_add(n, V(C::ln2_low), r)};
}

/// e^r - 1 for |r| <= ln2 / 2.
template <class T>
inline Vec<T> expm1_near_0(const Vec<T>& r) {
  return mul_add(polynomial<T>(r, ExpConstants<T>::q), r * r, r);
}

/// e^x = 2^n e^r for x of at least `lowest`, 0 below. The 0 is chosen, not calculated: a result
/// that is not a normal number costs 150 cycles.
template <class T>
inline Vec<T> exp_from(T lowest, const Vec<T>& x) {
  using C = ExpConstants<T>;
  using V = Vec<T>;
  const auto vanishes = x < V(lowest);
  // In this order a NaN in x comes through.
  const auto [n, r] = reduce_exp<T>(xs::select(vanishes, V(T(0)), xs::min(V(C::highest), x)));
  const V p = expm1_near_0<T>(r) + V(T(1));
#if defined(__AVX512F__)
  V y;
  if constexpr (sizeof(T) == 4) {
    y = V(_mm512_scalef_ps(p, n));
  } else {
    y = V(_mm512_scalef_pd(p, n));
  }
#else
  // In two steps, so that neither overflows before the result does and denormals are rounded once.
  const V magic(C::magic);
  const V half = mul_add(n, V(T(0.5)), magic);
  const V rest = n - (half - magic) + magic;
  const V y = p * power_of_two<T>(half) * power_of_two<T>(rest);
#endif
  return xs::select(vanishes, V(T(0)), y);
}

template <class T>
inline Vec<T> exp(const Vec<T>& x) {
  return exp_from<T>(ExpConstants<T>::lowest, x);
}

/// The same with 0 for results too small to be normal numbers: for use inside other functions.
template <class T>
inline Vec<T> exp_or_0(const Vec<T>& x) {
  return exp_from<T>(ExpConstants<T>::lowest_normal, x);
}

/// e^(x + rest) for x from -87 to 88 and a `rest` of no more than half an ulp of it.
inline Vec<float> exp_in_range(const Vec<float>& x, const Vec<float>& rest) {
  const auto [n, r] = reduce_exp<float>(x);
  const Vec<float> p = expm1_near_0<float>(r + rest) + Vec<float>(1.0f);
#if defined(__AVX512F__)
  return Vec<float>(_mm512_scalef_ps(p, n));
#else
  return p * power_of_two<float>(n + Vec<float>(ExpConstants<float>::magic));
#endif
}

/// e^x - 1 = 2^n (e^r - 1) + (2^n - 1) for x below 80 (float) or 700 (double).
template <class T>
inline Vec<T> expm1_bounded(const Vec<T>& x) {
  using V = Vec<T>;
  const V lowest(T(sizeof(T) == 4 ? -30 : -50));  // -1 from here on down
  const auto [n, r] = reduce_exp<T>(xs::max(lowest, x));
  const V scale = power_of_two<T>(n + V(ExpConstants<T>::magic));
  return mul_add(scale, expm1_near_0<T>(r), scale - V(T(1)));
}

template <class T>
inline Vec<T> expm1(const Vec<T>& x) {
  using V = Vec<T>;
  const V most(T(sizeof(T) == 4 ? 80 : 700));
  const auto large = x > most;
  // Like the sum of -0 and 0, expm1_bounded has lost the sign of a zero.
  const V y = xs::select(x == V(T(0)), x, expm1_bounded<T>(xs::min(most, x)));
  return xs::any(large) ? xs::select(large, exp<T>(x), y) : y;
}

/// a / b for b from 1 to 2^126: AVX-512 divides sixteen floats in 16 cycles, but estimates the
/// inverse and mends the quotient by what it leaves over in 3, to within an ulp.
template <class T>
inline Vec<T> quotient(const Vec<T>& a, const Vec<T>& b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const Vec<T> inverse(_mm512_maskz_rcp14_ps(0xffff, b));
    const Vec<T> q = a * inverse;
    return mul_add(neg_mul_add(b, q, a), inverse, q);
  }
#endif
  return a / b;
}

/// 1 / sqrt(x); in AVX-512 from an estimate by one step of third order, where a root and a quotient
/// would take 35 cycles.
template <class T>
inline Vec<T> rsqrt(const Vec<T>& x) {
  using V = Vec<T>;
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const V y(_mm512_maskz_rsqrt14_ps(0xffff, x));
    const V e = neg_mul_add(x * y, y, V(1.0f));
    const V mended = mul_add(y * e, mul_add(e, V(0.375f), V(0.5f)), y);
    // The estimate is exact at zeros and infinities.
    constexpr int zero_or_infinite = 0x02 | 0x04 | 0x08;
    return V(_mm512_mask_mov_ps(mended, _mm512_fpclass_ps_mask(x, zero_or_infinite), y));
  }
#endif
  return V(T(1)) / xs::sqrt(x);
}

/// tanh |x| = -t / (t + 2) with t = e^(-2 |x|) - 1.
template <class T>
inline Vec<T> tanh(const Vec<T>& x) {
  using V = Vec<T>;
  const V t = expm1_bounded<T>(V(T(-2)) * xs::abs(x));
  return xs::copysign(quotient<T>(-t, t + V(T(2))), x);
}

#if defined(__AVX512F__)
/// x = 2^exponent mantissa with the mantissa from 3/4 to 3/2; of x = 0 and infinity minus infinity
/// and infinity, the mantissa 1. The mantissa has the sign of x.
struct Parts {
  Vec<float> exponent, mantissa;
};
inline Parts parts_of(const Vec<float>& x) {
  const __m512 m = _mm512_maskz_getmant_ps(0xffff, x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
  return {
      Vec<float>(_mm512_maskz_getexp_ps(0xffff, x)) - Vec<float>(_mm512_maskz_getexp_ps(0xffff, m)),
      Vec<float>(m)};
}

/// k ln 2 + log(1 + r) for r from -1/4 to 1/2: r - r^2 / 2 + r^3 P(r), P minimax.
inline Vec<float> log_from_parts(const Vec<float>& k, const Vec<float>& r) {
  using V = Vec<float>;
  using C = ExpConstants<float>;
  constexpr float c[] = {0.33333449277f, -0.25000096686f, 0.19990856107f, -0.16647277525f,
                         0.14478392665f, -0.13161512784f, 0.10463715582f, -0.045079288492f};
  const V curved = (r * r) * mul_add(polynomial<float>(r, c), r, V(-0.5f));
  return mul_add(k, V(C::ln2_high), r + mul_add(k, V(C::ln2_low), curved));
}
#endif

template <class T>
inline Vec<T> log(const Vec<T>& x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const auto [k, m] = parts_of(x);
    return xs::select(x < Vec<T>(0.0f), Vec<T>(__builtin_nanf("")),
                      log_from_parts(k, m - Vec<T>(1.0f)));
  }
#endif
  if constexpr (sizeof(T) == 8) {
    // xsimd's leaves denormals out.
    const auto tiny = x < Vec<T>(2.2250738585072014e-308);
    if (xs::any(tiny)) {
      const Vec<T> scaled = xs::select(tiny, x * Vec<T>(18014398509481984.0), x);  // 2^54
      return xs::log(scaled) - xs::select(tiny, Vec<T>(37.42994775023704670), Vec<T>(0.0));
    }
  }
  return xs::log(x);
}

template <class T>
inline Vec<T> log1p(const Vec<T>& x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    using V = Vec<T>;
    const V one(1.0f);
    const V u = one + x;
    const auto [k, m] = parts_of(u);
    // What u was rounded by belongs to its mantissa.
    const V rest = u - one;
    const V lost = (x - rest) + (one - (u - rest));
    const __mmask16 finite =
        _mm512_cmp_ps_mask(_mm512_abs_ps(k), _mm512_set1_ps(200.0f), _CMP_LT_OQ);
    const V lost_of_m(_mm512_maskz_scalef_ps(finite, lost, -k));
    const V y = log_from_parts(k, (m - one) + lost_of_m);
    return xs::select(x == V(0.0f), x, xs::select(u < V(0.0f), V(__builtin_nanf("")), y));
  }
#endif
  return xs::log1p(x);
}

/// log(1 + u) = 2 atanh(s), s = u / (2 + u), for u from 0 to 1.
template <class T>
inline Vec<T> log1p_of_fraction(const Vec<T>& u) {
  using V = Vec<T>;
  const V s = quotient<T>(u, V(T(2)) + u);
  const V square = s * s;
  V q;  // (atanh(s) / s - 1) / s^2, minimax
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
  return V(T(2)) * mul_add(s * square, q, s);
}

#if defined(__FMA__)  // the products of the reduction must not be rounded
/// sin(x + quarters pi / 2) for |x| up to `turning_limit`, within 2 ulp: x is brought to |r| <= pi
/// / 4 by subtracting n pi / 2, pi / 2 in three parts; both polynomials are Cephes's.
inline constexpr float turning_limit = 30000.0f;
inline Vec<float> sin_of_turned(const Vec<float>& x, std::int32_t quarters) {
  using V = Vec<float>;
  using IntVec = Vec<std::int32_t>;
  const V magic(ExpConstants<float>::magic);
  const V shifted = mul_add(x, V(0.636619772367581343f), magic);
  const V n = shifted - magic;
  V r = neg_mul_add(n, V(1.57079637050628662109f), x);
  r = neg_mul_add(n, V(-4.37113900018624283e-8f), r);
  r = neg_mul_add(n, V(-1.71512449836e-15f), r);
  const V r2 = r * r;
  constexpr float s[] = {-1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f};
  constexpr float c[] = {4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f};
  const V sine = mul_add(r * r2, polynomial<float>(r2, s), r);
  const V cosine = mul_add(r2 * r2, polynomial<float>(r2, c), mul_add(r2, V(-0.5f), V(1.0f)));
  const IntVec turns = xs::bitwise_cast<IntVec>(shifted) + IntVec(quarters);
  // Bit 0 of the turns asks for the cosine, bit 1 for the other sign.
  const IntVec sign = (turns & IntVec(2)) << 30;
  // As a float: with bit 0 moved to its sign bit, a number is below 0 where the turns are odd.
  const V odd = xs::bitwise_cast<V>(((turns & IntVec(1)) << 31) | IntVec(0x3f800000));
  const V y = xs::select(odd < V(0.0f), cosine, sine);
  return xs::bitwise_cast<V>(xs::bitwise_cast<IntVec>(y) ^ sign);
}

#endif

template <class T>
inline Vec<T> sin(const Vec<T>& x) {
#if defined(__FMA__)
  if constexpr (sizeof(T) == 4) {
    if (xs::all(xs::abs(x) < Vec<T>(turning_limit))) return sin_of_turned(x, 0);
  }
#endif
  return xs::sin(x);
}

template <class T>
inline Vec<T> cos(const Vec<T>& x) {
#if defined(__FMA__)
  if constexpr (sizeof(T) == 4) {
    if (xs::all(xs::abs(x) < Vec<T>(turning_limit))) return sin_of_turned(x, 1);
  }
#endif
  return xs::cos(x);
}

/// x / (1 + e^-y): of x = 1 the sigmoid, of x = y silu.
template <class T>
inline Vec<T> times_sigmoid(const Vec<T>& x, const Vec<T>& y) {
  using V = Vec<T>;
  const V denominator = V(T(1)) + exp_or_0<T>(-y);
  // Beyond it an estimate of the inverse would be too small to be a normal number.
  const V limit(T(sizeof(T) == 4 ? -87 : -708));
  return xs::any(y < limit) ? x / denominator : quotient<T>(x, denominator);
}

template <class T>
inline Vec<T> sigmoid(const Vec<T>& x) {
  return times_sigmoid<T>(Vec<T>(T(1)), x);
}

/// Calls a function of libm on each value: for what has no vector form of the wanted accuracy.
template <class T, class F>
inline Vec<T> each(F f, const Vec<T>& x, const Vec<T>& y) {
  alignas(64) T a[vec_size<T>];
  alignas(64) T b[vec_size<T>];
  x.store_aligned(a);
  y.store_aligned(b);
  for (Size i = 0; i < vec_size<T>; ++i) a[i] = f(a[i], b[i]);
  return Vec<T>::load_aligned(a);
}

/// The normal distribution's probability of more than |x|, and its density times sqrt(2 pi).
struct NormalTail {
  Vec<float> probability, density;
};

/// e^(z^2) erfc(z) / 2, z = |x| / sqrt(2), is t P(t) with t = 1 / (1 + 0.3 z); relative error below
/// 2e-8.
inline NormalTail normal_tail(const Vec<float>& x) {
  using V = Vec<float>;
  constexpr float c[] = {0.08459372509f,   0.085361640105f,  0.07414476325f,
                         0.107548054615f,  -0.047502641305f, 0.2740907623f,
                         -0.256322436425f, 0.242863101195f,  -0.064776978635f};
  // From here on what is left is no normal number. A NaN comes through.
  const V most(12.9f);
  const V size = xs::min(most, xs::abs(x));
  const V t = quotient<float>(V(1.0f), mul_add(V(0.21213203436f), size, V(1.0f)));
  // What -x^2 / 2 is rounded by would be multiplied by x^2 / 2 in the result.
  const V half = V(-0.5f) * size;
  const V exponent = half * size;
  const V density = exp_in_range(exponent, mul_sub(half, size, exponent));
  return {xs::select(size >= most, V(0.0f), t * polynomial<float>(t, c) * density), density};
}

template <class T>
inline Vec<T> erf(const Vec<T>& x) {
  using V = Vec<T>;
  if constexpr (sizeof(T) == 4) {
    // x P(x^2) near 0, minimax, else from the tail.
    constexpr float c[] = {1.1283791657f,   -0.37612625824f,    0.11283585149f,  -0.026853811929f,
                           0.005188327658f, -0.00080101932792f, 7.8538599494e-5f};
    const V tail = normal_tail(x * V(1.41421356237f)).probability;
    const V far = xs::copysign(neg_mul_add(V(2.0f), tail, V(1.0f)), x);
    const V near = x * polynomial<float>(xs::min(V(1.0f), x * x), c);
    return xs::select(xs::abs(x) < V(1.0f), near, far);
  } else {
    return each<T>([](double a, double) { return ::erf(a); }, x, x);
  }
}

/// x^y of doubles that stem from floats: exp(y log|x|) loses nothing a float could show.
inline Vec<double> pow_of_floats(const Vec<double>& x, const Vec<double>& y) {
  using V = Vec<double>;
  const V one(1.0), zero(0.0);
  const V size = xs::abs(x);
  // log(1) * infinity and infinity * 0 are NaN, yet C's pow says 1; so does NaN to the power 0.
  const auto is_one = (size == one) | (y == zero);
  const V power = xs::select(is_one, one, exp<double>(y * log<double>(size)));
  const V half_y = y * V(0.5);
  const auto whole = xs::floor(y) == y;
  const auto odd = whole & (xs::floor(half_y) != half_y);
  const auto minus = xs::copysign(one, x) < zero;  // -0 too
  const V nan(__builtin_nan(""));
  const V signed_power = power * xs::select(minus & odd, V(-1.0), one);
  const auto undefined = (x < zero) & !whole & (size != V(__builtin_inf()));
  const V defined = xs::select(undefined, nan, signed_power);
  // NaNs of x and y come through, except in 1^NaN and NaN^0.
  const auto any_nan = ((x != x) | (y != y)) & !((x == one) | (y == zero));
  return xs::select(any_nan, nan, defined);
}

#if defined(__AVX512F__)
/// e^(y log x) for x > 0, finite: in double, with relative errors of some 2^-38, which leave a
/// float within an ulp; three times as fast as the general way.
inline __m256 pow_of_positive(__m256 x_, __m256 y_) {
  using V = Vec<double>;
  const V one(1.0);
  const V x(_mm512_maskz_cvtps_pd(0xff, x_));
  const V m(_mm512_maskz_getmant_pd(0xff, x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src));
  const V k = V(_mm512_maskz_getexp_pd(0xff, x)) - V(_mm512_maskz_getexp_pd(0xff, m));
  // log m = 2 atanh(s), s = (m - 1) / (m + 1).
  const V denominator = m + one;
  const V guess(_mm512_maskz_rcp14_pd(0xff, denominator));
  const V inverse = mul_add(neg_mul_add(denominator, guess, one), guess, guess);
  const V rough = (m - one) * inverse;
  const V s = mul_add(neg_mul_add(denominator, rough, m - one), inverse, rough);
  constexpr double a[] = {2.0, 2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15};
  const V log = mul_add(k, V(0.693147180559945309417), s * polynomial<double>(s * s, a));
  // Beyond +-200 a float has long been 0 or infinity. A NaN comes through.
  const V power = xs::max(V(-200.0), xs::min(V(200.0), V(_mm512_maskz_cvtps_pd(0xff, y_)) * log));
  const V magic(ExpConstants<double>::magic);
  const V n = mul_add(power, V(1.44269504088896340736), magic) - magic;
  const V r = neg_mul_add(n, V(0.693147180559945309417), power);
  constexpr double e[] = {1.0,       1.0,        1.0 / 2,     1.0 / 6,      1.0 / 24,
                          1.0 / 120, 1.0 / 720., 1.0 / 5040., 1.0 / 40320., 1.0 / 362880.};
  return _mm512_maskz_cvtpd_ps(0xff, _mm512_maskz_scalef_pd(0xff, polynomial<double>(r, e), n));
}
#endif

template <class T>
inline Vec<T> pow(const Vec<T>& x, const Vec<T>& y) {
  if constexpr (sizeof(T) == 8) {
    return each<T>([](double a, double b) { return ::pow(a, b); }, x, y);
  } else {
#if defined(__AVX512F__)
    const Vec<T> infinite(__builtin_inff());
    if (xs::all((x > Vec<T>(0.0f)) & (x < infinite) & (xs::abs(y) < infinite))) {
      const __m512d a = _mm512_castps_pd(x), b = _mm512_castps_pd(y);
      const auto half = [&](int i) {
        const __m512d xi = i == 0 ? a : _mm512_maskz_shuffle_f64x2(0xff, a, a, 0xee);
        const __m512d yi = i == 0 ? b : _mm512_maskz_shuffle_f64x2(0xff, b, b, 0xee);
        return pow_of_positive(_mm256_castpd_ps(_mm512_castpd512_pd256(xi)),
                               _mm256_castpd_ps(_mm512_castpd512_pd256(yi)));
      };
      const __m512d low = _mm512_castpd256_pd512(_mm256_castps_pd(half(0)));
      return Vec<T>(
          _mm512_castpd_ps(_mm512_maskz_insertf64x4(0xff, low, _mm256_castps_pd(half(1)), 1)));
    }
#endif
    alignas(64) float a[vec_size<float>];
    alignas(64) float b[vec_size<float>];
    alignas(64) double wide_a[vec_size<float>];
    alignas(64) double wide_b[vec_size<float>];
    x.store_aligned(a);
    y.store_aligned(b);
    for (Size i = 0; i < vec_size<float>; ++i) {
      wide_a[i] = static_cast<double>(a[i]);
      wide_b[i] = static_cast<double>(b[i]);
    }
    for (Size i = 0; i < vec_size<float>; i += vec_size<double>) {
      const Vec<double> power = pow_of_floats(load(wide_a + i), load(wide_b + i));
      power.store_aligned(wide_a + i);
    }
    for (Size i = 0; i < vec_size<float>; ++i) a[i] = static_cast<float>(wide_a[i]);
    return Vec<T>::load_aligned(a);
  }
}

}  // namespace reel::kernels::REEL_ISA
