#include <limits>
#include <numbers>

#include "reel/ops/pointwise/row_op.h"

namespace reel {

/// The normal distribution: the probability of less than x, and its density.
kernels::rows::Normal<Tensor> normal_at(const Tensor& x) {
  const double density = 0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // 1 / sqrt(2 pi)
  return {0.5 * (1 + erf(x * (1 / std::numbers::sqrt2))), density * exp(-0.5 * x * x)};
}

#define REEL_UNARY(name, ...)                          \
  [[gnu::flatten]] Tensor name(const Tensor& x) {      \
    return detail::unary<kernels::rows::name##Row>(x); \
  }
#include "reel/kernels/pointwise_rows.inc"

Tensor positive(const Tensor& x) {
  detail::check_defined("positive", "input", x);
  check(x.dtype() != bool_, "positive", "expected numbers, got dtype bool");
  return x;
}

Tensor polygamma(Size n, const Tensor& x) {
  check(n >= 0, "polygamma", "expected an n of 0 or more, got {}", n);
  return detail::unary<kernels::rows::polygammaRow>(x, static_cast<double>(n));
}

Tensor logit(const Tensor& x, std::optional<double> eps) {
  if (eps) detail::check_between("logit", "eps", *eps, 0, 0.5);
  return detail::unary<kernels::rows::logitRow>(x, eps.value_or(-1));
}

Tensor nan_to_num(const Tensor& x, const NanToNumOptions& options) {
  const bool single = detail::check_defined("nan_to_num", "input", x).dtype() == float32;
  const double most =
      single ? double{std::numeric_limits<float>::max()} : std::numeric_limits<double>::max();
  return detail::unary<kernels::rows::nan_to_numRow>(x, options.nan, options.posinf.value_or(most),
                                                     options.neginf.value_or(-most));
}

Tensor Tensor::neg() const { return reel::neg(*this); }
Tensor Tensor::abs() const { return reel::abs(*this); }
Tensor Tensor::square() const { return reel::square(*this); }
Tensor Tensor::exp() const { return reel::exp(*this); }
Tensor Tensor::log() const { return reel::log(*this); }
Tensor Tensor::log1p() const { return reel::log1p(*this); }
Tensor Tensor::sqrt() const { return reel::sqrt(*this); }
Tensor Tensor::rsqrt() const { return reel::rsqrt(*this); }
Tensor Tensor::reciprocal() const { return reel::reciprocal(*this); }
Tensor Tensor::sin() const { return reel::sin(*this); }
Tensor Tensor::cos() const { return reel::cos(*this); }
Tensor Tensor::tanh() const { return reel::tanh(*this); }
Tensor Tensor::sigmoid() const { return reel::sigmoid(*this); }

}  // namespace reel
