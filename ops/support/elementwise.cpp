#include "reel/ops/support/elementwise.h"
#include "reel/base/detail/broadcast.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <span>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/base/fail.h"
#include "reel/kernels/copy.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/fit.h"

namespace reel::detail {
namespace {

/// Ops have rules for such tensors, or refuse them here.
void check_not_batched(const char* op, std::initializer_list<KernelInput> inputs) {
  for (const KernelInput& input : inputs) {
    if (input.impl->is_batched) [[unlikely]]
      refuse_batched(op);
  }
}

bool same_layout(const TensorImpl& a, const TensorImpl& b) {
  return a.shape == b.shape && ((a.contiguous && b.contiguous) || a.strides == b.strides);
}

/// The input whose shape the result surely has if all others match it or are single elements.
const KernelInput& leading(std::initializer_list<KernelInput> inputs) {
  const KernelInput* lead = inputs.begin();
  for (const KernelInput& input : inputs) {
    if (lead->impl->numel != 1) break;
    const TensorImpl& x = *input.impl;
    if (x.numel != 1 || x.shape.size() > lead->impl->shape.size()) lead = &input;
  }
  return *lead;
}

/// Whether one flat loop over the memory of `lead` does it.
bool is_flat(const TensorImpl& lead, std::initializer_list<KernelInput> inputs) {
  if (!lead.contiguous && !is_dense(lead.shape, lead.strides)) return false;
  for (const KernelInput& input : inputs) {
    if (input.impl == &lead) continue;
    const bool single = input.impl->numel == 1 && input.impl->shape.size() <= lead.shape.size();
    if (!single && !same_layout(*input.impl, lead)) return false;
  }
  return true;
}

void run_flat(const Tensor& out, kernels::Loop loop, std::initializer_list<KernelInput> inputs,
              const double* params) {
  const Size n = out.numel();
  std::size_t k = 1;
  if (n <= kernels::flat_limit) {
    // Straight to the kernel: for a handful of elements anything else would cost more than they do.
    std::byte* data[kernels::max_operands] = {out.impl().data};
    kernels::Plane plane{.inner = n, .inner_stride = {1}};
    for (const KernelInput& input : inputs) {
      data[k] = static_cast<std::byte*>(const_cast<void*>(input.data));
      plane.inner_stride[k++] = input.impl->numel == 1 && n != 1 ? 0 : 1;
    }
    if (n > 0) loop(data, plane, params);
    return;
  }
  kernels::Operand operands[kernels::max_operands];
  operands[0] = {.data = out.impl().data, .item = item_size(out.dtype())};
  for (const KernelInput& input : inputs) {
    operands[k++] = {.data = input.data, .item = input.item, .single = input.impl->numel == 1};
  }
  kernels::run_flat(loop, n, std::span<const kernels::Operand>(operands, k), params);
}

/// Whether a large input is laid out in another order of dimensions than `out`, so that walking
/// along `out` would jump from cache line to cache line in it.
bool is_turned(const Tensor& out, const KernelInput& input) {
  constexpr Size worth_a_copy = 4096;
  const TensorImpl& x = *input.impl;
  if (x.numel < worth_a_copy || x.shape != out.shape() || x.data != input.data) return false;
  Size inner = -1;  // the dimension of smallest stride in `out`
  for (Size d = 0; d < out.dim(); ++d) {
    if (x.shape[d] != 1 && (inner < 0 || out.strides()[d] < out.strides()[inner])) inner = d;
  }
  if (x.strides[inner] <= 1) return false;
  for (Size d = 0; d < out.dim(); ++d) {
    if (x.shape[d] != 1 && x.strides[d] == 1) return true;
  }
  return false;
}

void run_broadcast(const Tensor& out, kernels::Loop loop, std::initializer_list<KernelInput> inputs,
                   const double* params) {
  const Shape& shape = out.shape();
  kernels::Operand operands[kernels::max_operands];
  operands[0] = {
      .data = out.impl().data, .item = item_size(out.dtype()), .strides = &out.strides()};
  Strides strides[kernels::max_operands];
  Tensor turned[kernels::max_operands];
  std::size_t i = 1;
  for (const KernelInput& input : inputs) {
    operands[i] = {.data = input.data, .item = input.item, .strides = &strides[i]};
    if (is_turned(out, input)) {
      // A transposing copy goes tile by tile, so that both passes together are the faster way.
      turned[i] = empty_like(out, input.impl->dtype);
      kernels::copy(readable(*input.tensor), writable(turned[i]));
      operands[i].data = turned[i].impl().data;
      strides[i] = turned[i].strides();
    } else {
      strides[i] = kernels::broadcast_strides(input.impl->shape, input.impl->strides, shape);
    }
    ++i;
  }
  kernels::run(loop, shape, std::span<const kernels::Operand>(operands, i), params);
}

/// An empty result in the memory order of the first input that fills `shape` without gaps.
Tensor empty_result(std::initializer_list<KernelInput> inputs, const Shape& shape, DType dtype) {
  for (const KernelInput& input : inputs) {
    const TensorImpl& x = *input.impl;
    if (x.shape == shape && (x.contiguous || is_dense(x.shape, x.strides))) {
      return empty_like(*input.tensor, dtype);
    }
  }
  return empty_strided(shape, contiguous_strides(shape), dtype);
}

}  // namespace

void Promoted::convert(const char* op, const Tensor& x, DType dtype) {
  if (x.impl().is_number && !x.requires_grad()) {
    if (dtype == float32 && x.dtype() == float64) {
      // Nearly every number in a formula: without a loop's dispatch, which would cost more than it.
      double number = 0;
      std::memcpy(&number, x.impl().data, sizeof number);
      const auto narrow = static_cast<float>(number);
      std::memcpy(number_, &narrow, sizeof narrow);
    } else if (is_floating(dtype)) {
      kernels::convert(number_, dtype, x.impl().data, x.dtype());
    } else {
      const FittedElement fitted = fit_element(op, dtype, x);
      std::copy(std::begin(fitted.bytes), std::end(fitted.bytes), number_);
    }
    data_ = number_;
  } else {
    converted_ = to(x, dtype);
    tensor_ = &converted_;
    data_ = converted_.impl().data;
  }
}

Tensor elementwise(const char* op, kernels::Loop loop, std::initializer_list<KernelInput> inputs,
                   DType dtype, const double* params) {
  const OpScope scope(op);
  if (scope) [[unlikely]] {
    for (const KernelInput& input : inputs) add_input(*input.tensor);
  }
  check_not_batched(op, inputs);
  const KernelInput& lead = leading(inputs);
  if (is_flat(*lead.impl, inputs)) {
    Tensor out = empty_like(*lead.tensor, dtype);
    run_flat(out, loop, inputs, params);
    return out;
  }
  Shape shape = lead.impl->shape;
  for (const KernelInput& input : inputs) shape = broadcast_shapes(op, shape, input.impl->shape);
  Tensor out = empty_result(inputs, shape, dtype);
  run_broadcast(out, loop, inputs, params);
  return out;
}

void elementwise_into(const Tensor& out, kernels::Loop loop,
                      std::initializer_list<KernelInput> inputs, const double* params) {
  if (is_flat(out.impl(), inputs)) {
    run_flat(out, loop, inputs, params);
  } else {
    run_broadcast(out, loop, inputs, params);
  }
}

Tensor apply(const char* op, kernels::Unary f, const Tensor& x, const double* params) {
  return elementwise(op, kernels::find(f, x.dtype()), {x}, x.dtype(), params);
}

Tensor apply(const char* op, kernels::Binary f, const Tensor& a, const Tensor& b,
             const double* params) {
  return elementwise(op, kernels::find(f, a.dtype()), {a, b}, a.dtype(), params);
}

}  // namespace reel::detail
