#include "reel/train/detail/rates.h"

#include <fmt/format.h>

namespace reel::train::detail {

void log_rates(Run& run) {
  const optim::Optimizer& optimizer = run.optimizer();
  if (optimizer.num_groups() == 1) return run.log("lr", optimizer.lr());
  for (Size group = 0; group < optimizer.num_groups(); ++group) {
    run.log(fmt::format("lr.{}", group), optimizer.lr(group));
  }
}

}  // namespace reel::train::detail
