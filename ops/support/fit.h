#pragma once

// Internal: numbers on their way into a dtype that may be too small for them.

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "reel/autograd/detail/array.h"
#include "reel/base/fail.h"
#include "reel/kernels/copy.h"

namespace reel::detail {

/// `value` as `To`: to integers towards zero, to bool by "not zero". Throws when an integer type
/// does not hold it.
template <class To, class From>
To fit(const char* op, DType dtype, From value) {
  if constexpr (std::same_as<To, bool>) {
    return value != From{0};
  } else if constexpr (std::floating_point<To>) {
    return static_cast<To>(value);
  } else {
    bool fits;
    if constexpr (std::floating_point<From>) {
      // Both bounds are powers of two, so that they are exact in every floating-point type.
      const auto least = static_cast<From>(std::numeric_limits<To>::min());
      const From beyond = std::ldexp(From{1}, std::numeric_limits<To>::digits);
      fits = value >= least && value < beyond;
    } else {
      fits = value >= std::numeric_limits<To>::min() && value <= std::numeric_limits<To>::max();
    }
    check(fits, op, "expected values that fit dtype {}, got {}", dtype, value);
    return static_cast<To>(value);
  }
}

/// The element that holds the value of a tensor of one element in `dtype`. Throws when an integer
/// dtype does not hold it.
struct FittedElement {
  alignas(8) std::byte bytes[8];
};
inline FittedElement fit_element(const char* op, DType dtype, const Tensor& value) {
  FittedElement element;
  with_dtype(dtype, [&]<class T>(T) {
    T& to = *reinterpret_cast<T*>(element.bytes);
    to = value.is_floating_point() ? fit<T>(op, dtype, value.item<double>())
                                   : fit<T>(op, dtype, value.item<std::int64_t>());
  });
  return element;
}

/// The same as a 0-d tensor.
inline Tensor fitted(const char* op, DType dtype, const Tensor& value) {
  const Tensor made = new_tensor(op, {}, dtype);
  const FittedElement element = fit_element(op, dtype, value);
  kernels::fill(element.bytes, writable(made));
  return made;
}

}  // namespace reel::detail
