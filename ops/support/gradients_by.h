#pragma once

// Internal: a gradient has two forms. One is written in ops, so that it can be differentiated
// again; the other is a kernel that goes over memory once.

#include <vector>

#include "reel/autograd/tape.h"

namespace reel::detail {

inline bool is_followed(const Tensor& x) { return x.requires_grad(); }
inline bool is_followed(const std::vector<Tensor>& xs) { return any_requires_grad(xs); }

/// The gradient by `ops()` where the tape follows one of the tensors, or lists of them, that it is
/// made of, else by `kernel()`. Tensors may be undefined.
template <class Ops, class Kernel, class... Tensors>
auto gradients_by(Ops&& ops, Kernel&& kernel, const Tensors&... tensors) {
  return grad_enabled() && (is_followed(tensors) || ...) ? ops() : kernel();
}

}  // namespace reel::detail
