#pragma once

// Internal: from tensors to elementwise kernels.

#include <cstddef>
#include <initializer_list>

#include "reel/autograd/tensor.h"
#include "reel/kernels/loops.h"
#include "reel/kernels/pointwise.h"
#include "reel/ops/support/promote.h"

namespace reel::detail {

/// An input of an op, converted to the dtype that the op calculates in: the tensor itself where
/// nothing is to do, a number on the stack, or a copy whose conversion the tape knows. Throws in
/// the name of the op when an integer dtype does not hold a number.
class Promoted {
 public:
  Promoted(const char* op, const Tensor& x, DType dtype)
      : tensor_(&x), data_(x.impl().data), dtype_(dtype) {
    if (x.dtype() != dtype) [[unlikely]]
      convert(op, x, dtype);
  }
  Promoted(const Promoted&) = delete;
  Promoted& operator=(const Promoted&) = delete;

  /// The tensor to record and to save; of another dtype only when it is a number.
  const Tensor& tensor() const { return *tensor_; }
  operator const Tensor&() const { return *tensor_; }
  const void* data() const { return data_; }
  DType dtype() const { return dtype_; }

 private:
  void convert(const char* op, const Tensor& x, DType dtype);

  const Tensor* tensor_;
  const void* data_;
  DType dtype_;
  Tensor converted_;
  alignas(8) std::byte number_[8];
};

/// One input of a kernel: the layout of `tensor`, the elements at `data`.
struct KernelInput {
  const Tensor* tensor;
  const TensorImpl* impl;
  const void* data;
  Size item;

  KernelInput(const Promoted& x)
      : tensor(&x.tensor()), impl(tensor->get()), data(x.data()), item(item_size(x.dtype())) {}
  KernelInput(const Tensor& x)
      : tensor(&x), impl(&x.impl()), data(impl->data), item(item_size(impl->dtype)) {}
};

/// Runs a kernel over inputs broadcast together into a new tensor, which keeps the memory order of
/// the first input that has its shape without gaps.
Tensor elementwise(const char* op, kernels::Loop loop, std::initializer_list<KernelInput> inputs,
                   DType dtype, const double* params = nullptr);

/// The same into `out`, whose shape the inputs broadcast to. `out` may be one of the inputs.
void elementwise_into(const Tensor& out, kernels::Loop loop,
                      std::initializer_list<KernelInput> inputs, const double* params = nullptr);

/// `y = f(x)` in the dtype of `x`, without the tape.
Tensor apply(const char* op, kernels::Unary f, const Tensor& x, const double* params = nullptr);

/// `y = f(a, b)` without the tape; both of one floating dtype: for backward kernels.
Tensor apply(const char* op, kernels::Binary f, const Tensor& a, const Tensor& b,
             const double* params = nullptr);

}  // namespace reel::detail
