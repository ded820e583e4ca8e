#include "reel/ops/support/checks.h"

#include <cmath>

#include "reel/base/fail.h"

namespace reel::detail {

void undefined_input(const char* op, const char* name) {
  fail(
      op,
      "expected a tensor as {}, got an undefined one\nhelp: it was default-constructed, moved from, "
      "or is a gradient that has not been computed yet",
      name);
}

void check_floating(const char* op, const Tensor& x) {
  check_defined(op, "input", x);
  check(x.is_floating_point(), op,
        "expected a floating-point tensor, got dtype {}\nhelp: convert it with x.to(float32)",
        x.dtype());
}

void check_one_dtype(const char* op, const char* name, const Tensor& x, const char* other_name,
                     const Tensor& other) {
  if (x.dtype() == other.dtype()) return;
  const DType wanted = is_floating(other.dtype()) ? other.dtype() : x.dtype();
  fail(op, "expected {} and {} of one dtype, got {} and {}\nhelp: {}.to({})", name, other_name,
       x.dtype(), other.dtype(), wanted == x.dtype() ? other_name : name, wanted);
}

void check_between(const char* op, const char* name, double value, double low, double high) {
  check(value >= low && value <= high, op, "expected {} in [{}, {}], got {}", name, low, high,
        value);
}

void check_finite(const char* op, const char* name, double value) {
  check(std::isfinite(value), op, "expected a finite {}, got {}", name, value);
}

void check_not_negative(const char* op, const char* name, double value) {
  check(value >= 0 && std::isfinite(value), op, "expected a finite {} of 0 or more, got {}", name,
        value);
}

}  // namespace reel::detail
