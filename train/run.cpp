#include "reel/train/run.h"

#include <utility>

#include "reel/base/fail.h"
#include "reel/train/detail/checks.h"
#include "reel/train/detail/score.h"
#include "reel/train/model.h"

namespace reel::train {

Run::Run(detail::AnyModel& model, optim::Optimizer& optimizer, const detail::Score& score,
         Size epochs_done, Size epochs)
    : model_(model),
      optimizer_(optimizer),
      score_(score),
      epoch_(epochs_done),
      epochs_(epochs),
      history_(epochs_done + 1),
      parameters_(detail::trained_parameters(optimizer, model.parameters())) {}

void Run::begin_epoch(Size steps) {
  ++epoch_;
  step_ = 0;
  steps_ = steps;
  loss_ = 0;
  measured_.reset();
  logged_ = {};
  began_ = Clock::now();
  seconds_.reset();
  // Anew in each epoch: a callback may have added a group.
  parameters_ = detail::trained_parameters(optimizer_, model_.parameters());
}

Size Run::steps_done() const {
  const Size epochs_before = epoch_ > 0 ? epoch_ - 1 : 0;
  return epochs_before * steps_ + (step_ > 0 ? step_ - 1 : 0);
}

double Run::seconds() const {
  return seconds_.value_or(std::chrono::duration<double>(Clock::now() - began_).count());
}

Figures Run::figures() const {
  Figures all = measured_ ? *measured_ : score_.figures();
  for (const Figure& figure : logged_) all.set(figure.name, figure.value);
  return all;
}

void Run::log(std::string_view name, double value) {
  check(!name.empty() && name != "seconds" && !score_.uses(name) && !name.starts_with("val_"),
        "log", "expected a name that fit does not use itself, got \"{}\"", name);
  logged_.set(name, value);
  if (measured_) history_.set(name, value);
}

StateDict Run::state_dict() const { return model_.state_dict(); }

void Run::stop(std::string reason) {
  if (std::exchange(stopped_, true)) return;  // the first has ended it
  stop_reason_ = std::move(reason);
}

}  // namespace reel::train
