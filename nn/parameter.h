#pragma once

#include <concepts>

#include "reel/autograd/tensor.h"
#include "reel/ops/create/create.h"

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
  /// No tensor: not found and not saved. In a layer, "not given": the layer makes it.
  Parameter() = default;

  /// A leaf that shares the elements of `values`.
  Parameter(const Tensor& values) : Tensor(values.defined() ? values.detach() : values) {
    if (values.defined()) requires_grad_();
  }

  /// A float32 scalar.
  template <Number T>
  Parameter(T value) : Parameter(full({}, value, {.dtype = float32})) {
    static_assert(!std::same_as<T, bool>,
                  "Reel: a Parameter is a tensor or a number, not true or false: to leave a "
                  "parameter out, use the option of the layer that says so");
  }
};

/// The bias of a layer, option and parameter in one: `true` lets the layer make it, `false` means
/// there is none, and a tensor is taken as it is. Once the layer is there it is the parameter,
/// undefined where there is none. In names and state dicts it follows the weight, wherever the
/// struct declares it.
///
/// **Example**
/// ```cpp
/// nn::Linear plain{.in_features = 4, .out_features = 2, .bias = false};  // or {4, 2, false}
/// nn::Linear tied{.in_features = 4, .out_features = 2, .bias = plain.bias};
/// ```
class Bias : public Parameter {
 public:
  /// Whether the layer makes one.
  template <Number T>
  Bias(T wanted) : wanted_(wanted) {
    static_assert(std::same_as<T, bool>, "Reel: a bias is true, false or a tensor, not a number");
  }

  /// The parameter itself, tied.
  Bias(const Parameter& parameter) : Parameter(parameter), wanted_(parameter.defined()) {}
  /// A leaf that shares the elements of `values`; none when they are undefined.
  Bias(const Tensor& values) : Parameter(values), wanted_(values.defined()) {}

  Bias& operator=(bool) = delete;  // a layer makes its bias once: say .bias where it is made

  /// Whether there is to be one: it is not there yet while the layer is being made.
  bool wanted() const { return wanted_; }

 private:
  bool wanted_;
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
