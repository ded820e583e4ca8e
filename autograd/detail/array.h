#pragma once

// Internal: tensors as kernels see them. Here alone an op's tensors turn into memory.

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/tensor.h"
#include "reel/kernels/array.h"

namespace reel::detail {

/// The elements of `x`, to be read while that tensor lives; no array where it is undefined.
inline kernels::ConstArray readable(const Tensor& x) {
  if (!x.defined()) return {};
  const TensorImpl& body = x.impl();
  if (body.is_batched) [[unlikely]]
    refuse_batched("kernel");
  return {body.data, body.dtype, body.shape, body.strides, body.device};
}

/// The same, to be written: by whoever made `x`, or has checked that it may be changed in place.
inline kernels::Array writable(const Tensor& x) {
  if (!x.defined()) return {};
  const TensorImpl& body = x.impl();
  if (body.is_batched) [[unlikely]]
    refuse_batched("kernel");
  return {body.data, body.dtype, body.shape, body.strides, body.device};
}

/// Elements of `x` in another layout, from element `offset` on; shape and strides must live too.
inline kernels::Array writable(const Tensor& x, const Shape& shape, const Strides& strides,
                               Size offset) {
  const TensorImpl& body = x.impl();
  return {body.data + offset * item_size(body.dtype), body.dtype, shape, strides, body.device};
}

}  // namespace reel::detail
