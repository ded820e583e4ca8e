#pragma once

/// @file
/// Layers that put something around images over one, two or three axes, `[N, C, ...]` or
/// `[C, ...]`: `padding` is one number for all sides or `{left, right, top, bottom, front, back}`,
/// of which the last may be missing. Where a number is negative, so much is cut off. See `pad`.

#include "reel/nn/detail/call.h"
#include "reel/nn/required.h"
#include "reel/ops/image/sizes.h"
#include "reel/ops/shape/pad.h"

namespace reel::nn {

namespace detail {

/// `pad` after a look at the rank, in the name of a layer such as "ZeroPad".
REEL_API Tensor pad_images(const char* family, int axes, const Tensor& x, const Size* pads,
                           const PadOptions& options);

template <int n>
Tensor pad_images(const char* family, int axes, const Tensor& x, const Sizes<n>& pads,
                  const PadOptions& options) {
  return pad_images(family, axes, x, pads.begin(), options);
}

}  // namespace detail

/// Puts `value` around images. Follows `torch.nn.ConstantPad1d` to `ConstantPad3d`.
template <int axes>
struct ConstantPadNd {
  Required<Sizes<2 * axes>> padding;  ///< how much on each side, from the last axis on
  Required<double> value;             ///< what they are filled with
  Hooks hooks = {};                   ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, each axis longer by its two numbers. Throws
  /// `[ConstantPad2d] expected ...` for another rank, else as `pad` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] { return detail::pad_images("ConstantPad", axes, x, padding(), {.value = value}); }, x);
  }
};
using ConstantPad1d = ConstantPadNd<1>;  ///< over `[N, C, L]`
using ConstantPad2d = ConstantPadNd<2>;  ///< over `[N, C, H, W]`
using ConstantPad3d = ConstantPadNd<3>;  ///< over `[N, C, D, H, W]`

/// Puts zeros around images. Follows `torch.nn.ZeroPad1d` to `ZeroPad3d`.
template <int axes>
struct ZeroPadNd {
  Required<Sizes<2 * axes>> padding;  ///< how much on each side, from the last axis on
  Hooks hooks = {};                   ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, each axis longer by its two numbers. Throws
  /// `[ZeroPad2d] expected ...` for another rank, else as `pad` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] { return detail::pad_images("ZeroPad", axes, x, padding(), {.mode = "constant"}); }, x);
  }
};
using ZeroPad1d = ZeroPadNd<1>;  ///< over `[N, C, L]`
using ZeroPad2d = ZeroPadNd<2>;  ///< over `[N, C, H, W]`
using ZeroPad3d = ZeroPadNd<3>;  ///< over `[N, C, D, H, W]`

/// Mirrors images at their edges. Follows `torch.nn.ReflectionPad1d` to `ReflectionPad3d`.
template <int axes>
struct ReflectionPadNd {
  Required<Sizes<2 * axes>> padding;  ///< how much on each side, from the last axis on
  Hooks hooks = {};                   ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, each axis longer by its two numbers. Throws
  /// `[ReflectionPad2d] expected ...` for another rank, else as `pad` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] {
          return detail::pad_images("ReflectionPad", axes, x, padding(), {.mode = "reflect"});
        },
        x);
  }
};
using ReflectionPad1d = ReflectionPadNd<1>;  ///< over `[N, C, L]`
using ReflectionPad2d = ReflectionPadNd<2>;  ///< over `[N, C, H, W]`
using ReflectionPad3d = ReflectionPadNd<3>;  ///< over `[N, C, D, H, W]`

/// Repeats the edges of images. Follows `torch.nn.ReplicationPad1d` to `ReplicationPad3d`.
template <int axes>
struct ReplicationPadNd {
  Required<Sizes<2 * axes>> padding;  ///< how much on each side, from the last axis on
  Hooks hooks = {};                   ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, each axis longer by its two numbers. Throws
  /// `[ReplicationPad2d] expected ...` for another rank, else as `pad` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] {
          return detail::pad_images("ReplicationPad", axes, x, padding(), {.mode = "replicate"});
        },
        x);
  }
};
using ReplicationPad1d = ReplicationPadNd<1>;  ///< over `[N, C, L]`
using ReplicationPad2d = ReplicationPadNd<2>;  ///< over `[N, C, H, W]`
using ReplicationPad3d = ReplicationPadNd<3>;  ///< over `[N, C, D, H, W]`

/// Continues images at their other end. Follows `torch.nn.CircularPad1d` to `CircularPad3d`.
template <int axes>
struct CircularPadNd {
  Required<Sizes<2 * axes>> padding;  ///< how much on each side, from the last axis on
  Hooks hooks = {};                   ///< see `nn::Hooks`

  /// `[N, C, ..]`, or one image without `N`, each axis longer by its two numbers. Throws
  /// `[CircularPad2d] expected ...` for another rank, else as `pad` does.
  Tensor operator()(const Tensor& x) const {
    return detail::call(
        this,
        [&] { return detail::pad_images("CircularPad", axes, x, padding(), {.mode = "circular"}); },
        x);
  }
};
using CircularPad1d = CircularPadNd<1>;  ///< over `[N, C, L]`
using CircularPad2d = CircularPadNd<2>;  ///< over `[N, C, H, W]`
using CircularPad3d = CircularPadNd<3>;  ///< over `[N, C, D, H, W]`

}  // namespace reel::nn
