#pragma once

// Internal: what the ops on images share, so that they can be fused.

#include "reel/autograd/tape.h"
#include "reel/kernels/conv.h"
#include "reel/kernels/pool.h"
#include "reel/ops/image/conv.h"
#include "reel/ops/image/pool.h"

namespace reel::detail {

/// Checks that the tensors of a convolution over `axes` (1 or 2) fit together, as the user gave
/// them.
void check_conv_tensors(const char* op, Size axes, const Tensor& x, const Tensor& w,
                        const Tensor& bias, Size groups);

/// Checks the numbers of a convolution and computes its shape; `x` is `[N, C, H, W]`.
kernels::ConvShape conv_shape(const char* op, const Tensor& x, const Tensor& w,
                              const Conv2dOptions& options);

/// The gradients of `conv2d(x, w, bias)` that are needed, each differentiable again.
Gradients conv_gradients(const Tensor& x, const Tensor& w, const Tensor& dy,
                         const kernels::ConvShape& shape, const Needs& needs);

/// Row-major elements of weights or bias (which may be undefined), outside the tape.
Tensor row_major(const Tensor& w);

/// Checks the numbers of `max_pool2d` for images of shape `[N, C, H, W]`.
kernels::PoolShape max_pool_shape(const char* op, const Shape& images, const Pair& kernel,
                                  const MaxPool2dOptions& options);

/// An uninitialised result of pooling, and the places of its maxima.
Tensor empty_pooled(const kernels::PoolShape& shape, DType dtype);

/// The gradient of `max_pool2d`: each `dy` where its maximum was. Differentiable again.
Tensor max_pool_scatter(const Tensor& dy, const Tensor& index, const kernels::PoolShape& shape);

}  // namespace reel::detail
