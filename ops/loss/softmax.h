#pragma once

#include "reel/autograd/tensor.h"

namespace reel {

/// `exp(x) / sum(exp(x))` along a dimension: non-negative numbers that add up to 1. Keeps the
/// memory order of a dense `x`. Throws unless `x` is floating. Follows `torch.softmax`.
REEL_API Tensor softmax(const Tensor& x, Size dim);

/// `softmax(-x)`: the smallest number gets the most. Follows `torch.nn.functional.softmin`.
REEL_API Tensor softmin(const Tensor& x, Size dim);

/// `log(softmax(x))`, accurate also where softmax is next to 0. Follows `torch.log_softmax`.
REEL_API Tensor log_softmax(const Tensor& x, Size dim);

/// What becomes of the losses of single elements.
enum class LossReduction {
  none,  ///< they are returned as they are
  mean,  ///< their sum over the sum of the weights of their classes; NaN when none counts
  sum    ///< they are added up
};

/// What `cross_entropy_logits` can be told.
struct CrossEntropyLogitsOptions {
  Tensor weight = {};          ///< how much each class counts, `[C]`; all alike when undefined
  Size ignore_index = -100;    ///< targets of this class do not count
  double label_smoothing = 0;  ///< in [0, 1]: this part of the target is spread over all classes
  LossReduction reduction = LossReduction::mean;  ///< one number, or a loss for each target
};

/// Minus the logarithm of the probability that `softmax(logits)` gives to the target's class,
/// fused: neither the softmax nor its logarithm is stored. `logits` `[C]`, `[N, C]` or `[N, C, d1,
/// ..]`; `targets` integer classes `[]`, `[N]` or `[N, d1, ..]`. Returns a scalar, or losses in the
/// targets' shape with `LossReduction::none`.
///
/// Throws when shapes or dtypes do not fit, and for a class outside [0, C) other than
/// `ignore_index`. Follows `torch.nn.functional.cross_entropy` with class indices.
REEL_API Tensor cross_entropy_logits(const Tensor& logits, const Tensor& targets,
                                     const CrossEntropyLogitsOptions& options = {});

}  // namespace reel
