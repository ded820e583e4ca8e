#include "reel/train/callbacks/model_checkpoint.h"

#include <string_view>
#include <tuple>
#include <utility>

#include "reel/base/detail/file.h"
#include "reel/base/fail.h"
#include "reel/io/save.h"
#include "reel/train/detail/best.h"
#include "reel/train/detail/monitor.h"

namespace reel::train {
namespace {

constexpr const char* op = "ModelCheckpoint";

/// The name of an epoch's file.
std::string named(std::string filename, Size epoch) {
  constexpr std::string_view place = "{epoch}";
  for (std::size_t at = 0; (at = filename.find(place, at)) != std::string::npos;) {
    filename.replace(at, place.size(), std::to_string(epoch));
  }
  return filename;
}

}  // namespace

void ModelCheckpoint::fit_begin(Run& run) {
  check(save_freq > 0, op, "expected save_freq > 0, got {}", save_freq);
  const reel::detail::OutputFile trial(op, named(filename, run.epoch() + 1));
  if (std::exchange(resumed, false)) return;
  best = 0;
  best_epoch = 0;
}

void ModelCheckpoint::epoch_end(Run& run) {
  if (run.epoch() % save_freq != 0) return;
  if (save_best_only) {
    const detail::Monitored now = detail::monitored(op, run, monitor, higher_is_better);
    if (best_epoch != 0 && !now.better_than(best)) return;
    best = now.value;
    best_epoch = run.epoch();
  }
  last_file = named(filename, run.epoch());
  io::save(run.state_dict(), last_file);
}

StateDict ModelCheckpoint::state_dict() const { return detail::state_of_best(best, best_epoch); }

void ModelCheckpoint::load_state_dict(const StateDict& state) {
  std::tie(best, best_epoch) = detail::best_of_state(op, state);
  resumed = true;
}

}  // namespace reel::train
