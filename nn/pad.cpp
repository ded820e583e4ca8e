#include "reel/nn/pad.h"

#include "reel/base/fail.h"

namespace reel::nn {

Tensor detail::pad_images(const char* family, int axes, const Tensor& x, const Size* pads,
                          const PadOptions& options) {
  if (x.dim() != axes + 1 && x.dim() != axes + 2) {
    fail(fmt::format("{}{}d", family, axes).c_str(),
         "expected input of {} or {} dimensions, got shape {}", axes + 1, axes + 2, x.shape());
  }
  return pad(x, std::vector<Size>(pads, pads + 2 * axes), options);
}

}  // namespace reel::nn
