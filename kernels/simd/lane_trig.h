#pragma once

// Internal, for files of folders simd/ only: sine, tangent and their kin on registers. Within a few
// ulp; the polynomials are Cephes's.

#include <cmath>

#include "reel/kernels/simd/lane_math.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class T>
struct TrigConstants;

template <>
struct TrigConstants<float> {
// pi / 2 in three parts; up to `limit` their multiples are subtracted without loss.
#if defined(__FMA__)
  static constexpr float limit = 30000.0f;
  static constexpr float part[] = {1.57079637050628662109f, -4.37113900018624283e-8f,
                                   -1.71512449836e-15f};
#else
  static constexpr float limit = 201.0f;
  static constexpr float part[] = {1.5707855f, 1.0804273e-05f, 6.07709438e-11f};
#endif
  static constexpr float half_pi = 1.5707964f, half_pi_low = -4.371139e-08f;
  static constexpr float sine[] = {-1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f};
  static constexpr float cosine[] = {4.166664568298827e-2f, -1.388731625493765e-3f,
                                     2.443315711809948e-5f};
};
template <>
struct TrigConstants<double> {
  static constexpr double limit = 823549.0;
  static constexpr double part[] = {1.5707963267341256, 6.077100506303966e-11,
                                    2.0222662487959506e-21};
  static constexpr double half_pi = 1.5707963267948966, half_pi_low = 6.123233995736766e-17;
  static constexpr double sine[] = {-0.1666666666666663,     0.008333333333322118,
                                    -0.0001984126982958954,  2.7557313621385676e-06,
                                    -2.5050747762850355e-08, 1.5896230157221844e-10};
  static constexpr double cosine[] = {0.04166666666666664,    -0.0013888888888880667,
                                      2.480158729361863e-05,  -2.7557315542981663e-07,
                                      2.0875883375768363e-09, -1.1367817138204455e-11};
};

/// x = n pi / 2 + r with n whole, in the lowest bits of `turns`, and |r| <= pi / 4.
template <class T>
struct Turned {
  Lanes<T> r;
  LaneBits<T> turns;
};
template <class T>
REEL_INLINE Turned<T> turn(const Lanes<T>& x) {
  using C = TrigConstants<T>;
  const Lanes<T> magic = splat(ExpConstants<T>::magic);
  const Lanes<T> shifted = mul_add<T>(x, splat(T(0.636619772367581343076)), magic);
  const Lanes<T> n = shifted - magic;
  Lanes<T> r = neg_mul_add<T>(n, splat(C::part[0]), x);
  r = neg_mul_add<T>(n, splat(C::part[1]), r);
  r = neg_mul_add<T>(n, splat(C::part[2]), r);
  return {r, (LaneBits<T>)shifted};
}

/// `y`, but what libm says where |x| is beyond the limit: no lane depends on its neighbours.
template <class T>
REEL_INLINE Lanes<T> unless_beyond(const Lanes<T>& y, double (*f)(double), const Lanes<T>& x) {
  const LaneMask<T> near = abs<T>(x) < TrigConstants<T>::limit;
  return all<T>(near) ? y : near ? y : one_by_one<T>(f, x);
}

/// sin(x + quarters pi / 2) for |x| up to the limit.
template <class T>
REEL_INLINE Lanes<T> sin_of_turned(const Lanes<T>& x, int quarters) {
  using C = TrigConstants<T>;
  const auto [r, turns_of_x] = turn<T>(x);
  const Lanes<T> r2 = r * r;
  const Lanes<T> sine = mul_add<T>(r * r2, polynomial<T>(r2, C::sine), r);
  const Lanes<T> cosine = mul_add<T>(r2 * r2, polynomial<T>(r2, C::cosine),
                                     mul_add<T>(r2, splat(T(-0.5)), splat(T(1))));
  // Bit 0 of the turns asks for the cosine, bit 1 for the other sign.
  const LaneBits<T> turns = turns_of_x + static_cast<unsigned>(quarters);
  const Lanes<T> y = (turns & 1) == 1 ? cosine : sine;
  return (Lanes<T>)((LaneBits<T>)y ^ ((turns & 2) << (8 * static_cast<int>(sizeof(T)) - 2)));
}

template <class T>
inline Lanes<T> sin(const Lanes<T>& x) {
  // The polynomial loses the sign of a zero.
  return unless_beyond<T>(x == T(0) ? x : sin_of_turned<T>(x, 0), ::sin, x);
}

template <class T>
inline Lanes<T> cos(const Lanes<T>& x) {
  return unless_beyond<T>(sin_of_turned<T>(x, 1), ::cos, x);
}

template <class T>
inline Lanes<T> tan(const Lanes<T>& x) {
  const auto [r, turns] = turn<T>(x);
  const Lanes<T> square = r * r;
  Lanes<T> curved;
  if constexpr (sizeof(T) == 4) {
    constexpr T c[] = {0.33333156f,  0.133388f,     0.05341128f,
                       0.024430135f, 0.0031199222f, 0.009385402f};
    curved = polynomial<T>(square, c);
  } else {
    constexpr T over[] = {-17956525.197648488, 1153516.6483858742, -13093.693918138379};
    constexpr T under[] = {-53869575.592945464, 25008380.18233579, -1320892.3444021097,
                           13681.296347069296, 1.0};
    curved = polynomial<T>(square, over) / polynomial<T>(square, under);
  }
  const Lanes<T> y = mul_add<T>(curved, square * r, r);
  const Lanes<T> turned = (turns & 1) == 1 ? T(-1) / y : y;
  return unless_beyond<T>(x == T(0) ? x : turned, ::tan, x);
}

// ---- inverses

/// asin |x|, beyond 1/2 as pi / 2 - 2 asin(sqrt((1 - |x|) / 2)).
template <class T>
inline Lanes<T> asin(const Lanes<T>& x) {
  const Lanes<T> size = abs<T>(x);
  if constexpr (sizeof(T) == 4) {
    constexpr T c[] = {0.16666752f, 0.074953005f, 0.045470025f, 0.024181312f, 0.0421632f};
    const LaneMask<T> large = size > 0.5f;
    const Lanes<T> square = large ? 0.5f * (1.0f - size) : size * size;
    const Lanes<T> root = large ? sqrt<T>(square) : size;
    const Lanes<T> y = mul_add<T>(polynomial<T>(square, c), square * root, root);
    return copysign<T>(large ? TrigConstants<T>::half_pi - (y + y) : y, x);
  } else {
    constexpr T far_over[] = {28.536655482610616, -25.56901049652825, 6.968710824104713,
                              -0.5634242780008963, 0.002967721961301243};
    constexpr T far_under[] = {342.43986579130785, -383.8770957603691, 147.0656354026815,
                               -21.947795316429207, 1.0};
    constexpr T near_over[] = {-8.198089802484825, 19.562619833175948,  -16.262479672107002,
                               5.444622390564711,  -0.6019598008014124, 0.004253011369004428};
    constexpr T near_under[] = {-49.18853881490881, 139.51056146574857,  -147.1791292232726,
                                70.49610280856842,  -14.740913729888538, 1.0};
    constexpr T quarter_pi = 0.7853981633974483;
    const Lanes<T> rest = 1.0 - size;
    const Lanes<T> curved = rest * polynomial<T>(rest, far_over) / polynomial<T>(rest, far_under);
    const Lanes<T> root = sqrt<T>(rest + rest);  // NaN beyond 1
    const Lanes<T> lost = mul_add<T>(root, curved, splat(-TrigConstants<T>::half_pi_low));
    const Lanes<T> far = ((quarter_pi - root) - lost) + quarter_pi;
    const Lanes<T> square = x * x;
    const Lanes<T> ratio =
        square * polynomial<T>(square, near_over) / polynomial<T>(square, near_under);
    return copysign<T>(size > 0.625 ? far : mul_add<T>(size, ratio, size), x);
  }
}

template <class T>
inline Lanes<T> acos(const Lanes<T>& x) {
  constexpr T half_pi = TrigConstants<T>::half_pi;
  const Lanes<T> size = abs<T>(x);
  const LaneMask<T> large = size > T(0.5);
  const Lanes<T> y = asin<T>(large ? sqrt<T>(mul_add<T>(size, splat(T(-0.5)), splat(T(0.5)))) : x);
  const Lanes<T> twice = y + y;
  const Lanes<T> of_large = x < T(-0.5) ? 2 * half_pi - twice : twice;
  return large ? of_large : half_pi - y;
}

/// atan |x| = pi / 4 + atan((|x| - 1) / (|x| + 1)) = pi / 2 - atan(1 / |x|).
template <class T>
inline Lanes<T> atan(const Lanes<T>& x) {
  using C = TrigConstants<T>;
  const Lanes<T> size = abs<T>(x), zero = {};
  const LaneMask<T> below_far = size < T(2.414213562373095);  // tan(3 pi / 8); NaN is not
  const LaneMask<T> near = size < T(0.414213562373095);       // tan(pi / 8)
  const Lanes<T> over = near ? size : below_far ? size - T(1) : splat(T(-1));
  const Lanes<T> under = near ? splat(T(1)) : below_far ? size + T(1) : size;
  const Lanes<T> q = over / under;
  const Lanes<T> square = q * q;
  Lanes<T> curved;
  if constexpr (sizeof(T) == 4) {
    constexpr T c[] = {-0.3333295f, 0.19977711f, -0.13877685f, 0.080537446f};
    curved = polynomial<T>(square, c);
  } else {
    constexpr T p[] = {-64.85021904942025, -122.88666844901361, -75.00855792314705,
                       -16.157537187333652, -0.8750608600031904};
    constexpr T d[] = {194.5506571482614,  485.3903996359137,  432.88106049129027,
                       165.02700983169885, 24.858464901423062, 1.0};
    curved = polynomial<T>(square, p) / polynomial<T>(square, d);
  }
  const Lanes<T> y = mul_add<T>(q, curved * square, q);
  const Lanes<T> turn = near ? zero : below_far ? splat(T(0.5)) : splat(T(1));
  return copysign<T>(turn * C::half_pi + (y + turn * C::half_pi_low), x);
}

}  // namespace
}  // namespace reel::kernels::REEL_ISA
