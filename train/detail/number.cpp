#include "reel/train/detail/number.h"

#include <cmath>

#include "reel/base/fail.h"

namespace reel::train::detail {

std::string number(double value) {
  const double size = std::abs(value);
  // What four decimals say of a small number must be all of it.
  const bool whole = std::abs(size * 1e4 - std::round(size * 1e4)) < 1e-6 && size >= 0.5e-4;
  if (!std::isfinite(value) || size == 0 || ((size >= 1e-3 || whole) && size < 1e4)) {
    return fmt::format("{:.4f}", reel::detail::without_sign_of_nan(value));
  }
  return fmt::format("{:.3e}", value);
}

}  // namespace reel::train::detail
