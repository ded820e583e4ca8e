#include "reel/train/callbacks/learning_rate_scheduler.h"

#include "reel/base/fail.h"
#include "reel/train/detail/rates.h"

namespace reel::train {
namespace {

constexpr const char* op = "LearningRateScheduler";

void set_rates(Run& run, const optim::PerGroup& rates) {
  optim::Optimizer& optimizer = run.optimizer();
  const Size count = std::ssize(rates), groups = optimizer.num_groups();
  check(count == 1 || count == groups, op, "expected one rate or one for each of {} groups, got {}",
        groups, count);
  for (Size group = 0; group < groups; ++group) optimizer.set_lr(group, rates[group]);
  detail::log_rates(run);
}

}  // namespace

void LearningRateScheduler::fit_begin(Run&) {
  check((per_epoch == nullptr) != (per_step == nullptr), op,
        "expected either .per_epoch or .per_step, got {}", per_epoch ? "both" : "none");
}

void LearningRateScheduler::epoch_begin(Run& run) {
  if (per_epoch) set_rates(run, per_epoch(run.epoch() - 1));
}

void LearningRateScheduler::batch_begin(Run& run) {
  if (per_step) set_rates(run, per_step(run.steps_done()));
}

}  // namespace reel::train
