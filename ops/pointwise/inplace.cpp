#include <algorithm>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/detail/broadcast.h"
#include "reel/base/detail/promotion.h"
#include "reel/base/fail.h"
#include "reel/kernels/copy.h"
#include "reel/ops/pointwise/clamp.h"
#include "reel/ops/pointwise/inplace.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/elementwise.h"
#include "reel/ops/support/fit.h"
#include "reel/ops/support/promote.h"

namespace reel {
namespace {

using kernels::Binary;

void check_fits(const char* op, const Tensor& x, const Shape& other) {
  check(detail::broadcast_shapes(op, x.shape(), other) == x.shape(), op,
        "expected a shape that broadcasts to the target's {}, got {}", x.shape(), other);
}

/// `other`, copied if it shares memory with `x` without being laid out the same: a kernel would
/// read what it has just written.
Tensor apart(const Tensor& x, const Tensor& other) {
  const bool shares = x.impl().storage == other.impl().storage;
  const bool same = x.impl().data == other.impl().data && x.shape() == other.shape() &&
                    x.strides() == other.strides();
  return shares && !same ? clone(other) : other;
}

const Tensor& update(const char* op, Binary f, const Tensor& x, const Tensor& other) {
  detail::check_defined(op, "input", x);
  detail::check_defined(op, "other", other);
  const detail::OpScope scope(op, x, other);
  detail::check_in_place(op, x, other);
  check_fits(op, x, other.shape());
  DType dtype = detail::result_type(op, x, other);
  if (f == Binary::div) dtype = detail::floating_type(dtype);
  check(detail::kind(dtype) <= detail::kind(x.dtype()), op,
        "expected a result that fits dtype {}, got {}", x.dtype(), dtype);
  check(f != Binary::sub || dtype != bool_, op, "expected numbers, got two bool tensors");
  const NoGradGuard no_grad;
  if (dtype == x.dtype()) {
    const Tensor source = apart(x, other);
    const detail::Promoted b(op, source, dtype);
    detail::elementwise_into(x, kernels::find(f, dtype), {x, b});
  } else {
    const detail::Promoted a(op, x, dtype), b(op, other, dtype);
    const Tensor result = detail::elementwise(op, kernels::find(f, dtype), {a, b}, dtype);
    kernels::copy(x.shape(), x.impl().data, x.dtype(), x.strides(), result.impl().data, dtype,
                  result.strides());
  }
  detail::bump_version(x);
  return x;
}

const Tensor& fill(const char* op, const Tensor& x, const Tensor& value) {
  detail::check_defined(op, "input", x);
  detail::check_defined(op, "value", value);
  const detail::OpScope scope(op, x);
  detail::check_in_place(op, x, value);
  check(value.dim() == 0, op, "expected a number or a 0-d tensor, got shape {}", value.shape());
  const detail::FittedElement element = detail::fit_element(op, x.dtype(), value);
  kernels::fill(x.shape(), x.impl().data, x.dtype(), x.strides(), element.bytes);
  detail::bump_version(x);
  return x;
}

}  // namespace

void detail::check_writable(const char* op, const Tensor& x, bool recorded) {
  check(!recorded, op,
        "expected tensors that the tape does not follow, got one that requires grad\n"
        "help: change it under `NoGradGuard no_grad;`, or use the form that returns a new tensor");
  if (x.is_contiguous()) return;
  for (Size d = 0; d < x.dim(); ++d) {
    check(
        x.shape()[d] < 2 || x.strides()[d] != 0, op,
        "expected a target whose elements each have memory of their own, got an expanded tensor of "
        "shape {}\nhelp: clone() it first",
        x.shape());
  }
}

const Tensor& add_(const Tensor& x, const Tensor& other) {
  return update("add_", Binary::add, x, other);
}
const Tensor& sub_(const Tensor& x, const Tensor& other) {
  return update("sub_", Binary::sub, x, other);
}
const Tensor& mul_(const Tensor& x, const Tensor& other) {
  return update("mul_", Binary::mul, x, other);
}
const Tensor& div_(const Tensor& x, const Tensor& other) {
  return update("div_", Binary::div, x, other);
}

const Tensor& clamp_(const Tensor& x, const Tensor& min, const Tensor& max) {
  const detail::OpScope scope("clamp_", x);
  const DType dtype = detail::clamped_type("clamp_", x, min, max);
  detail::check_in_place("clamp_", x, min, max);
  check(detail::kind(dtype) <= detail::kind(x.dtype()), "clamp_",
        "expected bounds that fit dtype {}, got {}", x.dtype(), dtype);
  const auto bounds = detail::number_bounds(x.dtype(), min, max);
  if (!bounds) {
    const NoGradGuard no_grad;
    const Tensor clamped = detail::clamp_to_tensors("clamp_", x, min, max);
    check_fits("clamp_", x, clamped.shape());
    return copy_(x, clamped);
  }
  detail::elementwise_into(x, kernels::find(kernels::Unary::clamp, x.dtype()), {x}, bounds->params);
  detail::bump_version(x);
  return x;
}

const Tensor& fill_(const Tensor& x, const Tensor& value) { return fill("fill_", x, value); }

const Tensor& zero_(const Tensor& x) { return fill("zero_", x, 0); }

const Tensor& copy_(const Tensor& x, const Tensor& other) {
  detail::check_defined("copy_", "input", x);
  detail::check_defined("copy_", "source", other);
  const detail::OpScope scope("copy_", x, other);
  detail::check_in_place("copy_", x, other);
  check_fits("copy_", x, other.shape());
  const Tensor source = apart(x, other);
  kernels::copy(x.shape(), x.impl().data, x.dtype(), x.strides(), source.impl().data,
                source.dtype(),
                kernels::broadcast_strides(source.shape(), source.strides(), x.shape()));
  detail::bump_version(x);
  return x;
}

const Tensor& Tensor::operator=(const Tensor& values) && {
  detail::check_defined("operator=", "values", values);
  const detail::Storage& storage = *impl().storage;
  const bool seen = impl().refs.load(std::memory_order_relaxed) > 1 ||
                    storage.refs.load(std::memory_order_relaxed) > 1 || storage.foreign != nullptr;
  check(seen, "operator=",
        "expected a view, whose elements are a named tensor's, to write to, got a copy that nobody "
        "could read\nhelp: give it a name: `Tensor y = ...`");
  return values.dim() == 0 ? fill_(values) : copy_(values);
}

const Tensor& Tensor::add_(const Tensor& other) const { return reel::add_(*this, other); }
const Tensor& Tensor::sub_(const Tensor& other) const { return reel::sub_(*this, other); }
const Tensor& Tensor::mul_(const Tensor& other) const { return reel::mul_(*this, other); }
const Tensor& Tensor::div_(const Tensor& other) const { return reel::div_(*this, other); }
const Tensor& Tensor::clamp_(const Tensor& min) const { return reel::clamp_(*this, min); }
const Tensor& Tensor::clamp_(const Tensor& min, const Tensor& max) const {
  return reel::clamp_(*this, min, max);
}
const Tensor& Tensor::fill_(const Tensor& value) const { return reel::fill_(*this, value); }
const Tensor& Tensor::zero_() const { return reel::zero_(*this); }
const Tensor& Tensor::copy_(const Tensor& source) const { return reel::copy_(*this, source); }

}  // namespace reel
