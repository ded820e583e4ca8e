#pragma once

#include <vector>

#include "reel/autograd/tensor.h"

namespace reel {

/// Tensors of one shape but for dimension `dim`, one behind the other along it:
/// `cat({[2, 3], [4, 3]})` is `[6, 3]`. Dtypes are promoted; the memory order is that of the first
/// tensor where that is dense. An empty vector `[0]` adds nothing to tensors of more dimensions.
/// Follows `torch.cat`.
///
/// Throws when there is no tensor, when one is 0-d, and when shapes differ elsewhere.
REEL_API Tensor cat(const std::vector<Tensor>& tensors, Size dim = 0);

/// Tensors of one shape along a new dimension: `stack({[2, 3], [2, 3]}, 1)` is `[2, 2, 3]`.
/// Dtypes are promoted. Follows `torch.stack`.
///
/// Throws when there is no tensor and when shapes differ.
REEL_API Tensor stack(const std::vector<Tensor>& tensors, Size dim = 0);

}  // namespace reel
