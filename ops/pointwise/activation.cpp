#include <cmath>
#include <utility>

#include "reel/autograd/detail/give_away.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/ops/create/random.h"
#include "reel/ops/pointwise/pointwise_backward.h"
#include "reel/ops/pointwise/row_op.h"

namespace reel {

namespace rows = kernels::rows;
namespace {

/// A number as integers take it.
Tensor whole(double number) { return static_cast<std::int64_t>(number); }

}  // namespace

const detail::Epilogue detail::relu_epilogue{"relu", relu_backward};

Tensor relu(Tensor x) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::of_each_element("relu", [](const Tensor* all) { return relu(all[0]); }, {&x});
  detail::check_defined("relu", "input", x);
  check(x.dtype() != bool_, "relu", "expected numbers, got dtype bool");
  if (detail::is_given_away(x)) {
    const detail::OpScope scope("relu", x);
    detail::elementwise_into(x, kernels::find(kernels::Unary::relu, x.dtype()), {x});
    detail::append(x, detail::relu_epilogue);
    return x;
  }
  return record(
      "relu", detail::apply("relu", kernels::Unary::relu, x),
      wrt(x, [](const Tensor& dy, const Tensor& y) { return detail::relu_backward(dy, y); }));
}

Tensor detail::relu_backward(const Tensor& dy, const Tensor& y) {
  return derivative<rows::reluRow::Derivative>(dy, y, y);
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  detail::check_finite("leaky_relu", "negative_slope", negative_slope);
  return detail::unary<rows::leaky_reluRow>(x, negative_slope);
}

Tensor gelu(const Tensor& x, const GELUOptions& options) {
  const bool by_tanh = options.approximate == "tanh";
  check(by_tanh || options.approximate == "none", "gelu",
        "expected .approximate to be \"none\" or \"tanh\", got \"{}\"", options.approximate);
  return by_tanh ? detail::unary<rows::gelu_tanhRow>("gelu", x)
                 : detail::unary<rows::geluRow>("gelu", x);
}

Tensor softplus(const Tensor& x, double beta, double threshold) {
  check(beta > 0 && std::isfinite(beta), "softplus", "expected a positive beta, got {}", beta);
  check(!std::isnan(threshold), "softplus", "expected a threshold, got {}", threshold);
  return detail::unary<rows::softplusRow>(x, beta, threshold);
}

Tensor elu(const Tensor& x, double alpha) {
  detail::check_finite("elu", "alpha", alpha);
  return detail::unary<rows::eluRow>(x, alpha);
}

Tensor celu(const Tensor& x, double alpha) {
  detail::check_finite("celu", "alpha", alpha);
  check(alpha != 0, "celu", "expected an alpha other than 0, got 0");
  return detail::unary<rows::celuRow>(x, alpha);
}

namespace {

Tensor between(const char* op, const Tensor& x, double low, double high) {
  detail::check_defined(op, "input", x);
  check(x.dtype() != bool_, op, "expected numbers, got dtype bool");
  check(low <= high, op, "expected min_val <= max_val, got {} and {}", low, high);
  if (!x.is_floating_point()) return clamp(x, whole(low), whole(high));
  return detail::unary<rows::hardtanhRow>(op, x, low, high);
}

}  // namespace

Tensor hardtanh(const Tensor& x, double min_val, double max_val) {
  return between("hardtanh", x, min_val, max_val);
}

Tensor relu6(const Tensor& x) { return between("relu6", x, 0, 6); }

Tensor threshold(const Tensor& x, double threshold, double value) {
  detail::check_defined("threshold", "input", x);
  check(x.dtype() != bool_, "threshold", "expected numbers, got dtype bool");
  if (!x.is_floating_point()) return where(x <= whole(threshold), whole(value), x);
  return detail::unary<rows::thresholdRow>(x, threshold, value);
}

Tensor softshrink(const Tensor& x, double lambd) {
  detail::check_not_negative("softshrink", "lambd", lambd);
  return detail::unary<rows::softshrinkRow>(x, lambd);
}

Tensor hardshrink(const Tensor& x, double lambd) {
  detail::check_finite("hardshrink", "lambd", lambd);
  return detail::unary<rows::hardshrinkRow>(x, lambd);
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  detail::check_defined("prelu", "input", x);
  detail::check_defined("prelu", "weight", weight);
  const Size channels = x.dim() > 1 ? x.size(1) : x.numel();
  check(weight.dim() <= 1 && (weight.numel() == 1 || weight.numel() == channels), "prelu",
        "expected one weight or one for each channel of {}, got {}", x.shape(), weight.shape());
  if (weight.dim() == 0) return detail::binary<rows::preluRow>(x, weight);
  Shape shape = Shape::repeat(x.dim(), 1);
  if (x.dim() > 0) shape[x.dim() > 1 ? 1 : 0] = weight.numel();
  return detail::binary<rows::preluRow>(x, weight.reshape(shape));
}

Tensor glu(const Tensor& x, Size dim) {
  detail::check_defined("glu", "input", x);
  const Size axis = detail::wrap_dim("glu", dim, x.dim());
  check(x.dim() > 0 && x.size(axis) % 2 == 0, "glu",
        "expected an even size in dimension {}, got {}", axis, x.shape());
  const Size half = x.size(axis) / 2;
  return x.narrow(axis, 0, half) * sigmoid(x.narrow(axis, half, half));
}

Tensor rrelu(const Tensor& x, const RReLUOptions& options) {
  return rrelu(x, options, default_generator());
}

Tensor rrelu(const Tensor& x, const RReLUOptions& options, Generator& generator) {
  detail::check_floating("rrelu", detail::check_defined("rrelu", "input", x));
  const auto [lower, upper, training] = options;
  check(std::isfinite(lower) && std::isfinite(upper) && lower <= upper, "rrelu",
        "expected .lower <= .upper, both finite, got {} and {}", lower, upper);
  if (!training) return leaky_relu(x, (lower + upper) / 2);
  const Tensor slope = lower + (upper - lower) * rand_like(x.detach(), generator);
  return detail::binary<rows::preluRow>("rrelu", x, slope);
}

Tensor Tensor::relu() const& { return reel::relu(*this); }
Tensor Tensor::relu() && { return reel::relu(std::move(*this)); }

}  // namespace reel
