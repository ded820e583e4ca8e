#pragma once

#include "reel/train/run.h"

namespace reel::train {

/// Shortens the gradient of all parameters together to at most `max_norm`, before each step.
/// Follows `torch.nn.utils.clip_grad_norm_`, whose norm it is, and `global_clipnorm` of Keras.
///
/// **Example** `.callbacks = {train::ClipGradNorm{.max_norm = 1}}`
///
/// Throws `Error` unless `max_norm` is positive, and for a norm that is not finite, before the
/// step.
struct REEL_API ClipGradNorm {
  double max_norm = 1;  ///< of the square root of the sum of all squares

  /// Looks at the option.
  void fit_begin(Run& run);
  /// Shortens the gradient.
  void backward_end(Run& run);

  double last_norm = 0;  ///< what it was in the last step, before it was shortened
};

}  // namespace reel::train
