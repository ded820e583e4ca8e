#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/support/elementwise.h"
#include "reel/ops/support/promote.h"

namespace reel {
namespace {

using kernels::Compare;
using kernels::Test;

Tensor compare(const char* op, Compare f, const Tensor& left, const Tensor& right) {
  const DType dtype = detail::result_type(op, left, right);
  const detail::Promoted a(op, left, dtype), b(op, right, dtype);
  return detail::elementwise(op, kernels::find(f, dtype), {a, b}, bool_);
}

Tensor test(const char* op, Test f, const Tensor& x) {
  detail::check_defined(op, "input", x);
  return detail::elementwise(op, kernels::find(f, x.dtype()), {x}, bool_);
}

}  // namespace

Tensor eq(const Tensor& a, const Tensor& b) { return compare("eq", Compare::eq, a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compare("ne", Compare::ne, a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compare("lt", Compare::lt, a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compare("le", Compare::le, a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compare("gt", Compare::gt, a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compare("ge", Compare::ge, a, b); }

Tensor isnan(const Tensor& x) { return test("isnan", Test::isnan, x); }
Tensor isinf(const Tensor& x) { return test("isinf", Test::isinf, x); }
Tensor isfinite(const Tensor& x) { return test("isfinite", Test::isfinite, x); }

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return compare("logical_and", Compare::logical_and, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return compare("logical_or", Compare::logical_or, a, b);
}
Tensor logical_xor(const Tensor& a, const Tensor& b) {
  return compare("logical_xor", Compare::logical_xor, a, b);
}
Tensor logical_not(const Tensor& x) { return test("logical_not", Test::logical_not, x); }

Tensor Tensor::eq(const Tensor& other) const { return reel::eq(*this, other); }
Tensor Tensor::ne(const Tensor& other) const { return reel::ne(*this, other); }
Tensor Tensor::lt(const Tensor& other) const { return reel::lt(*this, other); }
Tensor Tensor::le(const Tensor& other) const { return reel::le(*this, other); }
Tensor Tensor::gt(const Tensor& other) const { return reel::gt(*this, other); }
Tensor Tensor::ge(const Tensor& other) const { return reel::ge(*this, other); }

}  // namespace reel
