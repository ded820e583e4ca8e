#pragma once

#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::nn {

/// Options of `clip_grad_norm_`.
struct ClipGradNormOptions {
  double norm_type = 2;             ///< the p of the norm; infinity is the largest number
  bool error_if_nonfinite = false;  ///< whether a norm that is infinite or NaN is an error
};

/// Scales the gradients of parameters, as if they were one vector, so that its norm is at most
/// `max_norm`. Goes between `backward` and the optimizer's step. Parameters without a gradient are
/// skipped. Returns the norm before, a 0-d float64 tensor; 0 without any gradient. Follows
/// `torch.nn.utils.clip_grad_norm_`.
///
/// A norm that is not finite makes the gradients NaN, unless `error_if_nonfinite` throws before
/// they are changed. Throws for a max_norm that is negative or NaN and for undefined tensors.
///
/// **Example** `nn::clip_grad_norm_(nn::parameters(net), 1.0, {.error_if_nonfinite = true});`
REEL_API Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                                const ClipGradNormOptions& options = {});

/// Clamps every number of the gradients of parameters to [-clip_value, clip_value]. Parameters
/// without a gradient are skipped. Follows `torch.nn.utils.clip_grad_value_`.
///
/// Throws for a clip_value that is negative or NaN and for undefined tensors.
REEL_API void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);

}  // namespace reel::nn
