#pragma once

// Internal: what the ops on images share, so that they can be fused.

#include <string>

#include "reel/autograd/tape.h"
#include "reel/kernels/conv.h"
#include "reel/kernels/pool.h"
#include "reel/ops/image/conv.h"
#include "reel/ops/image/pool.h"
#include "reel/ops/image/windows.h"

namespace reel::detail {

/// `[N, C, H, W] or [C, H, W]`, as messages call images with so many axes.
const char* images_named(Size axes);

// ---- convolutions

/// What the messages call the tensors of a convolution.
struct ConvNames {
  OpName op;
  const char* weight;
};

/// Checks that the tensors of a convolution over `axes` fit together, as the user gave them;
/// `transposed` for one whose weight is `[in, out / groups, ...]`.
void check_conv_tensors(const ConvNames& names, Size axes, bool transposed, const Tensor& x,
                        const Tensor& w, const Tensor& bias, Size groups);

/// The options of a convolution with any number of axes.
struct ConvNumbers {
  Shape stride, padding, dilation;
  Size groups;
  bool same;  // instead of `padding`

  template <int axes>
  ConvNumbers(const ConvOptions<axes>& o)
      : stride(numbers(o.stride)),
        padding(numbers(o.padding.size)),
        dilation(numbers(o.dilation)),
        groups(o.groups),
        same(o.padding.same) {}
};

/// Checks the numbers of a convolution and computes its shape; `x` is `[N, C, ...]`.
kernels::ConvShape conv_shape(const char* op, const Tensor& x, const Tensor& w,
                              const ConvNumbers& options);

/// The names of `conv1d` to `conv3d`.
const ConvNames& conv_names(Size axes);

/// y = conv(x, w), and its gradients with respect to x and to w: each is linear in both of its
/// inputs, and the derivatives of each are the other two.
Tensor plain_conv(const Tensor& x, const Tensor& w, const kernels::ConvShape& shape);
Tensor conv_input(const Tensor& dy, const Tensor& w, const kernels::ConvShape& shape);
Tensor conv_weight(const Tensor& x, const Tensor& dy, const kernels::ConvShape& shape);

/// The gradients of `conv(x, w, bias)` that are needed, each differentiable again.
Gradients conv_gradients(const Tensor& x, const Tensor& w, const Tensor& dy,
                         const kernels::ConvShape& shape, const Needs& needs);

/// The rule by which `conv(x, w, bias)` is differentiated.
struct ConvRule {
  Saved x, w;
  kernels::ConvShape shape;

  Gradients operator()(const Tensor& dy, const Needs& needs) const;
};

/// The gradients of `max_pool(conv(x, w, bias))` that are needed, from that of the pooled images
/// and where the maxima were: what lies between is never written as a whole.
Gradients conv_pool_gradients(const ConvRule& conv, const kernels::PoolShape& pool,
                              const Tensor& index, const Tensor& dy, const Needs& needs);

/// Row-major elements of weights or bias (which may be undefined), outside the tape.
Tensor row_major(const Tensor& w);

// ---- pools

/// Checks images over `axes` that are pooled, or one of them, as the user gave them.
void check_images(const char* op, Size axes, const Tensor& x);

/// The kernel's sizes where a stride was not given.
Shape stride_of(const Shape& stride, const Shape& kernel);

/// How many windows of a pool fit along one axis.
Size count_pool_windows(const char* op, const WindowAxis& axis, bool ceil_mode);

/// The pixels of window `i` of `out` that cover `in` pixels evenly.
kernels::Window even_window(Size in, Size out, Size i);

/// The output size of adaptive pooling, checked, with `same_as_input` replaced.
Shape adaptive_sizes(const char* op, const Shape& images, Shape sizes);

/// The options of a maximum with any number of axes.
struct MaxPoolNumbers {
  Shape kernel, stride, padding, dilation;
  bool ceil_mode;

  template <int axes>
  MaxPoolNumbers(const Sizes<axes>& kernel_size, const MaxPoolOptions<axes>& o)
      : kernel(numbers(kernel_size)),
        stride(stride_of(numbers(o.stride), kernel)),
        padding(numbers(o.padding)),
        dilation(numbers(o.dilation)),
        ceil_mode(o.ceil_mode) {}
};

/// Checks the numbers of a maximum for images of shape `[N, C, ...]`.
kernels::PoolShape max_pool_shape(const char* op, const Shape& images,
                                  const MaxPoolNumbers& options);

/// An uninitialised result of a maximum over `axes`.
Tensor empty_pooled(Size axes, const kernels::PoolShape& shape, DType dtype);

/// The gradient of a maximum: each `dy` where its maximum was. Differentiable again.
Tensor max_pool_scatter(const Tensor& dy, const Tensor& index, const kernels::PoolShape& shape);

}  // namespace reel::detail
