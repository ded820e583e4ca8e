#include <cmath>

#include "reel/ops/pointwise/clamp.h"
#include "reel/ops/pointwise/pow_of_number.h"
#include "reel/ops/pointwise/row_op.h"
#include "reel/ops/reduce/reduce.h"

namespace reel {
namespace {

using detail::Promoted;
namespace rows = kernels::rows;

/// A power of integers, exact as their product is: in int64, which keeps the last digits of every
/// narrower dtype.
Tensor pow_of_integers(const Tensor& base, const Tensor& exponent, DType dtype) {
  check(dtype != bool_, "pow", "expected numbers, got two bool tensors");
  const Tensor least = exponent.numel() > 0 ? min(exponent) : Tensor(0);
  check(least.item<std::int64_t>() >= 0, "pow",
        "expected exponents of 0 or more for integers, got {}\nhelp: x.to(float32)",
        least.item<std::int64_t>());
  const Promoted x("pow", base, int64), y("pow", exponent, int64);
  return detail::elementwise("pow", kernels::find(kernels::Binary::pow, int64), {x, y}, int64)
      .to(dtype);
}

/// The op of a row that divides, which integers cannot do by 0.
template <class Row>
Tensor divided(const char* op, const Tensor& a, const Tensor& b) {
  if (detail::any_batched(a, b)) [[unlikely]] {
    const auto again = [=](const Tensor* x) { return divided<Row>(op, x[0], x[1]); };
    return detail::of_each_element(op, again, {&a, &b});
  }
  if (!is_floating(detail::result_type(op, a, b))) {
    check(!(b == 0).any().item<bool>(), op, "expected divisors other than 0 for integers, got 0");
  }
  return detail::binary<Row>(op, a, b);
}

}  // namespace

#define REEL_BINARY(name, ...)                                     \
  [[gnu::flatten]] Tensor name(const Tensor& a, const Tensor& b) { \
    return detail::binary<rows::name##Row>(a, b);                  \
  }
#include "reel/kernels/pointwise_rows.inc"

Tensor pow(const Tensor& given, const Tensor& exponent) {
  if (detail::any_batched(given, exponent)) [[unlikely]] {
    const auto again = [](const Tensor* x) { return pow(x[0], x[1]); };
    return detail::of_each_element("pow", again, {&given, &exponent});
  }
  const DType dtype = detail::result_type("pow", given, exponent);
  if (!is_floating(dtype)) return pow_of_integers(given, exponent, dtype);
  if (exponent.impl().is_number && !exponent.requires_grad()) {
    const double number = exponent.item();
    // A number takes the dtype of the result, which the shortcuts would not give it.
    const Tensor base = given.impl().is_number ? to(given, dtype) : given;
    const Promoted x("pow", base, dtype);
    if (auto cheaper = detail::pow_of_number<Tensor>(x, number)) return *cheaper;
    const Promoted y("pow", exponent, dtype);
    return record(
        "pow",
        detail::elementwise("pow", kernels::find(kernels::Binary::pow, dtype), {x, y}, dtype),
        wrt(x.tensor(), [x = save(x), number](const Tensor& dy) {
          return number == 0 ? zeros_like(dy) : dy * (number * pow(x, number - 1));
        }));
  }
  return detail::binary<rows::powRow>(given, exponent);
}

[[gnu::flatten]] Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max) {
  if (detail::any_batched(x, min, max)) [[unlikely]] {
    const auto again = [](const Tensor* all) { return clamp(all[0], all[1], all[2]); };
    return detail::of_each_element("clamp", again, {&x, &min, &max});
  }
  const DType dtype = detail::clamped_type("clamp", x, min, max);
  if (const auto bounds = detail::number_bounds(dtype, min, max)) {
    const auto [low, high] = bounds->params;
    if (x.dtype() == dtype) return detail::unary<rows::clampRow>(x, low, high);
    return detail::unary<rows::clampRow>(to(x, dtype), low, high);
  }
  return detail::clamp_to_tensors("clamp", x, min, max);
}

Tensor detail::clamp_to_tensors(OpName op, const Tensor& x, const Tensor& min, const Tensor& max) {
  const Tensor raised = min.defined() ? detail::binary<rows::maximumRow>(op, x, min) : x;
  return max.defined() ? detail::binary<rows::minimumRow>(op, raised, max) : raised;
}

Tensor div(const Tensor& a, const Tensor& b, const DivOptions& options) {
  if (options.rounding_mode == "none") return div(a, b);
  if (options.rounding_mode == "floor") return divided<rows::floor_divideRow>("div", a, b);
  check(options.rounding_mode == "trunc", "div",
        "expected .rounding_mode to be \"none\", \"trunc\" or \"floor\", got \"{}\"",
        options.rounding_mode);
  return divided<rows::trunc_divideRow>("div", a, b);
}
Tensor floor_divide(const Tensor& a, const Tensor& b) {
  return divided<rows::floor_divideRow>("floor_divide", a, b);
}
Tensor fmod(const Tensor& a, const Tensor& b) { return divided<rows::fmodRow>("fmod", a, b); }
Tensor remainder(const Tensor& a, const Tensor& b) {
  return divided<rows::remainderRow>("remainder", a, b);
}

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight) {
  detail::check_floating("lerp", detail::check_defined("lerp", "start", start));
  detail::check_floating("lerp", detail::check_defined("lerp", "end", end));
  detail::check_defined("lerp", "weight", weight);
  // From the nearer end, which a weight of 0 or 1 then leaves as it is.
  const Tensor way = end - start;
  if (weight.impl().is_number && !weight.requires_grad()) {
    const double w = weight.item();
    return std::abs(w) < 0.5 ? start + w * way : end - (1 - w) * way;
  }
  return where(abs(weight) < 0.5, start + weight * way, end - (1 - weight) * way);
}

Tensor where(const Tensor& condition, const Tensor& left, const Tensor& right) {
  if (detail::any_batched(condition, left, right)) [[unlikely]] {
    const auto again = [](const Tensor* x) { return where(x[0], x[1], x[2]); };
    return detail::of_each_element("where", again, {&condition, &left, &right});
  }
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
