#pragma once

// Internal, for the files of this folder only: quotients of two numbers that are rounded, and what
// they leave over. Integers are not divided by 0: the ops refuse it.

#include <type_traits>

namespace reel::kernels::REEL_ISA {

/// The quotient of integers towards 0; the one that overflows wraps around.
template <class T>
inline T trunc_divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) {
      using U = std::make_unsigned_t<T>;
      if (b == T(-1)) return static_cast<T>(U(0) - static_cast<U>(a));
    }
    return static_cast<T>(a / b);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_truncf(a / b);
  } else {
    return __builtin_trunc(a / b);
  }
}

/// a - b trunc(a / b), of the sign of a.
template <class T>
inline T fmod(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) {
      if (b == T(-1)) return T(0);
    }
    return static_cast<T>(a % b);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_fmodf(a, b);
  } else {
    return __builtin_fmod(a, b);
  }
}

/// Whether a - b trunc(a / b) = rest lies on the other side of 0 than b.
template <class T>
inline bool is_beyond(T rest, T b) {
  return rest != T(0) && (rest < T(0)) != (b < T(0));
}

/// a - b floor(a / b), of the sign of b.
template <class T>
inline T remainder(T a, T b) {
  const T rest = fmod(a, b);
  return is_beyond(rest, b) ? static_cast<T>(rest + b) : rest;
}

/// floor(a / b), of floats so that it fits to their remainder: what is left of a without it is a
/// multiple of b but for rounding.
template <class T>
inline T floor_divide(T a, T b) {
  const T rest = b == T(0) ? T(0) : fmod(a, b);
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(trunc_divide(a, b) - T(is_beyond(rest, b)));
  } else {
    if (b == T(0)) return a / b;
    const T near = (a - rest) / b - T(is_beyond(rest, b));
    if (near == T(0)) return T(0) * (a / b);  // the 0 of its sign
    if constexpr (sizeof(T) == 4) {
      return __builtin_rintf(near);
    } else {
      return __builtin_rint(near);
    }
  }
}

}  // namespace reel::kernels::REEL_ISA
