#include "reel/train/callbacks/lr_scheduler.h"

#include "reel/base/fail.h"
#include "reel/train/detail/monitor.h"
#include "reel/train/detail/rates.h"

namespace reel::train {
namespace {

constexpr const char* op = "LRScheduler";

}  // namespace

void LRScheduler::fit_begin(Run& run) {
  const optim::Optimizer& its =
      scheduler.plateau() ? scheduler.plateau()->optimizer() : scheduler.scheduler()->optimizer();
  check(&its == &run.optimizer(), op,
        "expected a schedule of the optimizer that trains the model, got one of another {}\n"
        "help: give the run that optimizer, by its name",
        its.name());
  check(!scheduler.plateau() || every == Every::epoch, op,
        "expected .every = Every::epoch for ReduceLROnPlateau, which looks at an epoch's numbers, "
        "got Every::batch");
}

void LRScheduler::epoch_begin(Run& run) { detail::log_rates(run); }

void LRScheduler::batch_begin(Run& run) {
  if (every == Every::batch) detail::log_rates(run);
}

void LRScheduler::batch_end(Run&) {
  if (every == Every::batch) scheduler.scheduler()->step();
}

void LRScheduler::epoch_end(Run& run) {
  if (optim::ReduceLROnPlateau* plateau = scheduler.plateau()) {
    plateau->step(detail::monitored_figure(op, run, monitor).value);
  } else if (every == Every::epoch) {
    scheduler.scheduler()->step();
  }
}

StateDict LRScheduler::state_dict() const {
  return scheduler.plateau() ? scheduler.plateau()->state_dict()
                             : scheduler.scheduler()->state_dict();
}

void LRScheduler::load_state_dict(const StateDict& state) {
  scheduler.plateau() ? scheduler.plateau()->load_state_dict(state)
                      : scheduler.scheduler()->load_state_dict(state);
}

}  // namespace reel::train
