#pragma once

#include <string>

#include "reel/optim/lr_scheduler/reduce_lr_on_plateau.h"
#include "reel/optim/lr_scheduler/scheduler.h"
#include "reel/train/run.h"

namespace reel::train {

/// Which steps of a run a schedule counts.
enum class Every {
  epoch,  ///< passes over the data
  batch,  ///< steps of the optimizer
};

/// A schedule of the caller's, left where it is: any of `optim::LRScheduler`, or
/// `optim::ReduceLROnPlateau`.
class AnyScheduler {
 public:
  /// One that is a function of the step.
  AnyScheduler(optim::LRScheduler& scheduler) : scheduler_(&scheduler) {}
  /// One that looks at a number.
  AnyScheduler(optim::ReduceLROnPlateau& scheduler) : plateau_(&scheduler) {}

  /// The schedule, or null where it is one of the others.
  optim::LRScheduler* scheduler() const { return scheduler_; }
  /// The schedule, or null where it is one of the others.
  optim::ReduceLROnPlateau* plateau() const { return plateau_; }

 private:
  optim::LRScheduler* scheduler_ = nullptr;
  optim::ReduceLROnPlateau* plateau_ = nullptr;
};

/// Steps a schedule of `optim` after each epoch, or after each step of the optimizer, and logs the
/// rate as "lr", those of several groups as "lr.0", "lr.1", ... The schedule stays where it is, and
/// must live as long as the run; it goes on in the next one.
///
/// **Example**
/// ```cpp
/// optim::SGD sgd{nn::parameters(model), {.lr = 0.1}};
/// optim::CosineAnnealingLR cosine{sgd, {.T_max = 10}};
/// train::fit(model, train_set, {.optimizer = sgd, .epochs = 10,
///                               .callbacks = {train::LRScheduler{cosine}}});
/// ```
/// Throws `Error` before the first epoch unless the run trains with the optimizer of the schedule,
/// and where `ReduceLROnPlateau`, whose numbers are those of epochs, should count batches.
struct REEL_API LRScheduler {
  AnyScheduler scheduler;      ///< what says the rates
  Every every = Every::epoch;  ///< when it goes on
  /// The number that `ReduceLROnPlateau` looks at. Unset: "val_loss", or "loss" where there is no
  /// validation.
  std::string monitor = {};

  /// Looks at the options.
  void fit_begin(Run& run);
  /// Logs the rate of the epoch.
  void epoch_begin(Run& run);
  /// Logs the rate of the step.
  void batch_begin(Run& run);
  /// Goes on by a step.
  void batch_end(Run& run);
  /// Goes on by an epoch.
  void epoch_end(Run& run);

  /// The schedule's.
  StateDict state_dict() const;
  /// Gives it to the schedule. Throws `Error`, and changes nothing, where that does.
  void load_state_dict(const StateDict& state);
};

}  // namespace reel::train
