#include "reel/kernels/conv_pool.h"

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/image/images.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/gradients_by.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;

/// The gradients from one pass over the batch, outside the tape.
Gradients one_pass(const detail::ConvRule& conv, const kernels::PoolShape& pool,
                   const Tensor& index, const Tensor& dy_given, const Needs& needs) {
  const Tensor x = detail::channels_last(conv.x), dy = detail::channels_last(dy_given);
  const Tensor w = detail::row_major(conv.w);
  const bool weights = needs[1] || needs[2];
  const Tensor dx = needs[0] ? detail::empty_channels_last(x.shape(), x.dtype()) : Tensor();
  const Tensor dw = weights ? empty(w.shape(), {.dtype = w.dtype()}) : Tensor();
  const Tensor db = needs[2] ? empty(conv.shape.out_channels, {.dtype = w.dtype()}) : Tensor();
  kernels::conv_max_pool_backward(conv.shape, pool, readable(x), readable(w), readable(index),
                                  readable(dy),
                                  {.x = writable(dx), .w = writable(dw), .bias = writable(db)});
  return {dx, needs[1] ? dw : Tensor(), db};
}

}  // namespace

Gradients detail::conv_pool_gradients(const ConvRule& conv, const kernels::PoolShape& pool,
                                      const Tensor& index, const Tensor& dy, const Needs& needs) {
  const Tensor &x = conv.x, &w = conv.w;
  const auto by_ops = [&] { return conv(max_pool_scatter(dy, index, pool), needs); };
  if (pool.batch == 0) return by_ops();
  return gradients_by(
      by_ops, [&] { return one_pass(conv, pool, index, dy, needs); }, x, w, dy);
}

template <int axes>
Tensor detail::conv_relu_max_pool(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                  const ConvOptions<axes>& options, const Sizes<axes>& kernel_size,
                                  const MaxPoolOptions<axes>& pool_options) {
  static constexpr OpName ops[] = {"conv1d_relu_max_pool1d", "conv2d_relu_max_pool2d",
                                   "conv3d_relu_max_pool3d"};
  static constexpr OpName pools[] = {"max_pool1d", "max_pool2d", "max_pool3d"};
  const OpName op = ops[axes - 1];
  if (any_batched(x, weight, bias)) [[unlikely]]
    return max_pool(relu(conv(x, weight, bias, options)), kernel_size, pool_options);
  const OpScope scope(op, x, weight, bias);
  const ConvNames& names = conv_names(axes);
  check_conv_tensors(names, axes, false, x, weight, bias, options.groups);
  if (x.dim() == axes + 1) {
    return squeeze(
        conv_relu_max_pool(unsqueeze(x, 0), weight, bias, options, kernel_size, pool_options), 0);
  }
  const kernels::ConvShape conv = conv_shape(names.op, x, weight, options);
  const kernels::PoolShape pool = max_pool_shape(
      pools[axes - 1], output_shape(conv, conv.out_channels, axes), {kernel_size, pool_options});
  Tensor y = empty_pooled(axes, pool, x.dtype());
  const Tensor index = recording(x, weight, bias)
                           ? empty_pooled(axes, pool, kernels::max_pool_index_dtype(pool))
                           : Tensor();
  if (conv.batch > 0) {
    const Tensor images = channels_last(x), w = row_major(weight), b = row_major(bias);
    kernels::conv_relu_max_pool(conv, pool, readable(images), readable(w), readable(b), writable(y),
                                writable(index));
  }
  return record(op, std::move(y), inputs(x, weight, bias),
                [rule = ConvRule{save(x), save(weight), conv}, pool, index](const Tensor& dy,
                                                                            const Needs& needs) {
                  return conv_pool_gradients(rule, pool, index, dy, needs);
                });
}

template REEL_API Tensor detail::conv_relu_max_pool(const Tensor&, const Tensor&, const Tensor&,
                                                    const Conv1dOptions&, const Sizes<1>&,
                                                    const MaxPool1dOptions&);
template REEL_API Tensor detail::conv_relu_max_pool(const Tensor&, const Tensor&, const Tensor&,
                                                    const Conv2dOptions&, const Sizes<2>&,
                                                    const MaxPool2dOptions&);
template REEL_API Tensor detail::conv_relu_max_pool(const Tensor&, const Tensor&, const Tensor&,
                                                    const Conv3dOptions&, const Sizes<3>&,
                                                    const MaxPool3dOptions&);

}  // namespace reel
