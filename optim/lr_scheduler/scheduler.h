#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/optim/optimizer.h"

namespace reel::optim {

/// One number for all groups of an optimizer, or one for each: `.max_lr = 0.1`,
/// `.max_lr = {0.1, 0.01}`.
class PerGroup {
 public:
  /// The same for all groups.
  PerGroup(double for_all) : numbers_{for_all} {}
  /// One for each group, in their order.
  PerGroup(std::initializer_list<double> for_each) : numbers_(for_each) {}

  /// The number of a group; not checked.
  double operator[](Size group) const {
    return numbers_[numbers_.size() == 1 ? 0 : static_cast<std::size_t>(group)];
  }
  /// How many numbers there are: 1, or one for each group.
  std::size_t size() const { return numbers_.size(); }
  auto begin() const { return numbers_.begin(); }
  auto end() const { return numbers_.end(); }

 private:
  std::vector<double> numbers_;
};

/// Where a schedule stands for one group, when it says the next rate.
struct ScheduleStep {
  Size step;    ///< 0 where the schedule begins
  Size group;   ///< of the optimizer
  double lr;    ///< the rate now: what schedules that multiply it start from
  double base;  ///< the rate before any schedule
};

namespace detail {

/// A number of a schedule's state, under its name.
struct SchedulerNumber {
  std::string name;
  double value;
  bool is_count = false;
};

StateDict state_of(const std::vector<SchedulerNumber>& numbers);
/// What a state has in place of `numbers`. Throws when entries are missing or unknown, or a count
/// is none.
std::vector<double> read_numbers(const char* scheduler, const StateDict& state,
                                 const std::vector<SchedulerNumber>& numbers);

}  // namespace detail

/// What all schedules of the learning rate have in common: a rate for each group that is a function
/// of the step, which may be counted in epochs. Making one sets the rate of step 0; `step()`, after
/// the optimizer's, sets the next. Several may take turns with one optimizer, as in PyTorch.
///
/// It refers to the optimizer, which must outlive it. Follows
/// `torch.optim.lr_scheduler.LRScheduler`.
class REEL_API LRScheduler {
 public:
  virtual ~LRScheduler();
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;

  /// Goes on by one, and sets the rates. Throws when the optimizer has got more groups since.
  virtual void step();

  /// The rates of all groups that it has set last.
  const std::vector<double>& get_last_lr() const { return last_lr_; }
  /// How many steps were taken.
  Size last_epoch() const { return last_epoch_; }
  /// The one whose rates it sets.
  Optimizer& optimizer() const { return *optimizer_; }
  /// What the schedule is called: "StepLR".
  const char* name() const { return name_; }

  /// Where it stands: `last_epoch`, `base_lrs.0`, `_last_lr.0`, as 0-d float64 tensors. What the
  /// schedule is (its options) is not in it, and the optimizer's rates are in its own state.
  StateDict state_dict() const;
  /// Goes on where another of the same kind stood. Throws, and changes nothing, when entries are
  /// missing or unknown. Load the optimizer's state too.
  void load_state_dict(const StateDict& state);

 protected:
  /// Sets no rate yet: what derives from it calls `take_base_lrs` and `begin`. `name` is kept as a
  /// pointer.
  LRScheduler(const char* name, Optimizer& optimizer) : name_(name), optimizer_(&optimizer) {}

  /// Takes the rates before any schedule for those that the schedule goes from.
  void take_base_lrs();
  /// Sets the rates of step 0, from those that are.
  virtual void begin();
  /// Begins anew from the rates before any schedule, as `SequentialLR` has it.
  virtual void restart();
  /// The rate of a step.
  virtual double rate(const ScheduleStep& at) const = 0;
  /// Called after the rates were set; for what goes along with them.
  virtual void after_rates() {}
  /// Where it stands.
  virtual std::vector<detail::SchedulerNumber> numbers() const;
  /// Takes what `numbers` gave, in the same order; returns what is left.
  virtual std::span<const double> set_numbers(std::span<const double> values);

  /// Sets the rates of a step.
  void go_to(Size step);
  /// What `rate` is asked: a step and a group, with the rate that the optimizer has now.
  ScheduleStep at(Size step, Size group) const;
  /// Sets the rate that the schedule goes from.
  void set_base_lr(Size group, double lr) { base_lrs_[static_cast<std::size_t>(group)] = lr; }
  /// The rate of a group before any schedule.
  double& initial_lr(Size group) const;

 private:
  friend class ChainedScheduler;
  friend class SequentialLR;

  const char* name_;
  Optimizer* optimizer_;
  Size last_epoch_ = 0;
  std::vector<double> last_lr_, base_lrs_;
};

/// A schedule of options and one function of the step. What a rule is:
/// ```cpp
/// struct StepLRRule {
///   static constexpr const char* name = "StepLR";
///   using Options = StepLROptions;
///   static double rate(const Options& o, const ScheduleStep& at);
/// };
/// ```
template <class Rule>
class Schedule final : public LRScheduler {
 public:
  /// The rule's: `StepLROptions`, say.
  using Options = typename Rule::Options;

  /// Throws for options that cannot work.
  Schedule(Optimizer& optimizer, const Options& options = {});

 private:
  double rate(const ScheduleStep& at) const override;
  void restart() override;
  void after_rates() override;
  /// What the optimizer calls its momentum: "betas.0" or "momentum".
  const char* momentum_name() const;

  Options options_;
};

}  // namespace reel::optim
