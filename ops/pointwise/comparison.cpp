#include "reel/ops/pointwise/row_op.h"

namespace reel {
namespace {

Tensor compare(const char* op, kernels::Compare f, const Tensor& left, const Tensor& right) {
  if (detail::any_batched(left, right)) [[unlikely]] {
    const auto again = [=](const Tensor* x) { return compare(op, f, x[0], x[1]); };
    return detail::of_each_element(op, again, {&left, &right});
  }
  const DType dtype = detail::result_type(op, left, right);
  const detail::Promoted a(op, left, dtype), b(op, right, dtype);
  return detail::elementwise(op, kernels::find(f, dtype), {a, b}, bool_);
}

Tensor test(const char* op, kernels::Test f, const Tensor& x) {
  if (detail::is_batched(x)) [[unlikely]] {
    const auto again = [=](const Tensor* all) { return test(op, f, all[0]); };
    return detail::of_each_element(op, again, {&x});
  }
  detail::check_defined(op, "input", x);
  return detail::elementwise(op, kernels::find(f, x.dtype()), {x}, bool_);
}

Tensor bitwise(const char* op, kernels::Bitwise f, const Tensor& left, const Tensor& right) {
  if (detail::any_batched(left, right)) [[unlikely]] {
    const auto again = [=](const Tensor* x) { return bitwise(op, f, x[0], x[1]); };
    return detail::of_each_element(op, again, {&left, &right});
  }
  const DType dtype = detail::result_type(op, left, right);
  check(!is_floating(dtype), op, "expected integers or bools, got dtype {}", dtype);
  const detail::Promoted a(op, left, dtype), b(op, right, dtype);
  return detail::elementwise(op, kernels::find(f, dtype), {a, b}, dtype);
}

void check_shifted(const char* op, const Tensor& a, const Tensor& b) {
  check(detail::result_type(op, a, b) != bool_, op, "expected integers, got two bool tensors");
}

}  // namespace

#define REEL_TEST(name, ...) \
  Tensor name(const Tensor& x) { return test(#name, kernels::Test::name, x); }
#define REEL_COMPARE(name, ...)                          \
  Tensor name(const Tensor& a, const Tensor& b) {        \
    return compare(#name, kernels::Compare::name, a, b); \
  }
#include "reel/kernels/pointwise_rows.inc"

Tensor bitwise_and(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_and", kernels::Bitwise::bitwise_and, a, b);
}
Tensor bitwise_or(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_or", kernels::Bitwise::bitwise_or, a, b);
}
Tensor bitwise_xor(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_xor", kernels::Bitwise::bitwise_xor, a, b);
}
Tensor bitwise_left_shift(const Tensor& a, const Tensor& b) {
  check_shifted("bitwise_left_shift", a, b);
  return bitwise("bitwise_left_shift", kernels::Bitwise::bitwise_left_shift, a, b);
}
Tensor bitwise_right_shift(const Tensor& a, const Tensor& b) {
  check_shifted("bitwise_right_shift", a, b);
  return bitwise("bitwise_right_shift", kernels::Bitwise::bitwise_right_shift, a, b);
}

/// What differs from all bits being set, in the dtype of x.
Tensor bitwise_not(const Tensor& x) {
  if (detail::check_defined("bitwise_not", "input", x).dtype() == bool_) return logical_not(x);
  const Tensor all = x.dtype() == uint8 ? Tensor(255) : Tensor(-1);
  return bitwise("bitwise_not", kernels::Bitwise::bitwise_xor, x, all);
}

Tensor Tensor::eq(const Tensor& other) const { return reel::eq(*this, other); }
Tensor Tensor::ne(const Tensor& other) const { return reel::ne(*this, other); }
Tensor Tensor::lt(const Tensor& other) const { return reel::lt(*this, other); }
Tensor Tensor::le(const Tensor& other) const { return reel::le(*this, other); }
Tensor Tensor::gt(const Tensor& other) const { return reel::gt(*this, other); }
Tensor Tensor::ge(const Tensor& other) const { return reel::ge(*this, other); }

}  // namespace reel
