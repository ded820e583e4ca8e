#pragma once

// Internal: the sign of a NaN says nothing, but printing shows it.

#include <cmath>
#include <limits>

namespace reel::detail {

/// `x`, except that a NaN is the one that prints as "nan" and not as "-nan".
inline double plain_nan(double x) {
  return std::isnan(x) ? std::numeric_limits<double>::quiet_NaN() : x;
}

}  // namespace reel::detail
