#include <cmath>

#include "reel/autograd/tape.h"
#include "reel/base/detail/promotion.h"
#include "reel/base/fail.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/pointwise/pointwise_backward.h"
#include "reel/ops/support/elementwise.h"
#include "reel/ops/support/promote.h"

namespace reel {
namespace {

using detail::Promoted;
using kernels::Unary;

/// The tensor as activations take it: integers as float32.
struct Floating : Promoted {
  Floating(const char* op, const Tensor& x)
      : Promoted(op, x, detail::floating_type(detail::check_defined(op, "input", x).dtype())) {}
};

Tensor apply(const char* op, Unary f, const Promoted& x, const double* params = nullptr) {
  return detail::elementwise(op, kernels::find(f, x.dtype()), {x}, x.dtype(), params);
}

}  // namespace

Tensor relu(const Tensor& x) {
  detail::check_defined("relu", "input", x);
  check(x.dtype() != bool_, "relu", "expected numbers, got dtype bool");
  return record(
      "relu", detail::apply("relu", Unary::relu, x),
      wrt(x, [](const Tensor& dy, const Tensor& y) { return detail::relu_backward(dy, y); }));
}

Tensor leaky_relu(const Tensor& input, double negative_slope) {
  detail::check_finite("leaky_relu", "negative_slope", negative_slope);
  const Floating x("leaky_relu", input);
  return record("leaky_relu", apply("leaky_relu", Unary::leaky_relu, x, &negative_slope),
                wrt(x.tensor(), [x = save(x), negative_slope](const Tensor& dy) {
                  return detail::leaky_relu_backward(dy, x, negative_slope);
                }));
}

Tensor gelu(const Tensor& input, const GeluOptions& options) {
  const bool by_tanh = options.approximate == "tanh";
  check(by_tanh || options.approximate == "none", "gelu",
        "expected .approximate to be \"none\" or \"tanh\", got \"{}\"", options.approximate);
  const Floating x("gelu", input);
  return record("gelu", apply("gelu", by_tanh ? Unary::gelu_tanh : Unary::gelu, x),
                wrt(x.tensor(), [x = save(x), by_tanh](const Tensor& dy) {
                  return by_tanh ? detail::gelu_tanh_backward(dy, x) : detail::gelu_backward(dy, x);
                }));
}

Tensor silu(const Tensor& input) {
  const Floating x("silu", input);
  return record(
      "silu", apply("silu", Unary::silu, x),
      wrt(x.tensor(), [x = save(x)](const Tensor& dy) { return detail::silu_backward(dy, x); }));
}

Tensor softplus(const Tensor& input, double beta, double threshold) {
  check(beta > 0 && std::isfinite(beta), "softplus", "expected a positive beta, got {}", beta);
  check(!std::isnan(threshold), "softplus", "expected a threshold, got {}", threshold);
  const Floating x("softplus", input);
  const double params[] = {beta, threshold};
  return record("softplus", apply("softplus", Unary::softplus, x, params),
                wrt(x.tensor(), [x = save(x), beta, threshold](const Tensor& dy) {
                  return detail::softplus_backward(dy, x, beta, threshold);
                }));
}

Tensor elu(const Tensor& input, double alpha) {
  detail::check_finite("elu", "alpha", alpha);
  const Floating x("elu", input);
  return record("elu", apply("elu", Unary::elu, x, &alpha),
                wrt(x.tensor(), [x = save(x), alpha](const Tensor& dy) {
                  return detail::elu_backward(dy, x, alpha);
                }));
}

Tensor Tensor::relu() const { return reel::relu(*this); }

}  // namespace reel
