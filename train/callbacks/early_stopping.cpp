#include "reel/train/callbacks/early_stopping.h"

#include <cmath>
#include <string_view>
#include <utility>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/train/detail/best.h"
#include "reel/train/detail/monitor.h"

namespace reel::train {
namespace {

constexpr const char* op = "EarlyStopping";
constexpr std::string_view of_best = "best_state.";

}  // namespace

void EarlyStopping::fit_begin(Run&) {
  check(patience >= 0, op, "expected patience >= 0, got {}", patience);
  check(std::isfinite(min_delta) && min_delta >= 0, op,
        "expected a finite min_delta of at least 0, got {}", min_delta);
  if (std::exchange(resumed, false)) return;
  best = 0;
  best_epoch = 0;
  best_state = {};
}

void EarlyStopping::epoch_end(Run& run) {
  const detail::Monitored now = detail::monitored(op, run, monitor, higher_is_better);
  if (best_epoch == 0 || now.better_than(best, min_delta)) {
    best = now.value;
    best_epoch = run.epoch();
    if (!restore_best) return;
    best_state = {};
    for (const auto& [key, tensor] : run.state_dict()) best_state[key] = tensor.detach().clone();
  } else if (run.epoch() - best_epoch >= patience) {
    run.stop(fmt::format("{} has not got better in {} epochs, since {:.4g} in epoch {}", now.name,
                         run.epoch() - best_epoch, best, best_epoch));
  }
}

void EarlyStopping::fit_end(Run& run) {
  if (!restore_best || best_epoch == 0 || best_epoch == run.epoch()) return;
  const NoGradGuard no_grad;
  for (auto& [name, tensor] : run.state_dict()) Tensor(tensor).copy_(best_state.at(name));
}

StateDict EarlyStopping::state_dict() const {
  StateDict state = detail::state_of_best(best, best_epoch);
  for (const auto& [name, tensor] : best_state) state[std::string(of_best) + name] = tensor;
  return state;
}

void EarlyStopping::load_state_dict(const StateDict& state) {
  StateDict numbers, tensors;
  for (const auto& [name, tensor] : state) {
    const bool of_model = name.starts_with(of_best);
    (of_model ? tensors[name.substr(of_best.size())] : numbers[name]) = tensor;
  }
  const auto [its_best, its_epoch] = detail::best_of_state(op, numbers);
  check(!restore_best || its_epoch == 0 || !tensors.empty(), "load_state_dict",
        "expected entries \"{}...\" to which .restore_best could go back, got none", of_best);
  best = its_best;
  best_epoch = its_epoch;
  best_state = restore_best ? tensors : StateDict();
  resumed = true;
}

}  // namespace reel::train
