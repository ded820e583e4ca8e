#include "reel/nn/conv.h"

#include <utility>

#include "reel/nn/detail/fill.h"
#include "reel/nn/init.h"

namespace reel::nn {
namespace {

constexpr const char* conv_names[] = {"Conv1d", "Conv2d", "Conv3d"};
constexpr const char* transpose_names[] = {"ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"};

std::string listed(const Shape& numbers) {
  return numbers.size() == 1 ? std::to_string(numbers[0]) : fmt::format("{}", numbers);
}

/// Makes the weight `[first, second, kernel]` and the bias of a convolution or its transpose.
template <class Layer>
void complete_conv(const char* name, Layer& layer, bool transposed) {
  const Size in = layer.in_channels, out = layer.out_channels, groups = layer.groups;
  const Shape kernel = reel::detail::numbers(layer.kernel_size());
  check(in > 0 && out > 0, name, "expected in_channels and out_channels above 0, got {} and {}", in,
        out);
  for (const Size size : kernel)
    check(size > 0, name, "expected a kernel_size above 0, got {}", listed(kernel));
  check(groups > 0 && in % groups == 0 && out % groups == 0, name,
        "expected groups that divide in_channels {} and out_channels {}, got {}", in, out, groups);
  Shape weight = transposed ? Shape{in, out / groups} : Shape{out, in / groups};
  for (const Size size : kernel) weight.push_back(size);
  const Size fan_in = reel::detail::checked_numel(name, weight) / weight[0];
  const auto uniform = [&](const Shape& shape) { return detail::default_values(shape, fan_in); };
  detail::fill(name, "weight", layer.weight, weight, uniform);
  detail::fill(name, "bias", layer.bias, {out}, uniform);
}

}  // namespace

template <>
void detail::complete(Conv1d& layer) {
  complete_conv(conv_names[0], layer, false);
}

template <>
void detail::complete(ConvTranspose1d& layer) {
  complete_conv(transpose_names[0], layer, true);
}

template <>
void detail::complete(Conv2d& layer) {
  complete_conv(conv_names[1], layer, false);
}

template <>
void detail::complete(ConvTranspose2d& layer) {
  complete_conv(transpose_names[1], layer, true);
}

template <>
void detail::complete(Conv3d& layer) {
  complete_conv(conv_names[2], layer, false);
}

template <>
void detail::complete(ConvTranspose3d& layer) {
  complete_conv(transpose_names[2], layer, true);
}

template <int axes>
Tensor detail::surrounded(const Tensor& x, const ConvNd<axes>& layer) {
  std::vector<Size> pads;
  for (int i = axes - 1; i >= 0; --i) {
    const Size size = layer.padding.size[i], stride = layer.stride[i];
    const Size gaps = layer.dilation[i] * (layer.kernel_size()[i] - 1);
    check(layer.padding.same ? stride == 1 : size >= 0, conv_names[axes - 1],
          "expected padding of 0 or more, or \"same\" with stride 1, got {} and stride {}",
          layer.padding.same ? "\"same\"" : std::to_string(size), stride);
    pads.push_back(layer.padding.same ? gaps / 2 : size);
    pads.push_back(layer.padding.same ? gaps - gaps / 2 : size);
  }
  check(x.dim() == axes + 1 || x.dim() == axes + 2, conv_names[axes - 1],
        "expected input of {} or {} dimensions, got shape {}", axes + 1, axes + 2, x.shape());
  return pad(x, pads, {.mode = layer.padding_mode});
}

template <int axes>
Sizes<axes> detail::output_padding_for(const ConvTransposeNd<axes>& layer, const Tensor& x,
                                       const Sizes<axes>& output_size) {
  const char* name = transpose_names[axes - 1];
  check(x.dim() >= axes + 1, name, "expected input of {} or {} dimensions, got shape {}", axes + 1,
        axes + 2, x.shape());
  const auto least = [&](int i) {
    const Size gaps = layer.dilation[i] * (layer.kernel_size()[i] - 1);
    return (x.size(i - axes) - 1) * layer.stride[i] - 2 * layer.padding[i] + gaps + 1;
  };
  const auto more = [&](int i) { return output_size[i] - least(i); };
  const auto each = [&]<int... i>(const auto& f, std::integer_sequence<int, i...>) {
    return Sizes<axes>(f(i)...);
  };
  constexpr std::make_integer_sequence<int, axes> all{};
  for (int i = 0; i < axes; ++i) {
    check(more(i) >= 0 && more(i) < layer.stride[i], name,
          "expected an output_size from {} on, less than one stride {} above, got {}",
          listed(reel::detail::numbers(each(least, all))),
          listed(reel::detail::numbers(layer.stride)), listed(reel::detail::numbers(output_size)));
  }
  return each(more, all);
}

template REEL_API Tensor detail::surrounded(const Tensor&, const Conv1d&);
template REEL_API Sizes<1> detail::output_padding_for(const ConvTranspose1d&, const Tensor&,
                                                      const Sizes<1>&);
template REEL_API Tensor detail::surrounded(const Tensor&, const Conv2d&);
template REEL_API Sizes<2> detail::output_padding_for(const ConvTranspose2d&, const Tensor&,
                                                      const Sizes<2>&);
template REEL_API Tensor detail::surrounded(const Tensor&, const Conv3d&);
template REEL_API Sizes<3> detail::output_padding_for(const ConvTranspose3d&, const Tensor&,
                                                      const Sizes<3>&);

}  // namespace reel::nn
