#pragma once

// Internal: the number by which epochs are told better or worse.

#include <optional>
#include <string>

#include "reel/train/run.h"

namespace reel::train::detail {

/// A number of an epoch, and which way it should go.
struct Monitored {
  std::string name;
  double value;
  bool should_rise;

  /// Whether it is better than `best` by more than `min_delta`; any number is better than NaN.
  bool better_than(double best, double min_delta = 0) const;
};

/// The number called `monitor`, or unless there is a name "val_loss", or without validation "loss".
/// Throws in the name of `op` when there is none of that name.
Figure monitored_figure(const char* op, const Run& run, const std::string& monitor);

/// The same, with the way it should go. Throws when nobody says which.
Monitored monitored(const char* op, const Run& run, const std::string& monitor,
                    std::optional<bool> higher_is_better);

}  // namespace reel::train::detail
