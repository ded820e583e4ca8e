#include "reel/ops/pointwise/in_place.h"

#include <algorithm>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/detail/give_away.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/base/detail/broadcast.h"
#include "reel/kernels/copy.h"
#include "reel/ops/index/index.h"
#include "reel/ops/pointwise/clamp.h"
#include "reel/ops/pointwise/pointwise_backward.h"
#include "reel/ops/pointwise/row_op.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/fit.h"

namespace reel {
namespace {

namespace rows = kernels::rows;

void check_fits(const char* op, const Tensor& x, const Shape& other) {
  check(detail::broadcast_shapes(op, x.shape(), other) == x.shape(), op,
        "expected a shape that broadcasts to the target's {}, got {}", x.shape(), other);
}

void check_kind(const char* op, const Tensor& x, DType dtype) {
  check(detail::kind(dtype) <= detail::kind(x.dtype()), op,
        "expected a result that fits dtype {}, got {}", x.dtype(), dtype);
}

/// `other`, copied if it shares memory with `x` without being laid out the same, or at all where its
/// elements are wanted after the change: a kernel, or a rule, would read what has just been written.
Tensor apart(const Tensor& x, const Tensor& other, bool wanted_later) {
  const bool shares = x.impl().storage == other.impl().storage;
  const bool same = x.impl().data == other.impl().data && x.shape() == other.shape() &&
                    x.strides() == other.strides();
  return shares && (wanted_later || !same) ? clone(other) : other;
}

/// `rule` for an input that was converted to the dtype of the result.
template <class Rule>
auto converted_back(Rule rule, DType dtype) {
  return [rule = std::move(rule), dtype](const Tensor& dy) { return to(rule(dy), dtype); };
}

/// The op of a row of two tensors, into the first.
template <class Row>
const Tensor& update(OpName op, const Tensor& x, const Tensor& other) {
  detail::check_defined(op, "input", x);
  detail::check_defined(op, "other", other);
  const detail::OpScope scope(op, x, other);
  check_in_place(op, x, other);
  check_fits(op, x, other.shape());
  const DType dtype = detail::dtype_of_row<Row>(detail::result_type(op, x, other));
  check_kind(op, x, dtype);
  if constexpr (Row::takes == rows::Takes::number) {
    check(dtype != bool_, op, "expected numbers, got two bool tensors");
  }
  const bool recorded = recording(x, other);
  constexpr bool keeps_x = rows::needs_of<typename Row::ByA>.first;
  constexpr bool keeps_x_for_other = rows::needs_of<typename Row::ByB>.first;
  const bool keeps = recorded && (keeps_x || (keeps_x_for_other && other.requires_grad()));
  const Tensor before = keeps ? clone(x) : x;
  const Tensor source = apart(x, other, recorded);
  {
    const NoGradGuard no_grad;
    if (dtype == x.dtype()) {
      const detail::Promoted b(op, source, dtype);
      detail::elementwise_into(x, kernels::find(Row::code, dtype), {x, b});
    } else {
      const detail::Promoted a(op, x, dtype), b(op, source, dtype);
      const Tensor result = detail::elementwise(op, kernels::find(Row::code, dtype), {a, b}, dtype);
      kernels::copy(detail::readable(result), detail::writable(x));
    }
  }
  if (!recorded) {
    detail::bump_version(x, op);
    return x;
  }
  return record_in_place(
      op, x, wrt(x, detail::binary_rule<typename Row::ByA>(before, source)),
      wrt(source,
          converted_back(detail::binary_rule<typename Row::ByB>(before, source), source.dtype())));
}

/// The op of a row of one tensor, into that.
template <class Row>
const Tensor& update(OpName op, const Tensor& x) {
  const DType dtype = detail::dtype_of_row<Row>(detail::check_defined(op, "input", x).dtype());
  const detail::OpScope scope(op, x);
  if constexpr (Row::takes == rows::Takes::number) {
    check(dtype != bool_, op, "expected numbers, got dtype bool");
  } else if constexpr (Row::takes == rows::Takes::whole) {
    if (!is_floating(dtype)) return x;
  }
  check_kind(op, x, dtype);
  check_in_place(op, x);
  using Derivative = typename Row::Derivative;
  const bool recorded = recording(x);
  const Tensor before = recorded && rows::needs_of<Derivative>.first ? clone(x) : x;
  detail::elementwise_into(x, kernels::find(Row::code, dtype), {x});
  if (!recorded) {
    detail::bump_version(x, op);
    return x;
  }
  return record_in_place(op, x, wrt(x, detail::unary_rule<Derivative>(before)));
}

/// `x` becomes `f(x)`, an op that the tape knows, for all for which a copy is cheap enough.
template <class F, class... Sources>
const Tensor& replace(OpName op, const Tensor& x, const F& f, const Sources&... sources) {
  detail::check_defined(op, "input", x);
  const detail::OpScope scope(op, x);
  (check_fits(op, x, detail::check_defined(op, "other", sources).shape()), ...);
  check_in_place(op, x, sources...);
  const Tensor y = f(recording(x, sources...) ? clone(x) : x);
  check_fits(op, x, y.shape());
  check_kind(op, x, y.dtype());
  kernels::copy(detail::readable(y), detail::writable(x));
  return record_in_place(op, x,
                         wrt(y, [dtype = y.dtype()](const Tensor& dy) { return to(dy, dtype); }));
}

template <class F>
const Tensor& replace_by_two(OpName op, const Tensor& x, const Tensor& other, const F& f) {
  return replace(
      op, x, [&](const Tensor& before) { return f(before, other); }, other);
}

const Tensor& fill(OpName op, const Tensor& x, const Tensor& value) {
  detail::check_defined(op, "input", x);
  detail::check_defined(op, "value", value);
  const detail::OpScope scope(op, x);
  check_in_place(op, x, value);
  check(value.dim() == 0, op, "expected a number or a 0-d tensor, got shape {}", value.shape());
  const detail::FittedElement element = detail::fit_element(op, x.dtype(), value);
  kernels::fill(element.bytes, detail::writable(x));
  return record_in_place(
      op, x, wrt(value, [dtype = value.dtype()](const Tensor& dy) { return to(dy, dtype); }));
}

}  // namespace

const Tensor& add_(const Tensor& x, const Tensor& other) {
  return update<rows::addRow>("add_", x, other);
}
const Tensor& sub_(const Tensor& x, const Tensor& other) {
  return update<rows::subRow>("sub_", x, other);
}
const Tensor& mul_(const Tensor& x, const Tensor& other) {
  return update<rows::mulRow>("mul_", x, other);
}
const Tensor& div_(const Tensor& x, const Tensor& other) {
  return update<rows::divRow>("div_", x, other);
}
const Tensor& copysign_(const Tensor& x, const Tensor& other) {
  return update<rows::copysignRow>("copysign_", x, other);
}
const Tensor& atan2_(const Tensor& x, const Tensor& other) {
  return update<rows::atan2Row>("atan2_", x, other);
}
const Tensor& hypot_(const Tensor& x, const Tensor& other) {
  return update<rows::hypotRow>("hypot_", x, other);
}
const Tensor& xlogy_(const Tensor& x, const Tensor& other) {
  return update<rows::xlogyRow>("xlogy_", x, other);
}

#define REEL_UNARY(name, ...) \
  const Tensor& name##_(const Tensor& x) { return update<rows::name##Row>(#name "_", x); }
#include "reel/kernels/pointwise_rows.inc"

const Tensor& relu_(const Tensor& x) { return update<rows::reluRow>("relu_", x); }

const Tensor& leaky_relu_(const Tensor& x, double negative_slope) {
  return replace("leaky_relu_", x, [&](const Tensor& y) { return leaky_relu(y, negative_slope); });
}
const Tensor& elu_(const Tensor& x, double alpha) {
  return replace("elu_", x, [&](const Tensor& y) { return elu(y, alpha); });
}
const Tensor& celu_(const Tensor& x, double alpha) {
  return replace("celu_", x, [&](const Tensor& y) { return celu(y, alpha); });
}
const Tensor& hardtanh_(const Tensor& x, double min_val, double max_val) {
  return replace("hardtanh_", x, [&](const Tensor& y) { return hardtanh(y, min_val, max_val); });
}
const Tensor& threshold_(const Tensor& x, double threshold, double value) {
  return replace("threshold_", x,
                 [&](const Tensor& y) { return reel::threshold(y, threshold, value); });
}

const Tensor& pow_(const Tensor& x, const Tensor& exponent) {
  return replace_by_two("pow_", x, exponent, pow);
}
const Tensor& fmod_(const Tensor& x, const Tensor& other) {
  return replace_by_two("fmod_", x, other, fmod);
}
const Tensor& remainder_(const Tensor& x, const Tensor& other) {
  return replace_by_two("remainder_", x, other, remainder);
}
const Tensor& floor_divide_(const Tensor& x, const Tensor& other) {
  return replace_by_two("floor_divide_", x, other, floor_divide);
}
const Tensor& lerp_(const Tensor& x, const Tensor& end, const Tensor& weight) {
  return replace(
      "lerp_", x, [&](const Tensor& start) { return lerp(start, end, weight); }, end, weight);
}
const Tensor& masked_fill_(const Tensor& x, const Tensor& mask, const Tensor& value) {
  return replace(
      "masked_fill_", x, [&](const Tensor& y) { return masked_fill(y, mask, value); }, value);
}

const Tensor& clamp_(const Tensor& x, const Tensor& min, const Tensor& max) {
  const DType dtype = detail::clamped_type("clamp_", x, min, max);
  check(detail::kind(dtype) <= detail::kind(x.dtype()), "clamp_",
        "expected bounds that fit dtype {}, got {}", x.dtype(), dtype);
  const auto bounds = detail::number_bounds(x.dtype(), min, max);
  const auto clamped = [&](const Tensor& y) {
    return bounds ? clamp(y, min, max) : detail::clamp_to_tensors("clamp_", y, min, max);
  };
  if (!bounds || recording(x, min, max)) {
    if (!max.defined()) return replace("clamp_", x, clamped, min);
    if (!min.defined()) return replace("clamp_", x, clamped, max);
    return replace("clamp_", x, clamped, min, max);
  }
  const detail::OpScope scope("clamp_", x);
  check_in_place("clamp_", x);
  detail::elementwise_into(x, kernels::find(kernels::Unary::clamp, x.dtype()), {x}, bounds->params);
  detail::bump_version(x, "clamp_");
  return x;
}

const Tensor& fill_(const Tensor& x, const Tensor& value) { return fill("fill_", x, value); }

const Tensor& zero_(const Tensor& x) { return fill("zero_", x, 0); }

const Tensor& copy_(const Tensor& x, const Tensor& other) {
  detail::check_defined("copy_", "input", x);
  detail::check_defined("copy_", "source", other);
  const detail::OpScope scope("copy_", x, other);
  check_in_place("copy_", x, other);
  check_fits("copy_", x, other.shape());
  kernels::copy(detail::readable(apart(x, other, false)), detail::writable(x));
  return record_in_place(
      "copy_", x, wrt(other, [dtype = other.dtype()](const Tensor& dy) { return to(dy, dtype); }));
}

const Tensor& Tensor::operator=(const Tensor& values) && {
  detail::check_defined("operator=", "values", values);
  check(!detail::is_only_user(impl()) || impl().refs.load(std::memory_order_relaxed) > 1 ||
            impl().storage->foreign != nullptr,
        "operator=",
        "expected a view, whose elements are a named tensor's, to write to, got a copy that nobody "
        "could read\nhelp: give it a name: `Tensor y = ...`");
  return values.dim() == 0 ? fill_(values) : copy_(values);
}

const Tensor& Tensor::add_(const Tensor& other) const { return reel::add_(*this, other); }
const Tensor& Tensor::sub_(const Tensor& other) const { return reel::sub_(*this, other); }
const Tensor& Tensor::mul_(const Tensor& other) const { return reel::mul_(*this, other); }
const Tensor& Tensor::div_(const Tensor& other) const { return reel::div_(*this, other); }
const Tensor& Tensor::pow_(const Tensor& exponent) const { return reel::pow_(*this, exponent); }
const Tensor& Tensor::neg_() const { return reel::neg_(*this); }
const Tensor& Tensor::abs_() const { return reel::abs_(*this); }
const Tensor& Tensor::exp_() const { return reel::exp_(*this); }
const Tensor& Tensor::log_() const { return reel::log_(*this); }
const Tensor& Tensor::sqrt_() const { return reel::sqrt_(*this); }
const Tensor& Tensor::rsqrt_() const { return reel::rsqrt_(*this); }
const Tensor& Tensor::square_() const { return reel::square_(*this); }
const Tensor& Tensor::reciprocal_() const { return reel::reciprocal_(*this); }
const Tensor& Tensor::tanh_() const { return reel::tanh_(*this); }
const Tensor& Tensor::sigmoid_() const { return reel::sigmoid_(*this); }
const Tensor& Tensor::relu_() const { return reel::relu_(*this); }
const Tensor& Tensor::clamp_(const Tensor& min) const { return reel::clamp_(*this, min); }
const Tensor& Tensor::clamp_(const Tensor& min, const Tensor& max) const {
  return reel::clamp_(*this, min, max);
}
const Tensor& Tensor::fill_(const Tensor& value) const { return reel::fill_(*this, value); }
const Tensor& Tensor::zero_() const { return reel::zero_(*this); }
const Tensor& Tensor::copy_(const Tensor& source) const { return reel::copy_(*this, source); }
const Tensor& Tensor::masked_fill_(const Tensor& mask, const Tensor& value) const {
  return reel::masked_fill_(*this, mask, value);
}

}  // namespace reel
