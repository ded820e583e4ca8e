#include "reel/kernels/conv_pool.h"

#include "reel/autograd/profiler/op_scope.h"
#include "reel/base/fail.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/image/images.h"
#include "reel/ops/shape/view.h"

namespace reel {
namespace {

using kernels::ConvShape;
using kernels::PoolShape;

const void* data_of(const Tensor& t) { return t.defined() ? t.impl().data : nullptr; }

/// The gradients from one pass over the batch, outside the tape.
Gradients fused_gradients(const Tensor& x_given, const Tensor& w_given, const Tensor& index,
                          const Tensor& dy_given, const ConvShape& conv, const PoolShape& pool,
                          const Needs& needs) {
  const Tensor x = detail::channels_last(x_given), dy = detail::channels_last(dy_given);
  const Tensor w = detail::row_major(w_given);
  const bool weights = needs[1] || needs[2];
  const Tensor dx = needs[0] ? detail::empty_channels_last(x.shape(), x.dtype()) : Tensor();
  const Tensor dw = weights ? empty(w.shape(), {.dtype = w.dtype()}) : Tensor();
  const Tensor db = needs[2] ? empty(conv.out_channels, {.dtype = w.dtype()}) : Tensor();
  auto to = [](const Tensor& t) { return t.defined() ? t.impl().data : nullptr; };
  kernels::conv2d_relu_max_pool2d_backward(x.dtype(), conv, pool, data_of(x), data_of(w),
                                           data_of(index), data_of(dy),
                                           {.x = to(dx), .w = to(dw), .bias = to(db)});
  return {dx, needs[1] ? dw : Tensor(), db};
}

}  // namespace

Tensor detail::conv2d_relu_max_pool2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                      const Conv2dOptions& options, const Pair& kernel_size,
                                      const MaxPool2dOptions& pool_options) {
  const detail::OpScope scope("conv2d_relu_max_pool2d", x, weight, bias);
  check_conv_tensors("conv2d", 2, x, weight, bias, options.groups);
  if (x.dim() == 3) {
    return squeeze(
        conv2d_relu_max_pool2d(unsqueeze(x, 0), weight, bias, options, kernel_size, pool_options),
        0);
  }
  const ConvShape conv = conv_shape("conv2d", x, weight, options);
  const PoolShape pool =
      max_pool_shape("max_pool2d", {conv.batch, conv.out_channels, conv.out_h, conv.out_w},
                     kernel_size, pool_options);
  Tensor y = empty_pooled(pool, x.dtype());
  const Tensor index = recording(x, weight, bias)
                           ? empty_pooled(pool, kernels::max_pool_index_dtype(pool))
                           : Tensor();
  if (conv.batch > 0) {
    const Tensor images = channels_last(x), w = row_major(weight), b = row_major(bias);
    kernels::conv2d_relu_max_pool2d(x.dtype(), conv, pool, data_of(images), data_of(w), data_of(b),
                                    y.impl().data, index.defined() ? index.impl().data : nullptr);
  }
  return record(
      "conv2d_relu_max_pool2d", std::move(y), inputs(x, weight, bias),
      [x = save(x), w = save(weight), index, conv, pool](const Tensor& dy, const Needs& needs) {
        if (recording(x(), w(), dy) || conv.batch == 0) {
          return conv_gradients(x, w, max_pool_scatter(dy, index, pool), conv, needs);
        }
        return fused_gradients(x, w, index, dy, conv, pool, needs);
      });
}

}  // namespace reel
