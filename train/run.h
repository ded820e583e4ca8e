#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "reel/autograd/state_dict.h"
#include "reel/optim/optimizer.h"
#include "reel/train/figures.h"
#include "reel/train/history.h"

namespace reel::train {

namespace detail {

class AnyModel;
class Score;
class Training;

}  // namespace detail

/// A run of `fit`, as its callbacks see it.
class REEL_API Run {
 public:
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// The epoch, counted from 1; before the first, how many were done in earlier runs.
  Size epoch() const { return epoch_; }
  /// The last that was asked for.
  Size epochs() const { return epochs_; }
  /// The step of this epoch, counted from 1; after the last, how many there were.
  Size step() const { return step_; }
  /// The steps of a whole epoch.
  Size steps() const { return steps_; }
  /// Steps made before this one, those of earlier epochs included: 0 in the first.
  Size steps_done() const;
  /// Seconds since the steps of this epoch began; once they have ended, how long they took.
  double seconds() const;

  /// The loss of this batch; from `backward_end` on.
  double loss() const { return loss_; }
  /// Means over the epoch so far, "loss" and the metrics; in `epoch_end` also those of the
  /// validation data, "val_loss", ...; and what was logged.
  Figures figures() const;
  /// The epochs before this one, and in `epoch_end` this one too.
  const History& history() const { return history_; }
  /// Adds a number to this epoch: it will stand in the history, on the progress line and in a log.
  /// Throws for a name that `fit` itself uses.
  void log(std::string_view name, double value);

  /// The parameters that are trained, under the names that the model has for them.
  const NamedTensors& parameters() const { return parameters_; }
  /// All parameters and buffers of the model, not copied: `nn::state_dict`.
  StateDict state_dict() const;
  /// What trains them; its rates may be changed at any time.
  optim::Optimizer& optimizer() { return optimizer_; }

  /// Ends the training after this batch, or this epoch; in `epoch_begin` before it. An epoch that
  /// is cut short is ended as all are: validated, and in the history.
  void stop(std::string reason = {});
  /// Whether it was told to end.
  bool stopped() const { return stopped_; }
  /// Why, if that was said.
  const std::string& stop_reason() const { return stop_reason_; }

 private:
  friend class detail::Training;
  using Clock = std::chrono::steady_clock;

  Run(detail::AnyModel& model, optim::Optimizer& optimizer, const detail::Score& score,
      Size epochs_done, Size epochs);
  void begin_epoch(Size steps);

  detail::AnyModel& model_;
  optim::Optimizer& optimizer_;
  const detail::Score& score_;  // of the batches of this epoch
  Size epoch_, epochs_;
  Size step_ = 0, steps_ = 0;
  double loss_ = 0;
  Clock::time_point began_ = Clock::now();
  std::optional<double> seconds_;    // once the steps have ended
  std::optional<Figures> measured_;  // once the epoch has ended
  Figures logged_;
  History history_;
  NamedTensors parameters_;
  bool stopped_ = false;
  std::string stop_reason_;
};

}  // namespace reel::train
