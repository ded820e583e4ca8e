#pragma once

#include "reel/autograd/ops/create.h"
#include "reel/autograd/tensor.h"

namespace reel::nn {

/// A tensor that is trained: a leaf that requires a gradient, found by `nn::parameters` and saved
/// by `nn::state_dict`. Copies share the tensor, so a parameter handed to two layers is tied.
/// Follows `torch.nn.Parameter`.
///
/// Throws for integer tensors.
///
/// **Example**
/// ```cpp
/// struct Scale {
///   nn::Parameter factor = ones({1});
///   Tensor operator()(const Tensor& x) const { return factor * x; }
/// };
/// ```
struct Parameter : Tensor {
  /// No tensor, as the bias of `Linear{.use_bias = false}`: not found and not saved.
  Parameter() = default;

  /// A leaf that shares the elements of `values`.
  Parameter(const Tensor& values) : Tensor(values.defined() ? values.detach() : values) {
    if (values.defined()) requires_grad_();
  }

  /// A float32 scalar.
  template <Number T>
  Parameter(T value) : Parameter(full({}, value, {.dtype = float32})) {}
};

/// A tensor that belongs to a module but is not trained, as the running mean of batch norm: saved
/// by `nn::state_dict`, left alone by optimizers. Follows `torch.nn.Module.register_buffer`.
struct Buffer : Tensor {
  /// No tensor: not saved.
  Buffer() = default;

  /// Shares the elements of `values`, outside the tape.
  Buffer(const Tensor& values) : Tensor(values.defined() ? values.detach() : values) {}
};

}  // namespace reel::nn
