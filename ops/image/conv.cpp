#include "reel/ops/image/conv.h"

#include <string>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/conv.h"
#include "reel/ops/create/create.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/image/conv_samples.h"
#include "reel/ops/image/images.h"
#include "reel/ops/image/windows.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/gradients_by.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;
using kernels::ConvShape;

/// The names of a convolution and its two gradients over so many axes.
struct OpNames {
  OpName conv, input, weight;
};

const OpNames& op_names(Size axes) {
  static constexpr OpNames names[] = {{"conv1d", "conv1d_input", "conv1d_weight"},
                                      {"conv2d", "conv2d_input", "conv2d_weight"},
                                      {"conv3d", "conv3d_input", "conv3d_weight"}};
  return names[axes - 1];
}

Size axes_of(const Tensor& batch) { return batch.dim() - 2; }

/// y = x * w, without the tape.
Tensor convolve(const Tensor& x_given, const Tensor& w_given, const Tensor& bias,
                const ConvShape& s) {
  const Tensor y = detail::empty_channels_last(
      detail::output_shape(s, s.out_channels, axes_of(x_given)), x_given.dtype());
  if (s.batch == 0) return y;
  const Tensor x = detail::channels_last(x_given), w = detail::row_major(w_given);
  const Tensor b = detail::row_major(bias);
  kernels::conv(s, readable(x), readable(w), readable(b), writable(y));
  return y;
}

struct WeightGradients {
  Tensor weight, bias;
};

/// The gradients of weights and, if asked, bias from one pass, without the tape.
WeightGradients weight_gradients(const Tensor& x_given, const Tensor& dy_given, const ConvShape& s,
                                 bool bias) {
  const Size axes = axes_of(x_given);
  const detail::OpScope scope(op_names(axes).weight, x_given, dy_given);
  const Shape shape = detail::image_shape(s.out_channels, s.in_channels / s.groups, axes,
                                          {s.depth.kernel, s.rows.kernel, s.columns.kernel});
  const TensorOptions options{.dtype = dy_given.dtype()};
  if (s.batch == 0)
    return {zeros(shape, options), bias ? zeros(s.out_channels, options) : Tensor()};
  const Tensor x = detail::channels_last(x_given), dy = detail::channels_last(dy_given);
  WeightGradients result{empty(shape, options), bias ? empty(s.out_channels, options) : Tensor()};
  kernels::conv_weight(s, readable(x), readable(dy), writable(result.weight),
                       writable(result.bias));
  return result;
}

}  // namespace

Tensor detail::plain_conv(const Tensor& x, const Tensor& w, const ConvShape& s) {
  const OpName op = op_names(axes_of(x)).conv;
  const OpScope scope(op, x, w);
  return record(op, convolve(x, w, {}, s),
                wrt(x, [w = save(w), s](const Tensor& dy) { return conv_input(dy, w, s); }),
                wrt(w, [x = save(x), s](const Tensor& dy) { return conv_weight(x, dy, s); }));
}

Tensor detail::conv_input(const Tensor& dy_given, const Tensor& w_given, const ConvShape& s) {
  const Size axes = axes_of(dy_given);
  const OpName op = op_names(axes).input;
  const OpScope scope(op, dy_given, w_given);
  Tensor dx = empty_channels_last(input_shape(s, s.in_channels, axes), w_given.dtype());
  if (s.batch > 0) {
    const Tensor dy = channels_last(dy_given), w = row_major(w_given);
    kernels::conv_input(s, readable(dy), readable(w), writable(dx));
  }
  return record(
      op, std::move(dx),
      wrt(dy_given, [w = save(w_given), s](const Tensor& g) { return plain_conv(g, w, s); }),
      wrt(w_given, [dy = save(dy_given), s](const Tensor& g) { return conv_weight(g, dy, s); }));
}

Tensor detail::conv_weight(const Tensor& x, const Tensor& dy, const ConvShape& s) {
  const OpName op = op_names(axes_of(x)).weight;
  const OpScope scope(op, x, dy);
  return record(op, weight_gradients(x, dy, s, false).weight,
                wrt(x, [dy = save(dy), s](const Tensor& g) { return conv_input(dy, g, s); }),
                wrt(dy, [x = save(x), s](const Tensor& g) { return plain_conv(x, g, s); }));
}

// ---- what fits

namespace {

/// How to make `x` an image of so many channels, where it is one that lacks only this.
std::string help_with_channels(Size axes, const Shape& x, Size channels) {
  static constexpr const char* to_front[] = {"x.permute({0, 2, 1})", "x.permute({0, 3, 1, 2})",
                                             "x.permute({0, 4, 1, 2, 3})"};
  static constexpr const char* to_front_of_one[] = {"x.t()", "x.permute({2, 0, 1})",
                                                    "x.permute({3, 0, 1, 2})"};
  const bool batched = x.size() == axes + 2;
  if (x.size() > axes && x.back() == channels)
    return std::string("\nhelp: ") + (batched ? to_front : to_front_of_one)[axes - 1];
  if (batched || channels != 1) return "";
  return x.size() == axes ? "\nhelp: x.unsqueeze(0)" : "\nhelp: x.unsqueeze(1)";
}

/// The axes of an image, as messages call them.
const char* pixels_named(Size axes) {
  static constexpr const char* names[] = {"L", "H, W", "D, H, W"};
  return names[axes - 1];
}

}  // namespace

Tensor detail::row_major(const Tensor& w) {
  if (!w.defined()) return w;
  const NoGradGuard no_grad;
  return contiguous(w);
}

const detail::ConvNames& detail::conv_names(Size axes) {
  static constexpr ConvNames names[] = {{"conv1d", "[out, in / groups, k]"},
                                        {"conv2d", "[out, in / groups, kh, kw]"},
                                        {"conv3d", "[out, in / groups, kd, kh, kw]"}};
  return names[axes - 1];
}

void detail::check_conv_tensors(const ConvNames& names, Size axes, bool transposed, const Tensor& x,
                                const Tensor& w, const Tensor& bias, Size groups) {
  const char* op = names.op;
  check_defined(op, "input", x);
  check_defined(op, "weight", w);
  check(w.dim() == axes + 2, op, "expected weight {}, got shape {}", names.weight, w.shape());
  check(w.numel() > 0, op, "expected a weight with elements, got shape {}", w.shape());
  const Size first = w.shape()[0];
  check(groups >= 1 && first % groups == 0, op,
        "expected groups to divide the {} {} channels, got {}", first,
        transposed ? "input" : "output", groups);
  const Size second = w.shape()[1] * groups;  // groups <= first
  const Size channels = transposed ? first : second, out = transposed ? second : first;
  check(x.dim() == axes + 2 || x.dim() == axes + 1, op, "expected input {}, got shape {}{}",
        images_named(axes), x.shape(), help_with_channels(axes, x.shape(), channels));
  check(x.shape()[x.dim() - axes - 1] == channels, op,
        "expected input of shape [{}{}, {}] to match weight {} with groups {}, got {}{}",
        x.dim() == axes + 2 ? "N, " : "", channels, pixels_named(axes), w.shape(), groups,
        x.shape(), help_with_channels(axes, x.shape(), channels));
  check_one_dtype(op, "input", x, "weight", w);
  check(x.is_floating_point(), op, "expected float32 or float64, got {}\nhelp: x.to(float32)",
        x.dtype());
  if (!bias.defined()) return;
  check(bias.shape() == Shape{out}, op, "expected bias of shape [{}] to match weight {}, got {}",
        out, w.shape(), bias.shape());
  check_one_dtype(op, "bias", bias, "input", x);
}

ConvShape detail::conv_shape(const char* op, const Tensor& x, const Tensor& w,
                             const ConvNumbers& o) {
  const Shape &in = x.shape(), &kernel = w.shape();
  WindowAxes axes = window_axes(op, in,
                                {.kernel = {kernel.begin() + 2, kernel.end()},
                                 .stride = o.stride,
                                 .padding = o.padding,
                                 .dilation = o.dilation});
  if (o.same) {
    check(o.stride == Shape::repeat(axes.count, 1), op,
          "expected stride 1 with padding \"same\", got {}", listed(o.stride));
    for (WindowAxis& axis : axes) {
      check(axis.in > 0, op, "expected an image with pixels, got shape {}", in);
      axis.out = axis.in;
      axis.padding = (reach(axis) - 1) / 2;
    }
  } else {
    for (WindowAxis& axis : axes) axis.out = count_windows(op, axis);
  }
  const auto& [depth, rows, columns] = axes.all;
  const ConvShape s{.batch = in[0],
                    .groups = o.groups,
                    .in_channels = in[1],
                    .out_channels = kernel[0],
                    .depth = depth,
                    .rows = rows,
                    .columns = columns};
  checked_numel(op, output_shape(s, s.out_channels, axes.count));
  return s;
}

Gradients detail::ConvRule::operator()(const Tensor& dy, const Needs& needs) const {
  return conv_gradients(x, w, dy, shape, needs);
}

Gradients detail::conv_gradients(const Tensor& x, const Tensor& w, const Tensor& dy,
                                 const ConvShape& s, const Needs& needs) {
  const Dims pixels = all_but_channels(dy.dim());
  return gradients_by(
      [&] {
        return Gradients{needs[0] ? conv_input(dy, w, s) : Tensor(),
                         needs[1] ? conv_weight(x, dy, s) : Tensor(),
                         needs[2] ? sum(dy, pixels) : Tensor()};
      },
      [&] {
        const Tensor g = detail::channels_last(dy);  // once for both
        Gradients gradients(3);
        if (needs[0]) gradients[0] = conv_input(g, w, s);
        if (needs[1]) {
          WeightGradients both = weight_gradients(x, g, s, needs[2]);
          gradients[1] = both.weight;
          gradients[2] = both.bias;
        } else if (needs[2]) {
          gradients[2] = sum(g, pixels);
        }
        return gradients;
      },
      x, w, dy);
}

bool detail::is_padding_same(std::string_view name) {
  check(name == "same" || name == "valid", "Padding",
        "expected padding \"same\" or \"valid\", got \"{}\"", name);
  return name == "same";
}

template <int axes>
Tensor detail::conv(const Tensor& x, const Tensor& w, const Tensor& bias,
                    const ConvOptions<axes>& options) {
  const ConvNames& names = conv_names(axes);
  check_conv_tensors(names, axes, false, x, w, bias, options.groups);
  if (any_batched(x, w, bias)) [[unlikely]] {
    const auto again = [&](const Tensor& images, const Tensor& weights, const Tensor& biases,
                           Size groups) {
      auto o = options;
      o.groups = groups;
      return conv(images, weights, biases, o);
    };
    return conv_of_samples(names.op, axes, again, x, w, bias, options.groups);
  }
  if (x.dim() == axes + 1) return squeeze(conv(unsqueeze(x, 0), w, bias, options), 0);
  const OpScope scope(names.op, x, w, bias);
  const ConvShape shape = conv_shape(names.op, x, w, options);
  return record(names.op, convolve(x, w, bias, shape), inputs(x, w, bias),
                ConvRule{save(x), save(w), shape});
}

template REEL_API Tensor detail::conv(const Tensor&, const Tensor&, const Tensor&,
                                      const Conv1dOptions&);
template REEL_API Tensor detail::conv(const Tensor&, const Tensor&, const Tensor&,
                                      const Conv2dOptions&);
template REEL_API Tensor detail::conv(const Tensor&, const Tensor&, const Tensor&,
                                      const Conv3dOptions&);

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv1dOptions& options) {
  return detail::conv(x, weight, bias, options);
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  return detail::conv(x, weight, bias, options);
}

Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv3dOptions& options) {
  return detail::conv(x, weight, bias, options);
}

}  // namespace reel
