#pragma once

// Internal, for the files of this folder only: vectors of the instruction set being compiled for.
//
// Everything here lives in reel::kernels::REEL_ISA, and xsimd itself in a namespace of its own per
// instruction set: an inline function compiled for AVX-512 must never share a name with one
// compiled for an older machine, because the linker would keep either of them for both. For the
// same reason nothing of std:: that is a function template is used in this folder.

#ifndef REEL_ISA
#error "this header is for kernels/simd/*.cpp only"
#endif

#define REEL_CONCAT_INNER(a, b) a##b
#define REEL_CONCAT(a, b) REEL_CONCAT_INNER(a, b)

#if defined(__GNUC__) && !defined(__clang__)
// GCC takes the undefined lanes of its own AVX-512 intrinsics for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#define xsimd REEL_CONCAT(reel_xsimd_, REEL_ISA)
#include <xsimd/xsimd.hpp>
namespace reel::kernels::REEL_ISA {
namespace xs = ::xsimd;
}  // namespace reel::kernels::REEL_ISA
#undef xsimd
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include "reel/base/dtype.h"

/// Before a loop whose iterations touch the same index of each array, so that an output may be one
/// of its inputs: tells the compiler that the iterations are independent.
#if defined(__clang__)
#define REEL_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define REEL_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace reel::kernels::REEL_ISA {

/// As many values of type T as a register holds.
template <class T>
using Vec = xs::batch<T, xs::default_arch>;

template <class T>
inline constexpr Size vec_size = static_cast<Size>(Vec<T>::size);

template <class T>
inline Vec<T> load(const T* from) {
  return Vec<T>::load_unaligned(from);
}

template <class T>
inline void store(T* to, const Vec<T>& v) {
  v.store_unaligned(to);
}

// Multiply and add with one rounding, where the instruction set has it. xsimd leaves that to the
// compiler for AVX-512, which fuses or not as its options say; accuracy must not hang on those.

/// a b + c
template <class T>
inline Vec<T> mul_add(const Vec<T>& a, const Vec<T>& b, const Vec<T>& c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(_mm512_fmadd_ps(a, b, c));
  } else {
    return Vec<T>(_mm512_fmadd_pd(a, b, c));
  }
#else
  return xs::fma(a, b, c);
#endif
}

/// a b - c
template <class T>
inline Vec<T> mul_sub(const Vec<T>& a, const Vec<T>& b, const Vec<T>& c) {
  return mul_add(a, b, -c);
}

/// c - a b
template <class T>
inline Vec<T> neg_mul_add(const Vec<T>& a, const Vec<T>& b, const Vec<T>& c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(_mm512_fnmadd_ps(a, b, c));
  } else {
    return Vec<T>(_mm512_fnmadd_pd(a, b, c));
  }
#else
  return xs::fnma(a, b, c);
#endif
}

/// The first `n` values, the others 0; `n` is less than `vec_size<T>`.
template <class T>
inline Vec<T> load_first(const T* from, Size n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return Vec<T>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), from));
  } else {
    return Vec<T>(_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), from));
  }
#else
  alignas(64) T buffer[vec_size<T>] = {};
  for (Size i = 0; i < n; ++i) buffer[i] = from[i];
  return Vec<T>::load_aligned(buffer);
#endif
}

/// Stores the first `n` values; `n` is less than `vec_size<T>`.
template <class T>
inline void store_first(T* to, const Vec<T>& v, Size n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), v);
  } else {
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << n) - 1), v);
  }
#else
  alignas(64) T buffer[vec_size<T>];
  v.store_aligned(buffer);
  for (Size i = 0; i < n; ++i) to[i] = buffer[i];
#endif
}

/// Every `stride`-th value, `n` of them (at most `vec_size<T>`), the others 0.
template <class T>
inline Vec<T> gather(const T* from, Size stride, Size n) {
  alignas(64) T buffer[vec_size<T>] = {};
  for (Size i = 0; i < n; ++i) buffer[i] = from[i * stride];
  return Vec<T>::load_aligned(buffer);
}

template <class T>
inline void scatter(T* to, Size stride, const Vec<T>& v, Size n) {
  alignas(64) T buffer[vec_size<T>];
  v.store_aligned(buffer);
  for (Size i = 0; i < n; ++i) to[i * stride] = buffer[i];
}

}  // namespace reel::kernels::REEL_ISA
