#pragma once

#include "reel/kernels/conv.h"
#include "reel/kernels/pool.h"

namespace reel::kernels {

// A convolution, ReLU and max-pooling in one: a few images at a time go through all three while
// they are in the cache, and what lies between is never written as a whole. `pool` pools what
// `conv` gives. float32 and float64; no size may be 0.

/// y = max_pool(relu(conv(x, w) + bias)), `index` as `max_pool`'s; `bias` and `index` may be
/// missing.
void conv_relu_max_pool(const ConvShape& conv, const PoolShape& pool, const ConstArray& x,
                        const ConstArray& w, const ConstArray& bias, const Array& y,
                        const Array& index);

/// Where the gradients go; missing are those that nobody needs.
struct ConvGradients {
  Array x, w;
  Array bias;  // only together with `w`
};

/// The gradients of the images, weights and bias from that of the pooled output. The order of the
/// sums depends on the shapes only.
void conv_max_pool_backward(const ConvShape& conv, const PoolShape& pool, const ConstArray& x,
                            const ConstArray& w, const ConstArray& index, const ConstArray& dy,
                            const ConvGradients& gradients);

}  // namespace reel::kernels
