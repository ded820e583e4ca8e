#pragma once

#include <functional>

#include "reel/train/run.h"

namespace reel::train {

/// Sets the learning rate of all groups by a function: of the epochs, or of the steps, that were
/// done before, so that both begin with 0. Logs it as "lr". Follows
/// `keras.callbacks.LearningRateScheduler`.
///
/// **Example**
/// ```cpp
/// train::LearningRateScheduler{.per_epoch = [](Size epoch) { return 0.1 * std::pow(0.5, epoch); }}
/// ```
/// Throws `Error` unless just one of both is given, and for rates that the optimizer refuses.
struct REEL_API LearningRateScheduler {
  std::function<double(Size)> per_epoch = {};
  std::function<double(Size)> per_step = {};

  void fit_begin(Run& run);
  void epoch_begin(Run& run);
  void batch_begin(Run& run);
};

}  // namespace reel::train
