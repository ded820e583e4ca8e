#pragma once

#include <cstddef>

#include "reel/base/dtype.h"
#include "reel/nn/required.h"
#include "reel/ops/image/sizes.h"

namespace reel::nn::detail {

/// The stride of a pooling layer, as its field `stride`: that of its `kernel_size` unless it is
/// given. It knows the layer by its own place in it, for the reason that `Completed` gives.
template <class Layer, int axes>
class KernelStride : public Sizes<axes> {
 public:
  using Sizes<axes>::Sizes;
  KernelStride() : Sizes<axes>(layer()->kernel_size()) {}
  constexpr KernelStride(const Sizes<axes>& sizes) : Sizes<axes>(sizes) {}
  constexpr KernelStride(const Required<Size>& all) : Sizes<axes>(all()) {}

 private:
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // layers have no virtual bases
  const Layer* layer() const {
    return reinterpret_cast<const Layer*>(reinterpret_cast<const char*>(this) -
                                          offsetof(Layer, stride));
  }
#pragma GCC diagnostic pop
};

}  // namespace reel::nn::detail
