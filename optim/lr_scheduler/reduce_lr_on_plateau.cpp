#include "reel/optim/lr_scheduler/reduce_lr_on_plateau.h"

#include <algorithm>
#include <limits>

#include "reel/base/fail.h"

namespace reel::optim {
namespace {

constexpr const char* name = "ReduceLROnPlateau";

std::vector<double> rates_of(const Optimizer& optimizer) {
  std::vector<double> rates;
  for (Size group = 0; group < optimizer.num_groups(); ++group)
    rates.push_back(optimizer.lr(group));
  return rates;
}

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : optimizer_(&optimizer),
      options_(options),
      best_(options.mode == Better::min ? std::numeric_limits<double>::infinity()
                                        : -std::numeric_limits<double>::infinity()),
      last_lr_(rates_of(optimizer)) {
  options.check(Limits<ReduceLROnPlateauOptions>(name, options));
  const Size count = std::ssize(options.min_lr), groups = optimizer.num_groups();
  check(count == 1 || count == groups, name,
        "expected one min_lr or one for each of {} groups, got {}", groups, count);
}

bool ReduceLROnPlateau::is_better(double figure) const {
  const double sign = options_.mode == Better::min ? -1 : 1;
  const double bound = options_.threshold_mode == ThresholdMode::rel
                           ? best_ * (1 + sign * options_.threshold)
                           : best_ + sign * options_.threshold;
  return options_.mode == Better::min ? figure < bound : figure > bound;
}

void ReduceLROnPlateau::reduce() {
  const Size count = std::ssize(options_.min_lr), groups = optimizer_->num_groups();
  check(count == 1 || count == groups, name,
        "expected one min_lr or one for each of {} groups, got {}", groups, count);
  for (Size group = 0; group < groups; ++group) {
    const double before = optimizer_->lr(group);
    const double after = std::max(before * options_.factor, options_.min_lr[group]);
    if (before - after > options_.eps) optimizer_->set_lr(group, after);
  }
}

void ReduceLROnPlateau::step(double figure) {
  ++last_epoch_;
  if (is_better(figure)) {
    best_ = figure;
    num_bad_epochs_ = 0;
  } else {
    ++num_bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    num_bad_epochs_ = 0;
  }
  if (num_bad_epochs_ > options_.patience) {
    reduce();
    cooldown_counter_ = options_.cooldown;
    num_bad_epochs_ = 0;
  }
  last_lr_ = rates_of(*optimizer_);
}

std::vector<detail::SchedulerNumber> ReduceLROnPlateau::numbers() const {
  std::vector<detail::SchedulerNumber> all{
      {"best", best_},
      {"num_bad_epochs", static_cast<double>(num_bad_epochs_), true},
      {"cooldown_counter", static_cast<double>(cooldown_counter_), true},
      {"last_epoch", static_cast<double>(last_epoch_), true}};
  for (std::size_t i = 0; i < last_lr_.size(); ++i) {
    all.push_back({fmt::format("_last_lr.{}", i), last_lr_[i]});
  }
  return all;
}

StateDict ReduceLROnPlateau::state_dict() const { return detail::state_of(numbers()); }

void ReduceLROnPlateau::load_state_dict(const StateDict& state) {
  const std::vector<double> values = detail::read_numbers(name, state, numbers());
  best_ = values[0];
  num_bad_epochs_ = static_cast<Size>(values[1]);
  cooldown_counter_ = static_cast<Size>(values[2]);
  last_epoch_ = static_cast<Size>(values[3]);
  last_lr_.assign(values.begin() + 4, values.end());
}

}  // namespace reel::optim
