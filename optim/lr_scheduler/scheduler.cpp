#include "reel/optim/lr_scheduler/scheduler.h"

#include <algorithm>
#include <cmath>

#include "reel/base/fail.h"
#include "reel/ops/create/create.h"

namespace reel::optim {
namespace {

constexpr const char* loading = "load_state_dict";

}  // namespace

StateDict detail::state_of(const std::vector<SchedulerNumber>& numbers) {
  StateDict state;
  for (const SchedulerNumber& number : numbers) {
    state[number.name] = full({}, number.value, {.dtype = float64});
  }
  return state;
}

std::vector<double> detail::read_numbers(const char* scheduler, const StateDict& state,
                                         const std::vector<SchedulerNumber>& numbers) {
  std::vector<double> values;
  for (const SchedulerNumber& number : numbers) {
    check(state.contains(number.name), loading, "expected an entry \"{}\" for {}, got none",
          number.name, scheduler);
    const Tensor& saved = state.at(number.name);
    check(saved.defined() && saved.dim() == 0, loading, "expected a number as \"{}\", got {}",
          number.name,
          saved.defined() ? fmt::format("shape {}", saved.shape()) : "an undefined tensor");
    const double value = saved.item();
    check(!number.is_count ||
              (value >= 0 && value <= 9007199254740992.0 && value == std::floor(value)),
          loading, "expected a whole number in [0, 2^53] as \"{}\", got {}", number.name, value);
    values.push_back(value);
  }
  for (const auto& entry : state) {
    const auto is_it = [&](const SchedulerNumber& number) { return number.name == entry.first; };
    check(std::any_of(numbers.begin(), numbers.end(), is_it), loading,
          "expected only entries of {}, got also \"{}\"", scheduler, entry.first);
  }
  return values;
}

LRScheduler::~LRScheduler() = default;

double& LRScheduler::initial_lr(Size group) const {
  // Groups may have been added since.
  for (Size i = std::ssize(optimizer_->initial_lrs_); i < optimizer_->num_groups(); ++i) {
    optimizer_->initial_lrs_.push_back(optimizer_->lr(i));
  }
  return optimizer_->initial_lrs_[static_cast<std::size_t>(group)];
}

void LRScheduler::take_base_lrs() {
  base_lrs_.clear();
  for (Size group = 0; group < optimizer_->num_groups(); ++group) {
    base_lrs_.push_back(initial_lr(group));
  }
}

ScheduleStep LRScheduler::at(Size step, Size group) const {
  return {step, group, optimizer_->lr(group), base_lrs_[static_cast<std::size_t>(group)]};
}

void LRScheduler::go_to(Size step) {
  check(optimizer_->num_groups() == std::ssize(base_lrs_), name_,
        "expected the {} groups that the optimizer had when the schedule was made, got {}",
        base_lrs_.size(), optimizer_->num_groups());
  std::vector<double> rates;
  for (Size group = 0; group < optimizer_->num_groups(); ++group) {
    rates.push_back(rate(at(step, group)));
  }
  for (std::size_t group = 0; group < rates.size(); ++group) {
    optimizer_->set_lr(static_cast<Size>(group), rates[group]);
  }
  last_epoch_ = step;
  last_lr_ = rates;
  after_rates();
}

void LRScheduler::begin() { go_to(0); }

void LRScheduler::restart() {
  for (std::size_t group = 0; group < base_lrs_.size(); ++group) {
    optimizer_->set_lr(static_cast<Size>(group), base_lrs_[group]);
  }
  begin();
}

void LRScheduler::step() { go_to(last_epoch_ + 1); }

std::vector<detail::SchedulerNumber> LRScheduler::numbers() const {
  std::vector<detail::SchedulerNumber> all{{"last_epoch", static_cast<double>(last_epoch_), true}};
  for (std::size_t i = 0; i < base_lrs_.size(); ++i) {
    all.push_back({fmt::format("base_lrs.{}", i), base_lrs_[i]});
  }
  for (std::size_t i = 0; i < last_lr_.size(); ++i) {
    all.push_back({fmt::format("_last_lr.{}", i), last_lr_[i]});
  }
  return all;
}

std::span<const double> LRScheduler::set_numbers(std::span<const double> values) {
  last_epoch_ = static_cast<Size>(values[0]);
  values = values.subspan(1);
  for (std::vector<double>* rates : {&base_lrs_, &last_lr_}) {
    rates->assign(values.begin(), values.begin() + std::ssize(*rates));
    values = values.subspan(rates->size());
  }
  return values;
}

StateDict LRScheduler::state_dict() const { return detail::state_of(numbers()); }

void LRScheduler::load_state_dict(const StateDict& state) {
  set_numbers(detail::read_numbers(name_, state, numbers()));
}

}  // namespace reel::optim
