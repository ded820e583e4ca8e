#include <algorithm>
#include <vector>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/base/fail.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/image/conv.h"
#include "reel/ops/image/conv_samples.h"
#include "reel/ops/image/images.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/pad.h"
#include "reel/ops/shape/view.h"

namespace reel {
namespace {

using detail::ConvNames;
using kernels::ConvShape;

const ConvNames& transpose_names(Size axes) {
  static constexpr ConvNames names[] = {{"conv_transpose1d", "[in, out / groups, k]"},
                                        {"conv_transpose2d", "[in, out / groups, kh, kw]"},
                                        {"conv_transpose3d", "[in, out / groups, kd, kh, kw]"}};
  return names[axes - 1];
}

/// The convolution whose transpose is asked for: from the images that result to `x` `[N, C, ...]`.
template <int n>
ConvShape transposed_shape(const char* op, const Tensor& x, const Tensor& w,
                           const ConvTransposeOptions<n>& o) {
  using detail::numbers;
  const Shape &out = x.shape(), &kernel = w.shape(), more = numbers(o.output_padding);
  detail::WindowAxes axes = detail::window_axes(op, out,
                                                {.kernel = {kernel.begin() + 2, kernel.end()},
                                                 .stride = numbers(o.stride),
                                                 .padding = numbers(o.padding),
                                                 .dilation = numbers(o.dilation)});
  detail::check_sizes(op, "an output_padding", more, 0);
  for (Size i = 0; i < n; ++i) {
    kernels::WindowAxis& axis = axes.begin()[i];
    axis.out = out[i + 2];
    check(axis.out > 0, op, "expected an image with pixels, got shape {}", out);
    check(more[i] < std::max(o.stride[static_cast<int>(i)], o.dilation[static_cast<int>(i)]), op,
          "expected an output_padding smaller than the stride or the dilation, got {} with stride "
          "{} and dilation {}",
          detail::listed(more), detail::listed(numbers(o.stride)),
          detail::listed(numbers(o.dilation)));
    axis.in = (axis.out - 1) * axis.stride - 2 * axis.padding + reach(axis) + more[i];
    check(axis.in > 0, op, "expected a padding that leaves pixels, got {} around {}",
          detail::listed(numbers(o.padding)), axis.in + 2 * axis.padding);
  }
  const auto& [depth, rows, columns] = axes.all;
  const ConvShape s{.batch = out[0],
                    .groups = o.groups,
                    .in_channels = kernel[1] * o.groups,
                    .out_channels = kernel[0],
                    .depth = depth,
                    .rows = rows,
                    .columns = columns};
  detail::checked_numel(op, detail::input_shape(s, s.in_channels, n));
  return s;
}

/// `bias` [C], so that it is added to each channel of images.
Tensor per_channel(const Tensor& bias, Size axes) {
  Shape shape = Shape::repeat(axes + 1, 1);
  shape[0] = bias.numel();
  return reshape(bias, shape);
}

/// The transpose of a convolution, with a bias for each channel, without the tape.
Tensor convolve_transposed(const Tensor& x, const Tensor& w, const Tensor& bias,
                           const ConvShape& s) {
  const NoGradGuard no_grad;
  Tensor y = detail::conv_input(x, w, s);
  if (bias.defined()) y.add_(per_channel(bias, y.dim() - 2));
  return y;
}

/// An `output_padding` of a whole stride or more, as a dilation allows: those pixels lie beyond the
/// last window, and no convolution of this size would go there.
template <int axes>
bool reaches_beyond(const ConvTransposeOptions<axes>& o) {
  for (int i = 0; i < axes; ++i) {
    if (o.output_padding[i] >= o.stride[i]) return true;
  }
  return false;
}

/// What those pixels hold is the bias.
template <int axes>
Tensor transposed_and_padded(const Tensor& x, const Tensor& w, const Tensor& bias,
                             ConvTransposeOptions<axes> o) {
  std::vector<Size> beyond;
  for (int i = axes; i-- > 0;) {
    beyond.push_back(0);
    beyond.push_back(o.output_padding[i]);
  }
  o.output_padding = 0;
  const Tensor y = pad(detail::conv_transpose(x, w, {}, o), beyond);
  return bias.defined() ? y + per_channel(bias, axes) : y;
}

}  // namespace

template <int axes>
Tensor detail::conv_transpose(const Tensor& x, const Tensor& w, const Tensor& bias,
                              const ConvTransposeOptions<axes>& options) {
  const ConvNames& names = transpose_names(axes);
  check_conv_tensors(names, axes, true, x, w, bias, options.groups);
  if (any_batched(x, w, bias)) [[unlikely]] {
    const auto again = [&](const Tensor& images, const Tensor& weights, const Tensor& biases,
                           Size groups) {
      auto o = options;
      o.groups = groups;
      return conv_transpose(images, weights, biases, o);
    };
    return conv_of_samples(names.op, axes, again, x, w, bias, options.groups);
  }
  if (x.dim() == axes + 1) return squeeze(conv_transpose(unsqueeze(x, 0), w, bias, options), 0);
  const OpScope scope(names.op, x, w, bias);
  const ConvShape s = transposed_shape(names.op, x, w, options);
  if (reaches_beyond(options)) return transposed_and_padded(x, w, bias, options);
  return record(names.op, convolve_transposed(x, w, bias, s), inputs(x, w, bias),
                [x = save(x), w = save(w), s](const Tensor& dy, const Needs& needs) -> Gradients {
                  return {needs[0] ? plain_conv(dy, w, s) : Tensor(),
                          needs[1] ? conv_weight(dy, x, s) : Tensor(),
                          needs[2] ? sum(dy, all_but_channels(dy.dim())) : Tensor()};
                });
}

template REEL_API Tensor detail::conv_transpose(const Tensor&, const Tensor&, const Tensor&,
                                                const ConvTranspose1dOptions&);
template REEL_API Tensor detail::conv_transpose(const Tensor&, const Tensor&, const Tensor&,
                                                const ConvTranspose2dOptions&);
template REEL_API Tensor detail::conv_transpose(const Tensor&, const Tensor&, const Tensor&,
                                                const ConvTranspose3dOptions&);

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose1dOptions& options) {
  return detail::conv_transpose(x, weight, bias, options);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& options) {
  return detail::conv_transpose(x, weight, bias, options);
}

Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose3dOptions& options) {
  return detail::conv_transpose(x, weight, bias, options);
}

}  // namespace reel
