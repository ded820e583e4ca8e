#include "reel/ops/pointwise/pointwise_backward.h"

#include <cmath>
#include <numbers>

#include "reel/autograd/tape.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/support/elementwise.h"

namespace reel::detail {

using kernels::Binary;

Tensor clamp_backward(const Tensor& dy, const Tensor& x, double min, double max) {
  if (recording(dy)) {
    // An infinite bound is none, as is one that the dtype makes infinite; NaN lies within no
    // bounds.
    const auto rounded = [&](double bound) {
      return x.dtype() == float32 ? static_cast<double>(static_cast<float>(bound)) : bound;
    };
    const Tensor above = rounded(min) == -HUGE_VAL ? x >= min : x > min;
    const Tensor below = rounded(max) == HUGE_VAL ? x <= max : x < max;
    return where(logical_and(above, below), dy, 0);
  }
  const double params[] = {min, max};
  return apply("clamp_backward", Binary::clamp_backward, dy, x, params);
}

Tensor abs_backward(const Tensor& dy, const Tensor& x) {
  if (recording(dy)) return dy * sign(x.detach());
  return apply("abs_backward", Binary::abs_backward, dy, x);
}

Tensor extremum_backward(const Tensor& dy, const Tensor& a, const Tensor& b, bool largest) {
  if (recording(dy)) {
    return where(largest ? a < b : a > b, 0, where(a == b, dy * 0.5, dy));
  }
  const auto op = largest ? kernels::Ternary::maximum_backward : kernels::Ternary::minimum_backward;
  constexpr const char* name = "maximum_backward";
  const Promoted left(name, a, dy.dtype()), right(name, b, dy.dtype());
  return elementwise(name, kernels::find(op, dy.dtype()), {dy, left, right}, dy.dtype());
}

Tensor div_backward(const Tensor& dy, const Tensor& a, const Tensor& b) {
  if (recording(dy, a, b)) return -dy * (a / b) / b;
  constexpr const char* name = "div_backward";
  const Promoted x(name, a, dy.dtype()), y(name, b, dy.dtype());
  return elementwise(name, kernels::find(kernels::Ternary::div_backward, dy.dtype()), {dy, x, y},
                     dy.dtype());
}

Tensor square_backward(const Tensor& dy, const Tensor& x) {
  if (recording(dy, x)) return dy * (2 * x);
  return apply("square_backward", Binary::square_backward, dy, x);
}

Tensor log1p_backward(const Tensor& dy, const Tensor& x) {
  if (recording(dy, x)) return dy / (x + 1);
  return apply("log1p_backward", Binary::log1p_backward, dy, x);
}

Tensor expm1_backward(const Tensor& dy, const Tensor& y) {
  if (recording(dy, y)) return dy * (y + 1);
  return apply("expm1_backward", Binary::expm1_backward_from_y, dy, y);
}

Tensor reciprocal_backward(const Tensor& dy, const Tensor& y) {
  if (recording(dy, y)) return -dy * (y * y);
  return apply("reciprocal_backward", Binary::reciprocal_backward_from_y, dy, y);
}

Tensor rsqrt_backward(const Tensor& dy, const Tensor& y) {
  if (recording(dy, y)) return dy * (-0.5 * (y * y * y));
  return apply("rsqrt_backward", Binary::rsqrt_backward_from_y, dy, y);
}

Tensor sqrt_backward(const Tensor& dy, const Tensor& y) {
  if (recording(dy, y)) return dy / (2 * y);
  return apply("sqrt_backward", Binary::sqrt_backward_from_y, dy, y);
}

Tensor tanh_backward(const Tensor& dy, const Tensor& y) {
  if (recording(dy, y)) return dy * (1 - y * y);
  return apply("tanh_backward", Binary::tanh_backward_from_y, dy, y);
}

Tensor sigmoid_backward(const Tensor& dy, const Tensor& y) {
  if (recording(dy, y)) return dy * (y * (1 - y));
  return apply("sigmoid_backward", Binary::sigmoid_backward_from_y, dy, y);
}

Tensor relu_backward(const Tensor& dy, const Tensor& y) {
  if (recording(dy)) return where(y > 0, dy, 0);
  return apply("relu_backward", Binary::relu_backward_from_y, dy, y);
}

Tensor leaky_relu_backward(const Tensor& dy, const Tensor& x, double negative_slope) {
  if (recording(dy)) return where(x > 0, dy, dy * negative_slope);
  return apply("leaky_relu_backward", Binary::leaky_relu_backward, dy, x, &negative_slope);
}

// The next three have reached their limits where x is clamped, as the kernels do: at infinity
// itself they would come to infinity * 0.

Tensor gelu_backward(const Tensor& dy, const Tensor& x) {
  if (recording(dy, x)) {
    const double density = 0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // 1 / sqrt(2 pi)
    const Tensor z = clamp(x, -40, 40);
    const Tensor cdf = 0.5 * (1 + erf(z * (1 / std::numbers::sqrt2)));
    return dy * (cdf + z * (density * exp(-0.5 * z * z)));
  }
  return apply("gelu_backward", Binary::gelu_backward, dy, x);
}

Tensor gelu_tanh_backward(const Tensor& dy, const Tensor& x) {
  if (recording(dy, x)) {
    const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2 / pi)
    const Tensor z = clamp(x, -40, 40), z2 = z * z;
    const Tensor t = tanh(scale * (z + 0.044715 * z2 * z));
    const Tensor du = scale * (1 + 3 * 0.044715 * z2);
    return dy * (0.5 * (1 + t) + 0.5 * z * (1 - t * t) * du);
  }
  return apply("gelu_tanh_backward", Binary::gelu_tanh_backward, dy, x);
}

Tensor silu_backward(const Tensor& dy, const Tensor& x) {
  if (recording(dy, x)) {
    const Tensor z = clamp(x, -1000, 1000);
    const Tensor s = sigmoid(z);
    return dy * (s * (1 + z * (1 - s)));
  }
  return apply("silu_backward", Binary::silu_backward, dy, x);
}

Tensor softplus_backward(const Tensor& dy, const Tensor& x, double beta, double threshold) {
  if (recording(dy, x)) {
    const Tensor z = x * beta;
    return where(z > threshold, dy, dy * sigmoid(z));
  }
  const double params[] = {beta, threshold};
  return apply("softplus_backward", Binary::softplus_backward, dy, x, params);
}

Tensor elu_backward(const Tensor& dy, const Tensor& x, double alpha) {
  if (recording(dy, x)) {
    const Tensor positive = x > 0;
    return where(positive, dy, dy * (alpha * exp(where(positive, 0, x))));
  }
  return apply("elu_backward", Binary::elu_backward, dy, x, &alpha);
}

}  // namespace reel::detail
