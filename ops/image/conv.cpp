#include "reel/ops/image/conv.h"

#include <string>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/conv.h"
#include "reel/ops/create/create.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/image/images.h"
#include "reel/ops/image/windows.h"
#include "reel/ops/pointwise/pointwise_backward.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"

namespace reel {
namespace {

using kernels::ConvShape;

// ---- a convolution and its two gradients
//
// Each is linear in both of its inputs, and the derivatives of each are the other two.

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
  Tensor dx =
      detail::empty_channels_last({s.batch, s.in_channels, s.in_h, s.in_w}, w_given.dtype());
  if (s.batch > 0) {
    const Tensor dy = detail::channels_last(dy_given), w = detail::row_major(w_given);
    kernels::conv2d_input(dy.dtype(), s, dy.impl().data, w.impl().data, dx.impl().data);
  }
  return record(
      "conv2d_input", std::move(dx),
      wrt(dy_given, [w = save(w_given), s](const Tensor& g) { return plain_conv(g, w, s); }),
      wrt(w_given, [dy = save(dy_given), s](const Tensor& g) { return conv_weight(g, dy, s); }));
}

Tensor conv_weight(const Tensor& x, const Tensor& dy, const ConvShape& s) {
  const detail::OpScope scope("conv2d_weight", x, dy);
  return record("conv2d_weight", weight_gradients(x, dy, s, false).weight,
                wrt(x, [dy = save(dy), s](const Tensor& g) { return conv_input(dy, g, s); }),
                wrt(dy, [x = save(x), s](const Tensor& g) { return plain_conv(x, g, s); }));
}

// ---- what fits

/// What the messages call the shapes of a convolution over one or two axes.
struct ConvNames {
  const char* input;
  const char* weight;
  const char* pixels;
};
constexpr ConvNames names_by_axes[] = {
    {"[N, C, L] or [C, L]", "[out, in / groups, k]", "L"},
    {"[N, C, H, W] or [C, H, W]", "[out, in / groups, kh, kw]", "H, W"},
};

/// How to make `x` an image of so many channels, where it is one that lacks only this.
std::string help_with_channels(Size axes, const Shape& x, Size channels) {
  const bool batched = x.size() == axes + 2;
  if (x.size() > axes && x.back() == channels) {
    if (axes == 1) return batched ? "\nhelp: x.permute({0, 2, 1})" : "\nhelp: x.t()";
    return batched ? "\nhelp: x.permute({0, 3, 1, 2})" : "\nhelp: x.permute({2, 0, 1})";
  }
  if (batched || channels != 1) return "";
  return x.size() == axes ? "\nhelp: x.unsqueeze(0)" : "\nhelp: x.unsqueeze(1)";
}

}  // namespace

Tensor detail::row_major(const Tensor& w) {
  if (!w.defined()) return w;
  const NoGradGuard no_grad;
  return contiguous(w);
}

void detail::check_conv_tensors(const char* op, Size axes, const Tensor& x, const Tensor& w,
                                const Tensor& bias, Size groups) {
  const ConvNames& names = names_by_axes[axes - 1];
  check_defined(op, "input", x);
  check_defined(op, "weight", w);
  check(w.dim() == axes + 2, op, "expected weight {}, got shape {}", names.weight, w.shape());
  check(w.numel() > 0, op, "expected a weight with elements, got shape {}", w.shape());
  const Size out = w.shape()[0];
  check(groups >= 1 && out % groups == 0, op,
        "expected groups to divide the {} output channels, got {}", out, groups);
  const Size channels = w.shape()[1] * groups;  // groups <= out
  check(x.dim() == axes + 2 || x.dim() == axes + 1, op, "expected input {}, got shape {}{}",
        names.input, x.shape(), help_with_channels(axes, x.shape(), channels));
  check(x.shape()[x.dim() - axes - 1] == channels, op,
        "expected input of shape [{}{}, {}] to match weight {} with groups {}, got {}{}",
        x.dim() == axes + 2 ? "N, " : "", channels, names.pixels, w.shape(), groups, x.shape(),
        help_with_channels(axes, x.shape(), channels));
  check_one_dtype(op, "input", x, "weight", w);
  check(x.is_floating_point(), op, "expected float32 or float64, got {}\nhelp: x.to(float32)",
        x.dtype());
  if (!bias.defined()) return;
  check(bias.shape() == Shape{out}, op, "expected bias of shape [{}] to match weight {}, got {}",
        out, w.shape(), bias.shape());
  check_one_dtype(op, "bias", bias, "input", x);
}

ConvShape detail::conv_shape(const char* op, const Tensor& x, const Tensor& w,
                             const Conv2dOptions& o) {
  const Shape &in = x.shape(), &kernel = w.shape();
  const auto [rows, columns] = window_axes(op, in,
                                           {.kernel = {kernel[2], kernel[3]},
                                            .stride = o.stride,
                                            .padding = o.padding.size,
                                            .dilation = o.dilation});
  ConvShape s{.batch = in[0],
              .groups = o.groups,
              .in_channels = in[1],
              .in_h = in[2],
              .in_w = in[3],
              .out_channels = kernel[0],
              .out_h = in[2],
              .out_w = in[3],
              .kernel_h = kernel[2],
              .kernel_w = kernel[3],
              .stride_h = rows.stride,
              .stride_w = columns.stride,
              .padding_h = rows.padding,
              .padding_w = columns.padding,
              .dilation_h = rows.dilation,
              .dilation_w = columns.dilation};
  if (o.padding.same) {
    check(o.stride == Pair(1), op, "expected stride 1 with padding \"same\", got [{}, {}]",
          o.stride.h, o.stride.w);
    check(s.in_h > 0 && s.in_w > 0, op, "expected an image with pixels, got shape {}", in);
    s.padding_h = (rows.reach() - 1) / 2;
    s.padding_w = (columns.reach() - 1) / 2;
  } else {
    s.out_h = count_windows(op, rows);
    s.out_w = count_windows(op, columns);
  }
  checked_numel(op, {s.batch, s.out_channels, s.out_h, s.out_w});
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

/// A convolution of checked tensors, `op` in the user's words.
Tensor conv2d_batch(const char* op, const Tensor& x, const Tensor& w, const Tensor& bias, bool relu,
                    const Conv2dOptions& options) {
  const detail::OpScope scope(relu ? "conv2d_relu" : "conv2d", x, w, bias);
  const ConvShape shape = detail::conv_shape(op, x, w, options);
  Tensor y = convolve(x, w, bias, relu, shape);
  if (relu) {
    return record(
        "conv2d_relu", std::move(y), inputs(x, w, bias),
        [x = save(x), w = save(w), shape](const Tensor& dy, const Tensor& out, const Needs& needs) {
          return detail::conv_gradients(x, w, detail::relu_backward(dy, out), shape, needs);
        });
  }
  return record("conv2d", std::move(y), inputs(x, w, bias),
                [x = save(x), w = save(w), shape](const Tensor& dy, const Needs& needs) {
                  return detail::conv_gradients(x, w, dy, shape, needs);
                });
}

Tensor conv2d_any(const Tensor& x, const Tensor& w, const Tensor& bias, bool relu,
                  const Conv2dOptions& options) {
  constexpr const char* op = "conv2d";
  detail::check_conv_tensors(op, 2, x, w, bias, options.groups);
  if (x.dim() == 4) return conv2d_batch(op, x, w, bias, relu, options);
  return squeeze(conv2d_batch(op, unsqueeze(x, 0), w, bias, relu, options), 0);
}

}  // namespace

Padding::Padding(std::string_view name) : same(name == "same") {
  check(same || name == "valid", "Padding", "expected padding \"same\" or \"valid\", got \"{}\"",
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

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv1dOptions& o) {
  constexpr const char* op = "conv1d";
  detail::check_conv_tensors(op, 1, x, weight, bias, o.groups);
  detail::check_size(op, "a stride", o.stride, 1);
  detail::check_size(op, "a dilation", o.dilation, 1);
  detail::check_size(op, "a padding", o.padding, 0);
  const Tensor images = unsqueeze(x.dim() == 3 ? x : unsqueeze(x, 0), -2);
  const Tensor y = squeeze(conv2d_batch(op, images, unsqueeze(weight, -2), bias, false,
                                        {.stride = {1, o.stride},
                                         .padding = {0, o.padding},
                                         .dilation = {1, o.dilation},
                                         .groups = o.groups}),
                           -2);
  return x.dim() == 3 ? y : squeeze(y, 0);
}

}  // namespace reel
