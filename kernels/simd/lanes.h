#pragma once

// Internal to kernels/simd: one register of floats or doubles in the compilers' own vector
// extension, whose operators, comparisons and selects serve float and double in one template.
//
// Everything has internal linkage: no function compiled for one instruction set can be linked into
// code for another.

#include <cstdint>

#include "reel/base/dtype.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#pragma GCC diagnostic ignored "-Wpsabi"  // no vector crosses a call: every helper is inlined

#define REEL_INLINE inline __attribute__((always_inline))

namespace reel::kernels::REEL_ISA {
namespace {

#if defined(__AVX512F__)
#define REEL_LANE_BYTES 64
#elif defined(__AVX2__)
#define REEL_LANE_BYTES 32
#else
#define REEL_LANE_BYTES 16
#endif

using FloatLanes = float __attribute__((vector_size(REEL_LANE_BYTES)));
using DoubleLanes = double __attribute__((vector_size(REEL_LANE_BYTES)));
using Int32Lanes = std::int32_t __attribute__((vector_size(REEL_LANE_BYTES)));
using Int64Lanes = std::int64_t __attribute__((vector_size(REEL_LANE_BYTES)));
using HalfFloatLanes = float __attribute__((vector_size(REEL_LANE_BYTES / 2)));

template <class T>
struct LaneTraits;
template <>
struct LaneTraits<float> {
  using Values = FloatLanes;
  using Mask = Int32Lanes;
  using Int = std::int32_t;
};
template <>
struct LaneTraits<double> {
  using Values = DoubleLanes;
  using Mask = Int64Lanes;
  using Int = std::int64_t;
};

/// A register of floats or doubles.
template <class T>
using Lanes = typename LaneTraits<T>::Values;
/// What comparing them gives: all bits set where true.
template <class T>
using LaneMask = typename LaneTraits<T>::Mask;
template <class T>
constexpr Size lane_count = static_cast<Size>(REEL_LANE_BYTES / sizeof(T));

template <class T>
REEL_INLINE Lanes<T> splat(T value) {
  return value - Lanes<T>{};  // not 0 + value, which an addition must compute
}

template <class T>
REEL_INLINE Lanes<T> load(const T* p) {
  Lanes<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
REEL_INLINE void store(T* p, const Lanes<T>& v) {
  __builtin_memcpy(p, &v, sizeof v);
}

/// True in the first `n` lanes.
template <class T>
REEL_INLINE LaneMask<T> first_lanes(Size n) {
  using Int = typename LaneTraits<T>::Int;
  static constexpr Int count[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  LaneMask<T> position;
  __builtin_memcpy(&position, count, sizeof position);
  return position < static_cast<Int>(n);
}

/// The first `n` lanes from memory, zeros behind; `n` less than all of them.
template <class T>
REEL_INLINE Lanes<T> load_tail(const T* p, Size n) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 4) {
    return (Lanes<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p);
  } else {
    return (Lanes<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1u), p);
  }
#elif defined(__AVX2__)
  const __m256i mask = (__m256i)first_lanes<T>(n);
  if constexpr (sizeof(T) == 4) {
    return (Lanes<T>)_mm256_maskload_ps(p, mask);
  } else {
    return (Lanes<T>)_mm256_maskload_pd(p, mask);
  }
#else
  T buffer[lane_count<T>] = {};
  for (Size i = 0; i < n; ++i) buffer[i] = p[i];
  return load(buffer);
#endif
}

template <class T>
REEL_INLINE void store_tail(T* p, const Lanes<T>& v, Size n) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), (__m512)v);
  } else {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1u), (__m512d)v);
  }
#elif defined(__AVX2__)
  const __m256i mask = (__m256i)first_lanes<T>(n);
  if constexpr (sizeof(T) == 4) {
    _mm256_maskstore_ps(p, mask, (__m256)v);
  } else {
    _mm256_maskstore_pd(p, mask, (__m256d)v);
  }
#else
  T buffer[lane_count<T>];
  store<T>(buffer, v);
  for (Size i = 0; i < n; ++i) p[i] = buffer[i];
#endif
}

/// The two halves of a register in double.
REEL_INLINE void widen(const FloatLanes& v, DoubleLanes& low, DoubleLanes& high) {
  HalfFloatLanes halves[2];
  __builtin_memcpy(halves, &v, sizeof v);
  low = __builtin_convertvector(halves[0], DoubleLanes);
  high = __builtin_convertvector(halves[1], DoubleLanes);
}

/// Folds all lanes into one by a tree; `f` takes and returns lanes.
template <class F>
REEL_INLINE double fold_lanes(DoubleLanes v, const F& f) {
#if REEL_LANE_BYTES == 64
  v = f(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3));
  v = f(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5));
  v = f(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6));
#elif REEL_LANE_BYTES == 32
  v = f(v, __builtin_shufflevector(v, v, 2, 3, 0, 1));
  v = f(v, __builtin_shufflevector(v, v, 1, 0, 3, 2));
#else
  v = f(v, __builtin_shufflevector(v, v, 1, 0));
#endif
  return v[0];
}
template <class F>
REEL_INLINE float fold_lanes(FloatLanes v, const F& f) {
#if REEL_LANE_BYTES == 64
  v = f(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  v = f(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  v = f(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
  v = f(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
#elif REEL_LANE_BYTES == 32
  v = f(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3));
  v = f(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5));
  v = f(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6));
#else
  v = f(v, __builtin_shufflevector(v, v, 2, 3, 0, 1));
  v = f(v, __builtin_shufflevector(v, v, 1, 0, 3, 2));
#endif
  return v[0];
}

/// A sum that takes in short sums of floats and keeps them in double, so that its error does not
/// grow with its length.
template <class T>
struct LongSum {
  DoubleLanes total = {};

  REEL_INLINE void add(const Lanes<T>& v) {
    if constexpr (sizeof(T) == 4) {
      DoubleLanes low, high;
      widen(v, low, high);
      total += low + high;
    } else {
      total += v;
    }
  }
  REEL_INLINE double value() const {
    return fold_lanes(
        total, [](const DoubleLanes& a, const DoubleLanes& b)
                   __attribute__((always_inline)) { return a + b; });
  }
};

/// e^x for x <= 0 (and a little above), as softmax needs it: within 1 ulp, 0 where the result would
/// be denormal; NaN stays NaN.
///
/// x = k ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor series, 2^k by building the exponent's
/// bits.
template <class T>
REEL_INLINE Lanes<T> exp_nonpositive(const Lanes<T>& argument) {
  constexpr bool is_float = sizeof(T) == 4;
  // 1.5 * 2^mantissa: adding it rounds to an integer and leaves that integer in the low bits.
  constexpr T magic = is_float ? T(12582912.0) : T(6755399441055744.0);
  constexpr T lowest = is_float ? T(-87.3) : T(-708.3);
  constexpr T log2_e = T(1.4426950408889634074);
  // ln 2 in two parts, the first with enough zero bits for k * ln2_high to be exact.
  constexpr T ln2_high = is_float ? T(0.693359375) : T(6.93147180369123816490e-01);
  constexpr T ln2_low = is_float ? T(-2.12194440054690583e-4) : T(1.90821492927058770002e-10);
  constexpr int degree = is_float ? 7 : 13;
  constexpr double inverse_factorials[] = {1.0,
                                           1.0,
                                           1.0 / 2,
                                           1.0 / 6,
                                           1.0 / 24,
                                           1.0 / 120,
                                           1.0 / 720,
                                           1.0 / 5040,
                                           1.0 / 40320,
                                           1.0 / 362880,
                                           1.0 / 3628800,
                                           1.0 / 39916800,
                                           1.0 / 479001600,
                                           1.0 / 6227020800};

#ifdef __AVX512F__
  // Lanes that underflow are masked out of the last step alone: what they compute before it is not
  // used, and a masked lane does not cost what a denormal result does.
  const Lanes<T> x = argument;
#else
  const LaneMask<T> underflows = argument < lowest;
  const Lanes<T> x = underflows ? splat(lowest) : argument;
#endif
  const Lanes<T> shifted = x * log2_e + magic;
  const Lanes<T> k = shifted - magic;
  const Lanes<T> r = (x - k * ln2_high) - k * ln2_low;
  Lanes<T> series = splat(T(inverse_factorials[degree]));
  for (int i = degree - 1; i >= 0; --i) series = series * r + T(inverse_factorials[i]);
#ifdef __AVX512F__
  if constexpr (is_float) {
    const __mmask16 stays = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(lowest), _CMP_NLT_UQ);
    return (Lanes<T>)_mm512_maskz_scalef_ps(stays, (__m512)series, (__m512)k);
  } else {
    const __mmask8 stays = _mm512_cmp_pd_mask((__m512d)x, _mm512_set1_pd(lowest), _CMP_NLT_UQ);
    return (Lanes<T>)_mm512_maskz_scalef_pd(stays, (__m512d)series, (__m512d)k);
  }
#else
  const LaneMask<T> bits = (LaneMask<T>)shifted - (LaneMask<T>)splat(magic);
  const Lanes<T> power_of_two =
      (Lanes<T>)((bits + (is_float ? 127 : 1023)) << (is_float ? 23 : 52));
  return underflows ? splat(T(0)) : series * power_of_two;
#endif
}

}  // namespace
}  // namespace reel::kernels::REEL_ISA
