#pragma once

#include "reel/autograd/tensor.h"
#include "reel/ops/loss/softmax.h"

namespace reel::nn {

/// What becomes of the losses of single elements: `none`, `mean` (weighted where there are weights)
/// or `sum`.
using Reduction = LossReduction;

/// What `cross_entropy` can be told.
struct CrossEntropyOptions {
  Tensor weight = {};        ///< how much each class counts, `[C]`; all alike when undefined
  Size ignore_index = -100;  ///< targets of this class do not count
  Reduction reduction = Reduction::mean;  ///< one number, or a loss for each target
  double label_smoothing = 0;  ///< in [0, 1]: this part of the target is spread over all classes
  bool from_logits = true;     ///< false: the input holds probabilities, as after `nn::Softmax`
};

/// Minus the logarithm of the probability that the target's class is given: `input` holds logits
/// `[N, C]`, `[N, C, d1, ..]` or `[C]`; `target` integer classes `[N]`, `[N, d1, ..]` or `[]`, or
/// probabilities in the shape of `input`. Returns a scalar, or losses in the classes' shape with
/// `Reduction::none`. Follows `torch.nn.functional.cross_entropy`; `from_logits` is Keras'.
///
/// Throws when shapes or dtypes do not fit, for a class outside `[0, C)` other than `ignore_index`,
/// and when `from_logits` is false and a number lies outside [0, 1].
REEL_API Tensor cross_entropy(const Tensor& input, const Tensor& target,
                              const CrossEntropyOptions& options = {});

/// What `nll_loss` can be told.
struct NLLLossOptions {
  Tensor weight = {};        ///< how much each class counts, `[C]`; all alike when undefined
  Size ignore_index = -100;  ///< targets of this class do not count
  Reduction reduction = Reduction::mean;  ///< one number, or a loss for each target
};

/// Minus the log-probability of the target's class, for a network that ends in `nn::LogSoftmax`.
/// Shapes as in `cross_entropy` with integer targets. Follows `torch.nn.functional.nll_loss`.
REEL_API Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target,
                         const NLLLossOptions& options = {});

/// What `mse_loss` and `l1_loss` can be told.
struct LossOptions {
  Reduction reduction = Reduction::mean;  ///< one number, or a loss for each element
};

/// `(input - target)^2`. Throws unless both have one shape. Follows `torch.nn.functional.mse_loss`.
REEL_API Tensor mse_loss(const Tensor& input, const Tensor& target,
                         const LossOptions& options = {});

/// `|input - target|`. Throws unless both have one shape. Follows `torch.nn.functional.l1_loss`.
REEL_API Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {});

/// What `huber_loss` can be told.
struct HuberLossOptions {
  double delta = 1;                       ///< where the square turns into a line; above 0
  Reduction reduction = Reduction::mean;  ///< one number, or a loss for each element
};

/// `d^2 / 2` where `|d| = |input - target|` is below `delta`, else `delta * (|d| - delta / 2)`.
/// Huber 1964; follows `torch.nn.functional.huber_loss`.
REEL_API Tensor huber_loss(const Tensor& input, const Tensor& target,
                           const HuberLossOptions& options = {});

/// What `smooth_l1_loss` can be told.
struct SmoothL1LossOptions {
  double beta = 1;  ///< where the square turns into a line; 0 makes it `l1_loss`
  Reduction reduction = Reduction::mean;  ///< one number, or a loss for each element
};

/// `d^2 / (2 beta)` where `|d| = |input - target|` is below `beta`, else `|d| - beta / 2`.
/// Follows `torch.nn.functional.smooth_l1_loss`.
REEL_API Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                               const SmoothL1LossOptions& options = {});

/// What `binary_cross_entropy` can be told.
struct BinaryCrossEntropyOptions {
  Tensor weight = {};  ///< how much each element counts; broadcasts to the target
  Reduction reduction = Reduction::mean;  ///< one number, or a loss for each element
};

/// `-(t log p + (1 - t) log(1 - p))` for probabilities `p` in [0, 1], logarithms cut at -100.
/// Throws unless both have one shape that the weight broadcasts to, and for a probability outside
/// [0, 1].
/// Follows `torch.nn.functional.binary_cross_entropy`.
REEL_API Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target,
                                     const BinaryCrossEntropyOptions& options = {});

/// What `binary_cross_entropy_with_logits` can be told.
struct BinaryCrossEntropyWithLogitsOptions {
  Tensor weight = {};      ///< how much each element counts; broadcasts to the target
  Tensor pos_weight = {};  ///< how much positive targets count; as `weight`, often `[C]`
  Reduction reduction = Reduction::mean;  ///< one number, or a loss for each element
};

/// `binary_cross_entropy` of `sigmoid(logits)`, exact for logits of any size. Throws unless both
/// have one shape that the weights broadcast to. Follows
/// `torch.nn.functional.binary_cross_entropy_with_logits`.
REEL_API Tensor
binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                 const BinaryCrossEntropyWithLogitsOptions& options = {});

// ---- the same as objects, for `train::fit`

/// `cross_entropy` as an object. Follows `torch.nn.CrossEntropyLoss`.
struct CrossEntropyLoss {
  Tensor weight = {};                     ///< see `CrossEntropyOptions`
  Size ignore_index = -100;               ///< see `CrossEntropyOptions`
  Reduction reduction = Reduction::mean;  ///< see `CrossEntropyOptions`
  double label_smoothing = 0;             ///< see `CrossEntropyOptions`
  bool from_logits = true;                ///< see `CrossEntropyOptions`

  /// Calls `cross_entropy`.
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return cross_entropy(input, target,
                         {weight, ignore_index, reduction, label_smoothing, from_logits});
  }
};

/// `nll_loss` as an object. Follows `torch.nn.NLLLoss`.
struct NLLLoss {
  Tensor weight = {};                     ///< see `NLLLossOptions`
  Size ignore_index = -100;               ///< see `NLLLossOptions`
  Reduction reduction = Reduction::mean;  ///< see `NLLLossOptions`

  /// Calls `nll_loss`.
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return nll_loss(input, target, {weight, ignore_index, reduction});
  }
};

/// `mse_loss` as an object. Follows `torch.nn.MSELoss`.
struct MSELoss {
  Reduction reduction = Reduction::mean;  ///< see `LossOptions`

  /// Calls `mse_loss`.
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return mse_loss(input, target, {reduction});
  }
};

/// `l1_loss` as an object. Follows `torch.nn.L1Loss`.
struct L1Loss {
  Reduction reduction = Reduction::mean;  ///< see `LossOptions`

  /// Calls `l1_loss`.
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return l1_loss(input, target, {reduction});
  }
};

/// `huber_loss` as an object. Follows `torch.nn.HuberLoss`.
struct HuberLoss {
  double delta = 1;                       ///< see `HuberLossOptions`
  Reduction reduction = Reduction::mean;  ///< see `HuberLossOptions`

  /// Calls `huber_loss`.
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return huber_loss(input, target, {delta, reduction});
  }
};

/// `smooth_l1_loss` as an object. Follows `torch.nn.SmoothL1Loss`.
struct SmoothL1Loss {
  double beta = 1;                        ///< see `SmoothL1LossOptions`
  Reduction reduction = Reduction::mean;  ///< see `SmoothL1LossOptions`

  /// Calls `smooth_l1_loss`.
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return smooth_l1_loss(input, target, {beta, reduction});
  }
};

/// `binary_cross_entropy` as an object. Follows `torch.nn.BCELoss`.
struct BCELoss {
  Tensor weight = {};                     ///< see `BinaryCrossEntropyOptions`
  Reduction reduction = Reduction::mean;  ///< see `BinaryCrossEntropyOptions`

  /// Calls `binary_cross_entropy`.
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return binary_cross_entropy(input, target, {weight, reduction});
  }
};

/// `binary_cross_entropy_with_logits` as an object. Follows `torch.nn.BCEWithLogitsLoss`.
struct BCEWithLogitsLoss {
  Tensor weight = {};                     ///< see `BinaryCrossEntropyWithLogitsOptions`
  Tensor pos_weight = {};                 ///< see `BinaryCrossEntropyWithLogitsOptions`
  Reduction reduction = Reduction::mean;  ///< see `BinaryCrossEntropyWithLogitsOptions`

  /// Calls `binary_cross_entropy_with_logits`.
  Tensor operator()(const Tensor& input, const Tensor& target) const {
    return binary_cross_entropy_with_logits(input, target, {weight, pos_weight, reduction});
  }
};

}  // namespace reel::nn
