#pragma once

#include <functional>
#include <vector>

#include "reel/optim/lr_scheduler/scheduler.h"

namespace reel::optim {

/// Schedules, which stay where they are: `{warmup, decay}`.
using Schedulers = std::vector<std::reference_wrapper<LRScheduler>>;

/// Several schedules at once: each changes the rate that the one before has set. They must outlive
/// it. Follows `torch.optim.lr_scheduler.ChainedScheduler`.
///
/// Throws for no schedules, and for schedules of different optimizers. `ReduceLROnPlateau`, which
/// is stepped with a figure, is no `LRScheduler`.
///
/// **Example** `optim::ChainedScheduler scheduler{{warmup, decay}};`
class REEL_API ChainedScheduler final : public LRScheduler {
 public:
  /// Schedules that were made, and have set their first rates, in this order.
  explicit ChainedScheduler(const Schedulers& schedulers);

  void step() override;

 private:
  void begin() override;
  void restart() override;
  double rate(const ScheduleStep& at) const override { return at.lr; }
  std::vector<detail::SchedulerNumber> numbers() const override;
  std::span<const double> set_numbers(std::span<const double> values) override;

  Schedulers schedulers_;
};

/// Options of `SequentialLR`.
struct SequentialLROptions {
  std::vector<Size> milestones = {};  ///< the steps at which the next schedule takes over
};

/// One schedule after another, each from its step 0. They must outlive it. Follows
/// `torch.optim.lr_scheduler.SequentialLR`.
///
/// Throws unless there is one milestone less than schedules, in ascending order, and for schedules
/// of another optimizer.
///
/// **Example** `optim::SequentialLR scheduler{optimizer, {warmup, decay}, {.milestones = {5}}};`
class REEL_API SequentialLR final : public LRScheduler {
 public:
  /// Schedules in the order of their turns. What making them did to the rates is undone.
  SequentialLR(Optimizer& optimizer, const Schedulers& schedulers,
               const SequentialLROptions& options);

  void step() override;

 private:
  void begin() override;
  double rate(const ScheduleStep& at) const override { return at.lr; }
  std::vector<detail::SchedulerNumber> numbers() const override;
  std::span<const double> set_numbers(std::span<const double> values) override;
  /// The number of the schedule whose turn it is.
  std::size_t turn() const;

  Schedulers schedulers_;
  std::vector<Size> milestones_;
};

}  // namespace reel::optim
