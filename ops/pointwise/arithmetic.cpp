#include "reel/autograd/tape.h"
#include "reel/base/detail/promotion.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/clamp.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/pointwise/pointwise_backward.h"
#include "reel/ops/pointwise/pow_of_number.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/elementwise.h"
#include "reel/ops/support/promote.h"

namespace reel {
namespace {

using detail::Promoted;
using kernels::Binary;

Tensor apply(const char* op, Binary f, const Promoted& a, const Promoted& b) {
  return detail::elementwise(op, kernels::find(f, a.dtype()), {a, b}, a.dtype());
}

Tensor extremum(OpName op, const Tensor& left, const Tensor& right, bool largest) {
  const DType dtype = detail::result_type(op, left, right);
  const Promoted a(op, left, dtype), b(op, right, dtype);
  Tensor out = apply(op, largest ? Binary::maximum : Binary::minimum, a, b);
  if (!recording(left, right)) return out;
  return record(op, std::move(out),
                wrt(a.tensor(),
                    [a = save(a), b = save(b), largest](const Tensor& dy) {
                      return detail::extremum_backward(dy, a, b, largest);
                    }),
                wrt(b.tensor(), [a = save(a), b = save(b), largest](const Tensor& dy) {
                  return detail::extremum_backward(dy, b, a, largest);
                }));
}

/// With respect to `x` of `x^y`. Where y is 0 this is 0 even if x^-1 is not finite. There the base
/// is put aside before the power is taken, so that it is not infinite in later derivatives either.
Tensor pow_backward_base(const Tensor& dy, const Tensor& x, const Tensor& y) {
  const Tensor flat = logical_and(y == 0, logical_not(isfinite(reciprocal(x))));
  return where(flat, 0, dy * (y * pow(where(flat, 1, x), y - 1)));
}

/// With respect to `y` of `x^y`. At 0 to a power of 0 or more the logarithm is infinite, this 0.
Tensor pow_backward_exponent(const Tensor& dy, const Tensor& x, const Tensor& y,
                             const Tensor& power) {
  const Tensor flat = logical_and(x == 0, y >= 0);
  return where(flat, 0, dy * (power * log(where(flat, 1, x))));
}

/// A power of integers, exact as their product is: in int64, which keeps the last digits of every
/// narrower dtype.
Tensor pow_of_integers(const Tensor& base, const Tensor& exponent, DType dtype) {
  check(dtype != bool_, "pow", "expected numbers, got two bool tensors");
  const Tensor least = exponent.numel() > 0 ? min(exponent) : Tensor(0);
  check(least.item<std::int64_t>() >= 0, "pow",
        "expected exponents of 0 or more for integers, got {}\nhelp: x.to(float32)",
        least.item<std::int64_t>());
  const Promoted x("pow", base, int64), y("pow", exponent, int64);
  return apply("pow", Binary::pow, x, y).to(dtype);
}

}  // namespace

Tensor add(const Tensor& left, const Tensor& right) {
  const DType dtype = detail::result_type("add", left, right);
  const Promoted a("add", left, dtype), b("add", right, dtype);
  return record("add", apply("add", Binary::add, a, b),
                wrt(a.tensor(), [](const Tensor& dy) { return dy; }),
                wrt(b.tensor(), [](const Tensor& dy) { return dy; }));
}

Tensor sub(const Tensor& left, const Tensor& right) {
  const DType dtype = detail::result_type("sub", left, right);
  check(dtype != bool_, "sub",
        "expected numbers, got two bool tensors\n"
        "help: use logical_xor or logical_not");
  const Promoted a("sub", left, dtype), b("sub", right, dtype);
  return record("sub", apply("sub", Binary::sub, a, b),
                wrt(a.tensor(), [](const Tensor& dy) { return dy; }),
                wrt(b.tensor(), [](const Tensor& dy) { return -dy; }));
}

Tensor mul(const Tensor& left, const Tensor& right) {
  const DType dtype = detail::result_type("mul", left, right);
  const Promoted a("mul", left, dtype), b("mul", right, dtype);
  Tensor out = apply("mul", Binary::mul, a, b);
  if (!recording(left, right)) return out;
  return record("mul", std::move(out),
                wrt(a.tensor(), [b = save(b)](const Tensor& dy) { return dy * b; }),
                wrt(b.tensor(), [a = save(a)](const Tensor& dy) { return dy * a; }));
}

Tensor div(const Tensor& left, const Tensor& right) {
  const DType dtype = detail::floating_type(detail::result_type("div", left, right));
  const Promoted a("div", left, dtype), b("div", right, dtype);
  Tensor out = apply("div", Binary::div, a, b);
  if (!recording(left, right)) return out;
  return record(
      "div", std::move(out), wrt(a.tensor(), [b = save(b)](const Tensor& dy) { return dy / b; }),
      wrt(b.tensor(),
          [a = save(a), b = save(b)](const Tensor& dy) { return detail::div_backward(dy, a, b); }));
}

Tensor pow(const Tensor& given, const Tensor& exponent) {
  const DType dtype = detail::result_type("pow", given, exponent);
  if (!is_floating(dtype)) return pow_of_integers(given, exponent, dtype);
  if (exponent.impl().is_number && !exponent.requires_grad()) {
    const double number = exponent.item();
    // A number takes the dtype of the result, which the shortcuts would not give it.
    const Tensor base = given.impl().is_number ? to(given, dtype) : given;
    const Promoted x("pow", base, dtype);
    if (auto cheaper = detail::pow_of_number<Tensor>(x, number)) return *cheaper;
    const Promoted y("pow", exponent, dtype);
    return record("pow", apply("pow", Binary::pow, x, y),
                  wrt(x.tensor(), [x = save(x), number](const Tensor& dy) {
                    return number == 0 ? zeros_like(dy) : dy * (number * pow(x, number - 1));
                  }));
  }
  const Promoted x("pow", given, dtype), y("pow", exponent, dtype);
  Tensor out = apply("pow", Binary::pow, x, y);
  if (!recording(given, exponent)) return out;
  return record("pow", std::move(out),
                wrt(x.tensor(), [x = save(x), y = save(y)](
                                    const Tensor& dy) { return pow_backward_base(dy, x, y); }),
                wrt(y.tensor(), [x = save(x), y = save(y)](const Tensor& dy, const Tensor& power) {
                  return pow_backward_exponent(dy, to(x, dy.dtype()), y, power);
                }));
}

Tensor maximum(const Tensor& a, const Tensor& b) { return extremum("maximum", a, b, true); }
Tensor minimum(const Tensor& a, const Tensor& b) { return extremum("minimum", a, b, false); }

Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max) {
  const DType dtype = detail::clamped_type("clamp", x, min, max);
  if (const auto bounds = detail::number_bounds(dtype, min, max)) {
    const Promoted a("clamp", x, dtype);
    return record("clamp",
                  detail::elementwise("clamp", kernels::find(kernels::Unary::clamp, dtype), {a},
                                      dtype, bounds->params),
                  wrt(a.tensor(), [a = save(a), bounds](const Tensor& dy) {
                    return detail::clamp_backward(dy, a, bounds->params[0], bounds->params[1]);
                  }));
  }
  return detail::clamp_to_tensors("clamp", x, min, max);
}

Tensor detail::clamp_to_tensors(OpName op, const Tensor& x, const Tensor& min, const Tensor& max) {
  const Tensor raised = min.defined() ? extremum(op, x, min, true) : x;
  return max.defined() ? extremum(op, raised, max, false) : raised;
}

Tensor where(const Tensor& condition, const Tensor& left, const Tensor& right) {
  detail::check_defined("where", "condition", condition);
  check(condition.dtype() == bool_, "where", "expected a condition of dtype bool, got {}",
        condition.dtype());
  const DType dtype = detail::result_type("where", left, right);
  const Promoted a("where", left, dtype), b("where", right, dtype);
  Tensor out = detail::elementwise("where", kernels::find_where(dtype), {condition, a, b}, dtype);
  if (!recording(left, right)) return out;
  return record(
      "where", std::move(out),
      wrt(a.tensor(),
          [condition = save(condition)](const Tensor& dy) { return where(condition, dy, 0); }),
      wrt(b.tensor(),
          [condition = save(condition)](const Tensor& dy) { return where(condition, 0, dy); }));
}

Tensor Tensor::add(const Tensor& other) const { return reel::add(*this, other); }
Tensor Tensor::sub(const Tensor& other) const { return reel::sub(*this, other); }
Tensor Tensor::mul(const Tensor& other) const { return reel::mul(*this, other); }
Tensor Tensor::div(const Tensor& other) const { return reel::div(*this, other); }
Tensor Tensor::pow(const Tensor& exponent) const { return reel::pow(*this, exponent); }
Tensor Tensor::clamp(const Tensor& min) const { return reel::clamp(*this, min); }
Tensor Tensor::clamp(const Tensor& min, const Tensor& max) const {
  return reel::clamp(*this, min, max);
}
Tensor Tensor::maximum(const Tensor& other) const { return reel::maximum(*this, other); }
Tensor Tensor::minimum(const Tensor& other) const { return reel::minimum(*this, other); }

}  // namespace reel
