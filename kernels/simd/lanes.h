#pragma once

// Internal, for files of folders simd/ only: a register of numbers in the compilers' own
// vector extension, whose operators, comparisons and selects serve float and double in one template.
//
// Everything has internal linkage: no function compiled for one instruction set can be linked into
// code for another.

#include <cstdint>
#include <type_traits>

#include "reel/base/dtype.h"

#ifdef __SSE4_1__
#if defined(__GNUC__) && !defined(__clang__)
// GCC takes the undefined lanes of its own AVX-512 intrinsics for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif

#ifndef REEL_ISA
#error "this header is for folders simd/ only"
#endif

#pragma GCC diagnostic ignored "-Wpsabi"  // no vector crosses from one file to another

#define REEL_INLINE inline __attribute__((always_inline))

/// Before a loop whose iterations touch the same index of each array, so that an output may be one
/// of its inputs: tells the compiler that the iterations are independent.
#if defined(__clang__)
#define REEL_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define REEL_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace reel::kernels::REEL_ISA {
namespace {

#if defined(__AVX512F__)
#define REEL_LANE_BYTES 64
#elif defined(__AVX2__)
#define REEL_LANE_BYTES 32
#else
#define REEL_LANE_BYTES 16
#endif

template <class T>
struct RegisterOf {
  typedef T type __attribute__((vector_size(REEL_LANE_BYTES)));
  using Int = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
};

/// A register of numbers.
template <class T>
using Lanes = typename RegisterOf<T>::type;
/// What comparing them gives: all bits set where true. `mask ? a : b` selects.
template <class T>
using LaneMask = Lanes<typename RegisterOf<T>::Int>;
/// Their bits, as what wraps around in sums and shifts.
template <class T>
using LaneBits = Lanes<std::make_unsigned_t<typename RegisterOf<T>::Int>>;
template <class T>
constexpr Size lane_count = static_cast<Size>(REEL_LANE_BYTES / sizeof(T));

using FloatLanes = Lanes<float>;
using DoubleLanes = Lanes<double>;
using Int32Lanes = Lanes<std::int32_t>;
using Int64Lanes = Lanes<std::int64_t>;
using HalfFloatLanes = float __attribute__((vector_size(REEL_LANE_BYTES / 2)));

template <class V>
inline constexpr bool is_register = std::is_same_v<V, FloatLanes> || std::is_same_v<V, DoubleLanes>;
/// What a register of floats or doubles holds.
template <class V>
  requires is_register<V>
using LaneOf = std::conditional_t<std::is_same_v<V, FloatLanes>, float, double>;

// REEL_OF_LANES(sqrt, x) is the machine's instruction for registers of T, _mm256_sqrt_ps(x) where T
// is float and there is AVX2.
#if defined(__AVX512F__)
#define REEL_INTRINSIC(name) _mm512_##name
#elif defined(__AVX2__)
#define REEL_INTRINSIC(name) _mm256_##name
#elif defined(__SSE4_1__)
#define REEL_INTRINSIC(name) _mm_##name
#endif
#define REEL_OF_LANES(name, ...)                     \
  [&]() __attribute__((always_inline))->Lanes<T> {   \
    if constexpr (sizeof(T) == 4) {                  \
      return REEL_INTRINSIC(name##_ps)(__VA_ARGS__); \
    } else {                                         \
      return REEL_INTRINSIC(name##_pd)(__VA_ARGS__); \
    }                                                \
  }                                                  \
  ()

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
  using Int = typename RegisterOf<T>::Int;
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

/// As many as a register holds, or only the first `n`, zeros behind.
template <class T>
REEL_INLINE Lanes<T> load_some(const T* p, Size n) {
  return n >= lane_count<T> ? load(p) : load_tail(p, n);
}

template <class T>
REEL_INLINE void store_some(T* p, const Lanes<T>& v, Size n) {
  if (n >= lane_count<T>) {
    store(p, v);
  } else {
    store_tail(p, v, n);
  }
}

template <class T>
REEL_INLINE bool any(const LaneMask<T>& mask) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return _mm512_movepi32_mask((__m512i)mask) != 0;
  } else {
    return _mm512_movepi64_mask((__m512i)mask) != 0;
  }
#elif defined(__AVX2__)
  return _mm256_movemask_epi8((__m256i)mask) != 0;
#elif defined(__SSE4_1__)
  return _mm_movemask_epi8((__m128i)mask) != 0;
#else
  typename RegisterOf<T>::Int found = 0;
  for (Size i = 0; i < lane_count<T>; ++i) found |= mask[i];
  return found != 0;
#endif
}

template <class T>
REEL_INLINE bool all(const LaneMask<T>& mask) {
  return !any<T>(~mask);
}

// ---- arithmetic beyond the operators

// Multiply and add with one rounding, where the instruction set has it: left to the compiler it is
// fused or not as its options say, and accuracy must not hang on those.

/// a b + c
template <class T>
REEL_INLINE Lanes<T> mul_add(const Lanes<T>& a, const Lanes<T>& b, const Lanes<T>& c) {
#if defined(__FMA__)
  return REEL_OF_LANES(fmadd, a, b, c);
#else
  return a * b + c;
#endif
}

/// c - a b
template <class T>
REEL_INLINE Lanes<T> neg_mul_add(const Lanes<T>& a, const Lanes<T>& b, const Lanes<T>& c) {
#if defined(__FMA__)
  return REEL_OF_LANES(fnmadd, a, b, c);
#else
  return c - a * b;
#endif
}

/// The greater; b where one is NaN.
template <class T>
REEL_INLINE Lanes<T> max(const Lanes<T>& a, const Lanes<T>& b) {
#if defined(__SSE4_1__)
  return REEL_OF_LANES(max, a, b);
#else
  return a > b ? a : b;
#endif
}
/// The smaller; b where one is NaN.
template <class T>
REEL_INLINE Lanes<T> min(const Lanes<T>& a, const Lanes<T>& b) {
#if defined(__SSE4_1__)
  return REEL_OF_LANES(min, a, b);
#else
  return a < b ? a : b;
#endif
}

template <class T>
REEL_INLINE LaneBits<T> sign_bits(const Lanes<T>& x) {
  return (LaneBits<T>)x & (LaneBits<T>)splat(T(-0.0));
}
template <class T>
REEL_INLINE Lanes<T> abs(const Lanes<T>& x) {
  return (Lanes<T>)((LaneBits<T>)x & ~(LaneBits<T>)splat(T(-0.0)));
}
/// |x| with the sign of y.
template <class T>
REEL_INLINE Lanes<T> copysign(const Lanes<T>& x, const Lanes<T>& y) {
  return (Lanes<T>)((LaneBits<T>)abs<T>(x) | sign_bits<T>(y));
}

#if defined(__SSE4_1__)
template <class T>
REEL_INLINE Lanes<T> sqrt(const Lanes<T>& x) {
  return REEL_OF_LANES(sqrt, x);
}
#if defined(__AVX512F__)
#define REEL_ROUNDED(x, mode) REEL_OF_LANES(roundscale, x, (mode) | _MM_FROUND_NO_EXC)
#else
#define REEL_ROUNDED(x, mode) REEL_OF_LANES(round, x, (mode) | _MM_FROUND_NO_EXC)
#endif
template <class T>
REEL_INLINE Lanes<T> floor(const Lanes<T>& x) {
  return REEL_ROUNDED(x, _MM_FROUND_TO_NEG_INF);
}
template <class T>
REEL_INLINE Lanes<T> ceil(const Lanes<T>& x) {
  return REEL_ROUNDED(x, _MM_FROUND_TO_POS_INF);
}
template <class T>
REEL_INLINE Lanes<T> trunc(const Lanes<T>& x) {
  return REEL_ROUNDED(x, _MM_FROUND_TO_ZERO);
}
/// Halves to the even neighbour.
template <class T>
REEL_INLINE Lanes<T> round(const Lanes<T>& x) {
  return REEL_ROUNDED(x, _MM_FROUND_TO_NEAREST_INT);
}
#undef REEL_ROUNDED
#else
#define REEL_LANE_BY_LANE(word, function)      \
  template <class T>                           \
  REEL_INLINE Lanes<T> word(Lanes<T> x) {      \
    for (Size i = 0; i < lane_count<T>; ++i) { \
      if constexpr (sizeof(T) == 4) {          \
        x[i] = function##f(x[i]);              \
      } else {                                 \
        x[i] = function(x[i]);                 \
      }                                        \
    }                                          \
    return x;                                  \
  }
REEL_LANE_BY_LANE(sqrt, __builtin_sqrt)
REEL_LANE_BY_LANE(floor, __builtin_floor)
REEL_LANE_BY_LANE(ceil, __builtin_ceil)
REEL_LANE_BY_LANE(trunc, __builtin_trunc)
REEL_LANE_BY_LANE(round, __builtin_rint)  // halves to the even neighbour
#undef REEL_LANE_BY_LANE
#endif

// ---- all lanes of a register together

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

}  // namespace
}  // namespace reel::kernels::REEL_ISA
