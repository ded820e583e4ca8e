#pragma once

// Internal: the best number of a run in a state dict.

#include <utility>

#include "reel/autograd/state_dict.h"

namespace reel::train::detail {

/// `best` and `best_epoch` as 0-d float64 tensors.
StateDict state_of_best(double best, Size best_epoch);

/// Both again. Throws in the name of load_state_dict when one is missing, or another is there.
std::pair<double, Size> best_of_state(const char* callback, const StateDict& state);

}  // namespace reel::train::detail
