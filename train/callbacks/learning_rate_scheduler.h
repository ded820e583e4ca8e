#pragma once

#include <functional>

#include "reel/optim/lr_scheduler/scheduler.h"
#include "reel/train/run.h"

namespace reel::train {

/// Sets learning rates by a function: of the epochs, or of the steps, that were done before, so
/// that both begin with 0. It gives one rate for all groups of the optimizer, or a list of one for
/// each. Logs it as "lr", those of several groups as "lr.0", "lr.1", ... Follows
/// `keras.callbacks.LearningRateScheduler`.
///
/// **Example**
/// ```cpp
/// train::LearningRateScheduler{.per_epoch = [](Size epoch) { return 0.1 * std::pow(0.5, epoch); }}
/// train::LearningRateScheduler{.per_step = [](Size step) {
///   const double rate = 0.1 / (1.0 + 1e-3 * double(step));
///   return optim::PerGroup{rate, rate / 10};
/// }}
/// ```
/// Throws `Error` unless just one of both is given, for a list of another length, and for rates
/// that the optimizer refuses.
struct REEL_API LearningRateScheduler {
  /// The rate of an epoch, given those done before.
  std::function<optim::PerGroup(Size)> per_epoch = {};
  /// The rate of a step, given those done before.
  std::function<optim::PerGroup(Size)> per_step = {};

  /// Looks at the options.
  void fit_begin(Run& run);
  /// Sets the rate of the epoch.
  void epoch_begin(Run& run);
  /// Sets the rate of the step.
  void batch_begin(Run& run);
};

}  // namespace reel::train
