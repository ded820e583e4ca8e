#pragma once

#include "reel/autograd/tensor.h"
#include "reel/ops/reduce/reduce.h"

namespace reel {

/// @file
/// Order along a dimension. NaN counts as greater than every other number, as in PyTorch; of equal
/// elements the one that comes first stays first, and is chosen first. Gradients go to where the
/// elements stood. Any dtype.

/// The elements along a dimension in rising order, or in falling order, and the indices, int64, of
/// where they stood. Always stable. Follows `torch.sort`.
///
/// **Example** `auto [sorted, order] = sort(scores, -1, true);`
REEL_API ValuesAndIndices sort(const Tensor& x, Size dim = -1, bool descending = false);
/// The indices alone: `take_along_dim(x, argsort(x), -1)` is sorted. Follows `torch.argsort`.
REEL_API Tensor argsort(const Tensor& x, Size dim = -1, bool descending = false);
/// The elements along the first dimension in rising order. Follows `torch.msort`.
REEL_API Tensor msort(const Tensor& x);

/// The `k` greatest elements along a dimension, the greatest first, or the `k` least, the least
/// first, and where they stood: `[.., n, ..]` -> `[.., k, ..]`. Follows `torch.topk`, which may be
/// told not to sort. Throws unless `k` is in [0, n].
///
/// **Example** `auto [score, label] = topk(logits, 5);`
REEL_API ValuesAndIndices topk(const Tensor& x, Size k, Size dim = -1, bool largest = true);

/// The `k`-th least element along a dimension, counted from 1, and where it stood. Follows
/// `torch.kthvalue`. Throws unless `k` is in [1, n].
REEL_API ValuesAndIndices kthvalue(const Tensor& x, Size k, Size dim = -1, bool keepdim = false);

/// The element in the middle along a dimension, the lower one of two, and where it stood; NaN where
/// there is one. Follows `torch.median`. Throws for an empty dimension.
REEL_API ValuesAndIndices median(const Tensor& x, Size dim, bool keepdim = false);
/// The element in the middle of all, of a tensor without elements NaN. Follows `torch.median`.
REEL_API Tensor median(const Tensor& x);

}  // namespace reel
