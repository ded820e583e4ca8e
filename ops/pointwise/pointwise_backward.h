#pragma once

// Internal: the slope of relu, for the ops that end in one.

#include "reel/autograd/detail/node.h"
#include "reel/autograd/tensor.h"

namespace reel::detail {

/// From the output: `dy` where `y > 0`, else 0, in one pass; differentiable.
Tensor relu_backward(const Tensor& dy, const Tensor& y);
/// A ReLU in the memory of what was given to it.
extern const Epilogue relu_epilogue;

}  // namespace reel::detail
