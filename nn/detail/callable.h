#pragma once

#include <concepts>

#include "reel/autograd/tensor.h"

namespace reel::nn::detail {

template <class T>
concept CallableWithTensor = requires(T& module, const Tensor& x) { module(x); };

template <class M>
concept HasForward = requires(M& module, const Tensor& x) { module.forward(x); };

/// Whether an `M` maps one tensor to another. PyTorch's spelling of it does not compile.
template <class M>
consteval bool maps_tensors() {
  static_assert(CallableWithTensor<M> || !HasForward<M>,
                "Reel: this module has forward() and no operator(): write operator() in its place, "
                "as in Tensor operator()(const Tensor& x) const { ... }");
  return requires(M& module, const Tensor& x) {
    { module(x) } -> std::convertible_to<Tensor>;
  };
}

}  // namespace reel::nn::detail
