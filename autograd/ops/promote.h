#pragma once

// Internal: which dtype and shape an op of several tensors has.

#include <optional>

#include "reel/autograd/dtype.h"
#include "reel/autograd/ops/checks.h"
#include "reel/autograd/shape.h"
#include "reel/autograd/tensor.h"

namespace reel::detail {

/// The smallest dtype that holds values of both, as `torch.promote_types`.
constexpr DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (is_floating(a) || is_floating(b)) {
    const bool wide = a == float64 || b == float64;
    return wide ? float64 : float32;
  }
  if (a == bool_) return b;
  if (b == bool_) return a;
  if (a == int64 || b == int64) return int64;
  return int32;
}

/// float32 for integers and bools, else the dtype itself: what `exp` and division calculate in.
constexpr DType floating_type(DType dtype) { return is_floating(dtype) ? dtype : float32; }

/// 0 for bool, 1 for integers, 2 for floating dtypes.
constexpr int kind(DType dtype) { return is_floating(dtype) ? 2 : dtype == bool_ ? 0 : 1; }

/// A tensor's dtype; for a C++ number what it counts as on its own: int64, float32 or bool.
DType dtype_of_operand(const TensorImpl& x);

/// The general case of `result_type`.
DType mixed_result_type(const TensorImpl& a, const TensorImpl& b);

/// The dtype of an op of these tensors, as `torch.result_type`: tensors with dimensions decide; a
/// 0-d tensor and, behind it, a C++ number count only where their kind is higher.
/// Throws `[add] expected a tensor as input, got an undefined one`.
inline DType result_type(const char* op, const Tensor& a, const Tensor& b) {
  const TensorImpl& x = *check_defined(op, "input", a).get();
  const TensorImpl& y = *check_defined(op, "input", b).get();
  const bool same = x.dtype == y.dtype && !x.is_number && !y.is_number;
  return same ? x.dtype : mixed_result_type(x, y);
}

/// The shape both broadcast to, if they do.
std::optional<Shape> try_broadcast(const Shape& a, const Shape& b);

/// The shape both broadcast to.
/// Throws `[add] expected shapes that broadcast together, got [2, 3] and [4]`.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

}  // namespace reel::detail
