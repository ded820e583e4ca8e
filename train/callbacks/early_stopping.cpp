#include "reel/train/callbacks/early_stopping.h"

#include <cmath>
#include <string_view>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/train/detail/names.h"

namespace reel::train {
namespace {

bool should_rise(const std::string& name) {
  const auto speaks_of = [&](std::string_view word) {
    return name.find(word) != std::string::npos;
  };
  for (const char* word : {"accuracy", "precision", "recall", "f1"}) {
    if (speaks_of(word)) return true;
  }
  check(speaks_of("loss") || speaks_of("error"), "EarlyStopping",
        "expected .higher_is_better for \"{}\", of which only its author knows", name);
  return false;
}

}  // namespace

void EarlyStopping::fit_begin(Run&) {
  check(patience >= 0, "EarlyStopping", "expected patience >= 0, got {}", patience);
  check(std::isfinite(min_delta) && min_delta >= 0, "EarlyStopping",
        "expected a finite min_delta of at least 0, got {}", min_delta);
  best = 0;
  best_epoch = 0;
  best_state = {};
}

void EarlyStopping::epoch_end(Run& run) {
  const Figures figures = run.figures();
  const std::string name = !monitor.empty()               ? monitor
                           : figures.contains("val_loss") ? "val_loss"
                                                          : "loss";
  if (!figures.contains(name)) detail::fail_unknown("EarlyStopping", figures, name);
  const double now = figures[name];
  const bool rise = higher_is_better ? *higher_is_better : should_rise(name);
  const bool better = rise ? now > best + min_delta : now < best - min_delta;
  if (best_epoch == 0 || (std::isnan(best) && !std::isnan(now)) || better) {
    best = now;
    best_epoch = run.epoch();
    if (!restore_best) return;
    best_state = {};
    for (const auto& [key, tensor] : run.state_dict()) best_state[key] = tensor.detach().clone();
  } else if (run.epoch() - best_epoch >= patience) {
    run.stop(fmt::format("{} has not got better in {} epochs, since {:.4g} in epoch {}", name,
                         run.epoch() - best_epoch, best, best_epoch));
  }
}

void EarlyStopping::fit_end(Run& run) {
  if (!restore_best || best_epoch == 0 || best_epoch == run.epoch()) return;
  const NoGradGuard no_grad;
  for (auto& [name, tensor] : run.state_dict()) Tensor(tensor).copy_(best_state.at(name));
}

}  // namespace reel::train
