#pragma once

#include "reel/kernels/conv.h"
#include "reel/kernels/pool.h"

namespace reel::kernels {

// A convolution, ReLU and max-pooling in one: a few images at a time go through all three while
// they are in the cache, and what lies between is never written as a whole. `pool` pools what
// `conv` gives. float32 and float64; no size may be 0.

/// y = max_pool(relu(conv(x, w) + bias)), `index` as `max_pool2d`'s; `bias` and `index` may be
/// null.
void conv2d_relu_max_pool2d(DType dtype, const ConvShape& conv, const PoolShape& pool,
                            const void* x, const void* w, const void* bias, void* y, void* index);

/// Where the gradients go; null for those that nobody needs.
struct ConvGradients {
  void* x = nullptr;
  void* w = nullptr;
  void* bias = nullptr;  // only together with `w`
};

/// The gradients of the images, weights and bias from that of the pooled output. The order of the
/// sums depends on the shapes only.
void conv2d_relu_max_pool2d_backward(DType dtype, const ConvShape& conv, const PoolShape& pool,
                                     const void* x, const void* w, const void* index,
                                     const void* dy, const ConvGradients& gradients);

}  // namespace reel::kernels
