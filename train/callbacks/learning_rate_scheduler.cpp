#include "reel/train/callbacks/learning_rate_scheduler.h"

#include "reel/base/fail.h"

namespace reel::train {
namespace {

void set_rate(Run& run, double rate) {
  run.optimizer().set_lr(rate);
  run.log("lr", rate);
}

}  // namespace

void LearningRateScheduler::fit_begin(Run&) {
  check((per_epoch == nullptr) != (per_step == nullptr), "LearningRateScheduler",
        "expected either .per_epoch or .per_step, got {}", per_epoch ? "both" : "none");
}

void LearningRateScheduler::epoch_begin(Run& run) {
  if (per_epoch) set_rate(run, per_epoch(run.epoch() - 1));
}

void LearningRateScheduler::batch_begin(Run& run) {
  if (per_step) set_rate(run, per_step(run.steps_done()));
}

}  // namespace reel::train
