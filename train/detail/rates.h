#pragma once

// Internal: learning rates in the history.

#include "reel/train/run.h"

namespace reel::train::detail {

/// Logs the rate of the optimizer as "lr", or those of its groups as "lr.0", "lr.1", ...
void log_rates(Run& run);

}  // namespace reel::train::detail
