#include "reel/autograd/fail.h"
#include "reel/autograd/ops/create.h"
#include "reel/autograd/ops/elementwise.h"
#include "reel/autograd/ops/pointwise.h"
#include "reel/autograd/ops/pointwise_backward.h"
#include "reel/autograd/ops/pow_of_number.h"
#include "reel/autograd/ops/promote.h"
#include "reel/autograd/tape.h"

namespace reel {
namespace {

using detail::Promoted;
using kernels::Binary;

Tensor apply(const char* op, Binary f, const Promoted& a, const Promoted& b) {
  return detail::elementwise(op, kernels::find(f, a.dtype()), {a, b}, a.dtype());
}

DType floating_result_type(const Tensor& a, const Tensor& b) {
  return detail::floating_type(detail::result_type(a, b));
}

Tensor extremum(OpName op, const Tensor& left, const Tensor& right, bool largest) {
  const DType dtype = detail::result_type(left, right);
  const Promoted a(left, dtype), b(right, dtype);
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

}  // namespace

Tensor add(const Tensor& left, const Tensor& right) {
  const DType dtype = detail::result_type(left, right);
  const Promoted a(left, dtype), b(right, dtype);
  return record("add", apply("add", Binary::add, a, b),
                wrt(a.tensor(), [](const Tensor& dy) { return dy; }),
                wrt(b.tensor(), [](const Tensor& dy) { return dy; }));
}

Tensor sub(const Tensor& left, const Tensor& right) {
  const DType dtype = detail::result_type(left, right);
  check(dtype != bool_, "sub",
        "expected numbers, got two bool tensors\n"
        "help: use logical_xor or logical_not");
  const Promoted a(left, dtype), b(right, dtype);
  return record("sub", apply("sub", Binary::sub, a, b),
                wrt(a.tensor(), [](const Tensor& dy) { return dy; }),
                wrt(b.tensor(), [](const Tensor& dy) { return -dy; }));
}

Tensor mul(const Tensor& left, const Tensor& right) {
  const DType dtype = detail::result_type(left, right);
  const Promoted a(left, dtype), b(right, dtype);
  Tensor out = apply("mul", Binary::mul, a, b);
  if (!recording(left, right)) return out;
  return record("mul", std::move(out),
                wrt(a.tensor(), [b = save(b)](const Tensor& dy) { return dy * b; }),
                wrt(b.tensor(), [a = save(a)](const Tensor& dy) { return dy * a; }));
}

Tensor div(const Tensor& left, const Tensor& right) {
  const DType dtype = floating_result_type(left, right);
  const Promoted a(left, dtype), b(right, dtype);
  Tensor out = apply("div", Binary::div, a, b);
  if (!recording(left, right)) return out;
  return record(
      "div", std::move(out), wrt(a.tensor(), [b = save(b)](const Tensor& dy) { return dy / b; }),
      wrt(b.tensor(),
          [a = save(a), b = save(b)](const Tensor& dy) { return detail::div_backward(dy, a, b); }));
}

Tensor pow(const Tensor& base, const Tensor& exponent) {
  const DType dtype = floating_result_type(base, exponent);
  if (exponent.impl().is_number && !exponent.requires_grad()) {
    const double number = exponent.item();
    const Promoted x(base, dtype);
    if (auto cheaper = detail::pow_of_number<Tensor>(x, number)) return *cheaper;
    const Promoted y(exponent, dtype);
    return record("pow", apply("pow", Binary::pow, x, y),
                  wrt(x.tensor(), [x = save(x), number](const Tensor& dy) {
                    return number == 0 ? zeros_like(dy) : dy * (number * pow(x, number - 1));
                  }));
  }
  const Promoted x(base, dtype), y(exponent, dtype);
  Tensor out = apply("pow", Binary::pow, x, y);
  if (!recording(base, exponent)) return out;
  return record("pow", std::move(out),
                wrt(x.tensor(),
                    [x = save(x), y = save(y)](const Tensor& dy) {
                      return where(y() == 0, 0, dy * (y * pow(x, y - 1)));
                    }),
                wrt(y.tensor(), [x = save(x), y = save(y)](const Tensor& dy, const Tensor& power) {
                  // At 0 to a power of 0 or more the logarithm is infinite, the derivative 0.
                  return where(x() == 0 && y() >= 0, 0, dy * (power * log(x)));
                }));
}

Tensor maximum(const Tensor& a, const Tensor& b) { return extremum("maximum", a, b, true); }
Tensor minimum(const Tensor& a, const Tensor& b) { return extremum("minimum", a, b, false); }

Tensor where(const Tensor& condition, const Tensor& left, const Tensor& right) {
  check(condition.dtype() == bool_, "where", "expected a condition of dtype bool, got {}",
        condition.dtype());
  const DType dtype = detail::result_type(left, right);
  const Promoted a(left, dtype), b(right, dtype);
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
Tensor Tensor::maximum(const Tensor& other) const { return reel::maximum(*this, other); }
Tensor Tensor::minimum(const Tensor& other) const { return reel::minimum(*this, other); }

}  // namespace reel
