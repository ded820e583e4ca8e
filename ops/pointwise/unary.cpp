#include <numbers>

#include "reel/autograd/tape.h"
#include "reel/base/detail/promotion.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/pointwise/pointwise_backward.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/elementwise.h"
#include "reel/ops/support/promote.h"

namespace reel {
namespace {

using detail::Promoted;
using kernels::Unary;

/// The tensor as the functions below take it: integers as float32.
struct Floating : Promoted {
  Floating(const char* op, const Tensor& x)
      : Promoted(op, x, detail::floating_type(detail::check_defined(op, "input", x).dtype())) {}
};

Tensor apply(const char* op, Unary f, const Promoted& x) {
  return detail::elementwise(op, kernels::find(f, x.dtype()), {x}, x.dtype());
}

/// A function whose result keeps the dtype, bool excepted.
Tensor apply_to_number(const char* op, Unary f, const Tensor& x) {
  detail::check_defined(op, "input", x);
  check(x.dtype() != bool_, op, "expected numbers, got dtype bool");
  return detail::apply(op, f, x);
}

/// Rounding in some direction: a step function, which leaves integers alone.
Tensor round_to_whole(OpName op, Unary f, const Tensor& x) {
  if (!is_floating(detail::check_defined(op, "input", x).dtype())) return clone(x);
  return record(op, detail::apply(op, f, x),
                wrt(x, [](const Tensor& dy) { return zeros_like(dy); }));
}

}  // namespace

Tensor neg(const Tensor& x) {
  return record("neg", apply_to_number("neg", Unary::neg, x),
                wrt(x, [](const Tensor& dy) { return -dy; }));
}

Tensor abs(const Tensor& x) {
  return record("abs", apply_to_number("abs", Unary::abs, x),
                wrt(x, [x = save(x)](const Tensor& dy) { return detail::abs_backward(dy, x); }));
}

Tensor sign(const Tensor& x) {
  return record("sign", apply_to_number("sign", Unary::sign, x),
                wrt(x, [](const Tensor& dy) { return zeros_like(dy); }));
}

Tensor square(const Tensor& x) {
  return record("square", apply_to_number("square", Unary::square, x),
                wrt(x, [x = save(x)](const Tensor& dy) { return detail::square_backward(dy, x); }));
}

Tensor floor(const Tensor& x) { return round_to_whole("floor", Unary::floor, x); }
Tensor ceil(const Tensor& x) { return round_to_whole("ceil", Unary::ceil, x); }
Tensor round(const Tensor& x) { return round_to_whole("round", Unary::round, x); }

Tensor exp(const Tensor& input) {
  const Floating x("exp", input);
  return record("exp", apply("exp", Unary::exp, x),
                wrt(x.tensor(), [](const Tensor& dy, const Tensor& y) { return dy * y; }));
}

Tensor log(const Tensor& input) {
  const Floating x("log", input);
  return record("log", apply("log", Unary::log, x),
                wrt(x.tensor(), [x = save(x)](const Tensor& dy) { return dy / x; }));
}

Tensor log1p(const Tensor& input) {
  const Floating x("log1p", input);
  return record(
      "log1p", apply("log1p", Unary::log1p, x),
      wrt(x.tensor(), [x = save(x)](const Tensor& dy) { return detail::log1p_backward(dy, x); }));
}

Tensor expm1(const Tensor& input) {
  const Floating x("expm1", input);
  return record("expm1", apply("expm1", Unary::expm1, x),
                wrt(x.tensor(), [](const Tensor& dy, const Tensor& y) {
                  return detail::expm1_backward(dy, y);
                }));
}

Tensor sqrt(const Tensor& input) {
  const Floating x("sqrt", input);
  return record("sqrt", apply("sqrt", Unary::sqrt, x),
                wrt(x.tensor(), [](const Tensor& dy, const Tensor& y) {
                  return detail::sqrt_backward(dy, y);
                }));
}

Tensor rsqrt(const Tensor& input) {
  const Floating x("rsqrt", input);
  return record("rsqrt", apply("rsqrt", Unary::rsqrt, x),
                wrt(x.tensor(), [](const Tensor& dy, const Tensor& y) {
                  return detail::rsqrt_backward(dy, y);
                }));
}

Tensor reciprocal(const Tensor& input) {
  const Floating x("reciprocal", input);
  return record("reciprocal", apply("reciprocal", Unary::reciprocal, x),
                wrt(x.tensor(), [](const Tensor& dy, const Tensor& y) {
                  return detail::reciprocal_backward(dy, y);
                }));
}

Tensor sin(const Tensor& input) {
  const Floating x("sin", input);
  return record("sin", apply("sin", Unary::sin, x),
                wrt(x.tensor(), [x = save(x)](const Tensor& dy) { return dy * cos(x); }));
}

Tensor cos(const Tensor& input) {
  const Floating x("cos", input);
  return record("cos", apply("cos", Unary::cos, x),
                wrt(x.tensor(), [x = save(x)](const Tensor& dy) { return -dy * sin(x); }));
}

Tensor tanh(const Tensor& input) {
  const Floating x("tanh", input);
  return record("tanh", apply("tanh", Unary::tanh, x),
                wrt(x.tensor(), [](const Tensor& dy, const Tensor& y) {
                  return detail::tanh_backward(dy, y);
                }));
}

Tensor sigmoid(const Tensor& input) {
  const Floating x("sigmoid", input);
  return record("sigmoid", apply("sigmoid", Unary::sigmoid, x),
                wrt(x.tensor(), [](const Tensor& dy, const Tensor& y) {
                  return detail::sigmoid_backward(dy, y);
                }));
}

Tensor erf(const Tensor& input) {
  const Floating x("erf", input);
  return record("erf", apply("erf", Unary::erf, x),
                wrt(x.tensor(), [x = save(x)](const Tensor& dy) {
                  return dy * (2 * std::numbers::inv_sqrtpi * exp(-square(x)));
                }));
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
