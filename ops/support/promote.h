#pragma once

// Internal: which dtype an op of several tensors has.

#include "reel/autograd/tensor.h"
#include "reel/base/dtype.h"
#include "reel/base/shape.h"
#include "reel/ops/support/checks.h"

namespace reel::detail {

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

}  // namespace reel::detail
