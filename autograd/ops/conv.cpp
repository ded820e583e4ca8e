#include "reel/autograd/ops/conv.h"

#include "reel/autograd/detail/op_scope.h"
#include "reel/autograd/fail.h"
#include "reel/autograd/kernels/conv.h"
#include "reel/autograd/ops/channels_last.h"
#include "reel/autograd/ops/create.h"
#include "reel/autograd/ops/images.h"
#include "reel/autograd/ops/pointwise_backward.h"
#include "reel/autograd/ops/reduce.h"
#include "reel/autograd/ops/view.h"
#include "reel/autograd/tape.h"

namespace reel {
namespace {

using kernels::ConvShape;

// --- a convolution and its two gradients: each is linear in both of its inputs, and the
// derivatives of
// --- each are the other two

Tensor plain_conv(const Tensor& x, const Tensor& w, const ConvShape& shape);
Tensor conv_input(const Tensor& dy, const Tensor& w, const ConvShape& shape);
Tensor conv_weight(const Tensor& x, const Tensor& dy, const ConvShape& shape);

/// y = x * w, without the tape.
Tensor convolve(const Tensor& x_given, const Tensor& w_given, const Tensor& bias, bool relu,
                const ConvShape& s) {
  const Tensor y =
      detail::empty_channels_last({s.batch, s.out_channels, s.out_h, s.out_w}, x_given.dtype());
  if (s.batch == 0) return y;
  const Tensor x = detail::channels_last(x_given), w = detail::row_major(w_given);
  const Tensor b = detail::row_major(bias);
  kernels::conv2d(x.dtype(), s, x.impl().data, w.impl().data, b.defined() ? b.impl().data : nullptr,
                  relu, y.impl().data);
  return y;
}

struct WeightGradients {
  Tensor weight, bias;
};

/// The gradients of weights and, if asked, bias from one pass, without the tape.
WeightGradients weight_gradients(const Tensor& x_given, const Tensor& dy_given, const ConvShape& s,
                                 bool bias) {
  const detail::OpScope scope("conv2d_weight", x_given, dy_given);
  const Shape shape{s.out_channels, s.in_channels / s.groups, s.kernel_h, s.kernel_w};
  const TensorOptions options{.dtype = dy_given.dtype()};
  if (s.batch == 0)
    return {zeros(shape, options), bias ? zeros(s.out_channels, options) : Tensor()};
  const Tensor x = detail::channels_last(x_given), dy = detail::channels_last(dy_given);
  WeightGradients result{empty(shape, options), bias ? empty(s.out_channels, options) : Tensor()};
  kernels::conv2d_weight(x.dtype(), s, x.impl().data, dy.impl().data, result.weight.impl().data,
                         bias ? result.bias.impl().data : nullptr);
  return result;
}

Tensor plain_conv(const Tensor& x, const Tensor& w, const ConvShape& s) {
  const detail::OpScope scope("conv2d", x, w);
  return record("conv2d", convolve(x, w, {}, false, s),
                wrt(x, [w = save(w), s](const Tensor& dy) { return conv_input(dy, w, s); }),
                wrt(w, [x = save(x), s](const Tensor& dy) { return conv_weight(x, dy, s); }));
}

Tensor conv_input(const Tensor& dy_given, const Tensor& w_given, const ConvShape& s) {
  const detail::OpScope scope("conv2d_input", dy_given, w_given);
  const Tensor dx =
      detail::empty_channels_last({s.batch, s.in_channels, s.in_h, s.in_w}, w_given.dtype());
  if (s.batch > 0) {
    const Tensor dy = detail::channels_last(dy_given), w = detail::row_major(w_given);
    kernels::conv2d_input(dy.dtype(), s, dy.impl().data, w.impl().data, dx.impl().data);
  }
  return record(
      "conv2d_input", dx,
      wrt(dy_given, [w = save(w_given), s](const Tensor& g) { return plain_conv(g, w, s); }),
      wrt(w_given, [dy = save(dy_given), s](const Tensor& g) { return conv_weight(g, dy, s); }));
}

Tensor conv_weight(const Tensor& x, const Tensor& dy, const ConvShape& s) {
  const detail::OpScope scope("conv2d_weight", x, dy);
  return record("conv2d_weight", weight_gradients(x, dy, s, false).weight,
                wrt(x, [dy = save(dy), s](const Tensor& g) { return conv_input(dy, g, s); }),
                wrt(dy, [x = save(x), s](const Tensor& g) { return plain_conv(x, g, s); }));
}

// --- what fits
// ------------------------------------------------------------------------------------------

/// The size of the output along one axis.
Size out_size(Size in, Size kernel, Size stride, Size padding, Size dilation) {
  const Size reach = dilation * (kernel - 1) + 1;
  check(in + 2 * padding >= reach, "conv2d",
        "expected a kernel no larger than the padded input, got {} cells over {}", reach,
        in + 2 * padding);
  return (in + 2 * padding - reach) / stride + 1;
}

void check_pair(const char* name, const Pair& pair, Size least) {
  check(pair.h >= least && pair.w >= least, "conv2d", "expected a {} of at least {}, got [{}, {}]",
        name, least, pair.h, pair.w);
}

}  // namespace

Tensor detail::row_major(const Tensor& w) {
  if (!w.defined()) return w;
  const NoGradGuard no_grad;
  return contiguous(w);
}

ConvShape detail::conv_shape(const Tensor& x, const Tensor& w, const Tensor& bias,
                             const Conv2dOptions& o) {
  check(x.dim() == 4, "conv2d", "expected input [N, C, H, W] or [C, H, W], got shape {}",
        x.shape());
  check(w.dim() == 4, "conv2d", "expected weight [out, in / groups, kh, kw], got shape {}",
        w.shape());
  check(x.is_floating_point(), "conv2d", "expected float32 or float64, got {}", x.dtype());
  check(x.dtype() == w.dtype(), "conv2d", "expected input and weight of one dtype, got {} and {}",
        x.dtype(), w.dtype());
  check_pair("stride", o.stride, 1);
  check_pair("dilation", o.dilation, 1);
  check_pair("padding", o.padding.size, 0);
  check(w.numel() > 0, "conv2d", "expected a weight with elements, got shape {}", w.shape());
  check(o.groups >= 1 && w.shape()[0] % o.groups == 0, "conv2d",
        "expected groups to divide the {} output channels, got {}", w.shape()[0], o.groups);
  const Size channels = w.shape()[1] * o.groups;
  check(x.shape()[1] == channels, "conv2d",
        "expected input of shape [N, {}, H, W] to match weight {} with groups {}, got {}", channels,
        w.shape(), o.groups, x.shape());
  if (bias.defined()) {
    check(bias.shape() == Shape{w.shape()[0]}, "conv2d",
          "expected bias of shape [{}] to match weight {}, got {}", w.shape()[0], w.shape(),
          bias.shape());
    check(bias.dtype() == x.dtype(), "conv2d",
          "expected input and bias of one dtype, got {} and {}", x.dtype(), bias.dtype());
  }
  ConvShape s{.batch = x.shape()[0],
              .groups = o.groups,
              .in_channels = channels,
              .in_h = x.shape()[2],
              .in_w = x.shape()[3],
              .out_channels = w.shape()[0],
              .out_h = 0,
              .out_w = 0,
              .kernel_h = w.shape()[2],
              .kernel_w = w.shape()[3],
              .stride_h = o.stride.h,
              .stride_w = o.stride.w,
              .padding_h = o.padding.size.h,
              .padding_w = o.padding.size.w,
              .dilation_h = o.dilation.h,
              .dilation_w = o.dilation.w};
  if (o.padding.same) {
    check(o.stride == Pair(1), "conv2d", "expected stride 1 with padding \"same\", got [{}, {}]",
          o.stride.h, o.stride.w);
    check(s.in_h > 0 && s.in_w > 0, "conv2d", "expected an image with pixels, got shape {}",
          x.shape());
    s.padding_h = s.dilation_h * (s.kernel_h - 1) / 2;
    s.padding_w = s.dilation_w * (s.kernel_w - 1) / 2;
    s.out_h = s.in_h;
    s.out_w = s.in_w;
  } else {
    s.out_h = out_size(s.in_h, s.kernel_h, s.stride_h, s.padding_h, s.dilation_h);
    s.out_w = out_size(s.in_w, s.kernel_w, s.stride_w, s.padding_w, s.dilation_w);
  }
  return s;
}

Gradients detail::conv_gradients(const Tensor& x, const Tensor& w, const Tensor& dy,
                                 const ConvShape& s, const Needs& needs) {
  if (recording(x, w, dy)) {
    return {needs[0] ? conv_input(dy, w, s) : Tensor(), needs[1] ? conv_weight(x, dy, s) : Tensor(),
            needs[2] ? sum(dy, {0, 2, 3}) : Tensor()};
  }
  const Tensor g = detail::channels_last(dy);  // once for both
  Gradients gradients(3);
  if (needs[0]) gradients[0] = conv_input(g, w, s);
  if (needs[1]) {
    WeightGradients both = weight_gradients(x, g, s, needs[2]);
    gradients[1] = both.weight;
    gradients[2] = both.bias;
  } else if (needs[2]) {
    gradients[2] = sum(g, {0, 2, 3});
  }
  return gradients;
}

namespace {

Tensor conv2d_batch(const Tensor& x, const Tensor& w, const Tensor& bias, bool relu,
                    const Conv2dOptions& options) {
  const detail::OpScope scope(relu ? "conv2d_relu" : "conv2d", x, w, bias);
  const ConvShape shape = detail::conv_shape(x, w, bias, options);
  const Tensor y = convolve(x, w, bias, relu, shape);
  if (relu) {
    return record(
        "conv2d_relu", y, inputs(x, w, bias),
        [x = save(x), w = save(w), shape](const Tensor& dy, const Tensor& out, const Needs& needs) {
          return detail::conv_gradients(x, w, detail::relu_backward(dy, out), shape, needs);
        });
  }
  return record("conv2d", y, inputs(x, w, bias),
                [x = save(x), w = save(w), shape](const Tensor& dy, const Needs& needs) {
                  return detail::conv_gradients(x, w, dy, shape, needs);
                });
}

Tensor conv2d_any(const Tensor& x, const Tensor& w, const Tensor& bias, bool relu,
                  const Conv2dOptions& options) {
  if (x.dim() != 3) return conv2d_batch(x, w, bias, relu, options);
  return squeeze(conv2d_batch(unsqueeze(x, 0), w, bias, relu, options), 0);
}

}  // namespace

Padding::Padding(std::string_view name) : same(name == "same") {
  check(same || name == "valid", "conv2d", "expected padding \"same\" or \"valid\", got \"{}\"",
        name);
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  return conv2d_any(x, weight, bias, false, options);
}

Tensor detail::conv2d_relu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const Conv2dOptions& options) {
  return conv2d_any(x, weight, bias, true, options);
}

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv1dOptions& options) {
  check(x.dim() == 2 || x.dim() == 3, "conv1d", "expected input [N, C, L] or [C, L], got shape {}",
        x.shape());
  check(weight.dim() == 3, "conv1d", "expected weight [out, in / groups, k], got shape {}",
        weight.shape());
  const Tensor y = conv2d(unsqueeze(x, -2), unsqueeze(weight, -2), bias,
                          {.stride = {1, options.stride},
                           .padding = {0, options.padding},
                           .dilation = {1, options.dilation},
                           .groups = options.groups});
  return squeeze(y, -2);
}

}  // namespace reel
