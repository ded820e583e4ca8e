#include "reel/ops/pointwise/clamp.h"
#include "reel/base/detail/promotion.h"

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>

#include "reel/base/fail.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/promote.h"

namespace reel::detail {
namespace {

bool is_constant_number(const Tensor& bound) {
  return !bound.defined() || (bound.impl().is_number && !bound.requires_grad());
}

template <class T>
double param(const Tensor& bound, T missing) {
  if constexpr (std::floating_point<T>) {
    return bound.defined() ? bound.item() : missing;
  } else {
    constexpr std::int64_t least = std::numeric_limits<T>::min();
    constexpr std::int64_t most = std::numeric_limits<T>::max();
    return std::bit_cast<double>(
        bound.defined() ? std::clamp(bound.item<std::int64_t>(), least, most) : missing);
  }
}

}  // namespace

DType clamped_type(const char* op, const Tensor& x, const Tensor& min, const Tensor& max) {
  check(min.defined() || max.defined(), op, "expected min or max or both, got neither");
  DType dtype = check_defined(op, "input", x).dtype();
  for (const Tensor* bound : {&min, &max}) {
    if (bound->defined()) dtype = promote_types(dtype, result_type(op, x, *bound));
  }
  check(dtype != bool_, op, "expected numbers, got dtype bool");
  return dtype;
}

std::optional<ClampBounds> number_bounds(DType dtype, const Tensor& min, const Tensor& max) {
  if (!is_constant_number(min) || !is_constant_number(max)) return {};
  return with_dtype(dtype, [&]<class T>(T) {
    using Limits = std::numeric_limits<T>;
    using Wide = std::conditional_t<std::floating_point<T>, double, std::int64_t>;
    constexpr Wide least = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    constexpr Wide most = Limits::has_infinity ? Limits::infinity() : Limits::max();
    return ClampBounds{{param<T>(min, least), param<T>(max, most)}};
  });
}

}  // namespace reel::detail
