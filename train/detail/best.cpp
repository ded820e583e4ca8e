#include "reel/train/detail/best.h"

#include "reel/optim/lr_scheduler/scheduler.h"

namespace reel::train::detail {
namespace {

std::vector<optim::detail::SchedulerNumber> numbers(double best, Size best_epoch) {
  return {{"best", best}, {"best_epoch", static_cast<double>(best_epoch), true}};
}

}  // namespace

StateDict state_of_best(double best, Size best_epoch) {
  return optim::detail::state_of(numbers(best, best_epoch));
}

std::pair<double, Size> best_of_state(const char* callback, const StateDict& state) {
  const std::vector<double> values = optim::detail::read_numbers(callback, state, numbers(0, 0));
  return {values[0], static_cast<Size>(values[1])};
}

}  // namespace reel::train::detail
