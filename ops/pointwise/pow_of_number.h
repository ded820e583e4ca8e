#pragma once

// Internal: powers that have a cheaper way, for tensors and for the elements of fused chains alike.

#include <optional>

namespace reel::detail {

/// `x` to the power of a number by its cheaper way; none where there is none. The ways differ from
/// `pow` at zeros (-0 to the power -0.5 is -inf, as PyTorch has it), so all must take the same.
template <class X>
std::optional<X> pow_of_number(const X& x, double exponent) {
  if (exponent == 1) return x * 1;
  if (exponent == 2) return square(x);
  if (exponent == 3) return x * square(x);
  if (exponent == 0.5) return sqrt(x);
  if (exponent == -0.5) return rsqrt(x);
  if (exponent == -1) return reciprocal(x);
  return std::nullopt;
}

}  // namespace reel::detail
