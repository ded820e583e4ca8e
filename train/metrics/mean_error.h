#pragma once

#include <string>

#include "reel/autograd/tensor.h"
#include "reel/train/metrics/mean.h"

namespace reel::train {

/// The mean of `|output - target|` over all elements. `update` throws `Error` unless both have one
/// shape. Follows `keras.metrics.MeanAbsoluteError`.
struct REEL_API MeanAbsoluteError {
  Mean mean = {};  ///< what was seen since `reset`

  /// Counts a batch.
  void update(const Tensor& outputs, const Tensor& targets);
  /// The mean over all elements since `reset`; NaN of none.
  double value() const { return mean.value(); }
  /// Forgets all batches.
  void reset() { mean.reset(); }
  /// "mean_absolute_error".
  std::string name() const { return "mean_absolute_error"; }
};

/// The mean of `(output - target)^2` over all elements. `update` throws `Error` unless both have
/// one shape. Follows `keras.metrics.MeanSquaredError`.
struct REEL_API MeanSquaredError {
  Mean mean = {};  ///< what was seen since `reset`

  /// Counts a batch.
  void update(const Tensor& outputs, const Tensor& targets);
  /// The mean over all elements since `reset`; NaN of none.
  double value() const { return mean.value(); }
  /// Forgets all batches.
  void reset() { mean.reset(); }
  /// "mean_squared_error".
  std::string name() const { return "mean_squared_error"; }
};

}  // namespace reel::train
