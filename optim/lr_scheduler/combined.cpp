#include "reel/optim/lr_scheduler/combined.h"

#include <algorithm>

#include "reel/base/fail.h"

namespace reel::optim {
namespace {

/// The first of them; throws where there is none.
LRScheduler& first_of(const char* name, const Schedulers& schedulers) {
  check(!schedulers.empty(), name, "expected at least one schedule, got none");
  return schedulers[0];
}

std::string key(std::size_t i, const std::string& of_schedule) {
  return fmt::format("_schedulers.{}.{}", i, of_schedule);
}

}  // namespace

// ---- all at once

ChainedScheduler::ChainedScheduler(const Schedulers& schedulers)
    : LRScheduler("ChainedScheduler", first_of("ChainedScheduler", schedulers).optimizer()),
      schedulers_(schedulers) {
  for (const LRScheduler& scheduler : schedulers_) {
    check(&scheduler.optimizer() == &optimizer(), name(),
          "expected schedules of one optimizer, got a {} of another", scheduler.name());
  }
  take_base_lrs();
  last_lr_ = schedulers_.back().get().get_last_lr();
}

void ChainedScheduler::step() {
  for (LRScheduler& scheduler : schedulers_) scheduler.step();
  go_to(last_epoch() + 1);
}

void ChainedScheduler::begin() {
  for (LRScheduler& scheduler : schedulers_) scheduler.begin();
  go_to(0);
}

void ChainedScheduler::restart() {
  schedulers_[0].get().restart();
  for (std::size_t i = 1; i < schedulers_.size(); ++i) schedulers_[i].get().begin();
  go_to(0);
}

// ---- one after another

SequentialLR::SequentialLR(Optimizer& of, const Schedulers& schedulers,
                           const SequentialLROptions& options)
    : LRScheduler("SequentialLR", of), schedulers_(schedulers), milestones_(options.milestones) {
  first_of(name(), schedulers);
  for (const LRScheduler& scheduler : schedulers_) {
    check(&scheduler.optimizer() == &of, name(),
          "expected schedules of this optimizer, got a {} of another", scheduler.name());
  }
  check(milestones_.size() + 1 == schedulers_.size(), name(),
        "expected {} milestones for {} schedules, got {}", schedulers_.size() - 1,
        schedulers_.size(), milestones_.size());
  check(std::is_sorted(milestones_.begin(), milestones_.end()) &&
            (milestones_.empty() || milestones_[0] >= 0),
        name(), "expected milestones of at least 0 in ascending order, got [{}]",
        fmt::join(milestones_, ", "));
  take_base_lrs();
  // What making the schedules has done to the rates is undone.
  for (Size group = 0; group < of.num_groups(); ++group) of.set_lr(group, initial_lr(group));
  begin();
}

std::size_t SequentialLR::turn() const {
  return static_cast<std::size_t>(
      std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch()) - milestones_.begin());
}

void SequentialLR::begin() {
  go_to(0);
  schedulers_[turn()].get().begin();
  last_lr_ = schedulers_[turn()].get().get_last_lr();
}

void SequentialLR::step() {
  go_to(last_epoch() + 1);
  LRScheduler& scheduler = schedulers_[turn()];
  if (turn() > 0 && milestones_[turn() - 1] == last_epoch()) {
    scheduler.restart();
  } else {
    scheduler.step();
  }
  last_lr_ = scheduler.get_last_lr();
}

// ---- saving

namespace {

template <class Children>
std::vector<detail::SchedulerNumber> with_children(std::vector<detail::SchedulerNumber> own,
                                                   const Children& numbers_of, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    for (const detail::SchedulerNumber& number : numbers_of(i)) {
      own.push_back({key(i, number.name), number.value, number.is_count});
    }
  }
  return own;
}

}  // namespace

std::vector<detail::SchedulerNumber> ChainedScheduler::numbers() const {
  return with_children(
      LRScheduler::numbers(), [&](std::size_t i) { return schedulers_[i].get().numbers(); },
      schedulers_.size());
}

std::span<const double> ChainedScheduler::set_numbers(std::span<const double> values) {
  values = LRScheduler::set_numbers(values);
  for (LRScheduler& scheduler : schedulers_) values = scheduler.set_numbers(values);
  return values;
}

std::vector<detail::SchedulerNumber> SequentialLR::numbers() const {
  return with_children(
      LRScheduler::numbers(), [&](std::size_t i) { return schedulers_[i].get().numbers(); },
      schedulers_.size());
}

std::span<const double> SequentialLR::set_numbers(std::span<const double> values) {
  values = LRScheduler::set_numbers(values);
  for (LRScheduler& scheduler : schedulers_) values = scheduler.set_numbers(values);
  return values;
}

}  // namespace reel::optim
