#pragma once

#include <string>

#include "reel/base/dtype.h"
#include "reel/base/export.h"
#include "reel/train/figures.h"

namespace reel::train {

/// Where a training run stands: all that a progress line is made from.
struct Progress {
  Size epoch = 1;        ///< counted from 1
  Size epochs = 1;       ///< 0 for a pass of its own, which then carries no "Epoch 1/5"
  Size step = 0;         ///< steps done in this epoch
  Size steps = 0;        ///< steps of a whole epoch; 0 where nobody knows
  double seconds = 0;    ///< since the epoch began
  Figures figures = {};  ///< means over the epoch so far
};

/// How a progress line may look.
struct ProgressLook {
  int width = 80;       ///< columns it may fill; what does not fit is left out, least needed first
  bool unicode = true;  ///< line-drawing characters; else ASCII
  bool color = false;   ///< ANSI colours for the bar
};

/// The line that is redrawn while an epoch runs:
/// `Epoch 2/5 ━━━━━━━━━╾──────  812/1875  loss 0.3712  accuracy 0.8655  54 us/step  0:09 left`;
/// less than a second left is not shown.
REEL_API std::string progress_line(const Progress& progress, const ProgressLook& look = {});

/// The line that stays when an epoch has ended, or that stands in a log file:
/// `Epoch 2/5  1875/1875  loss 0.3712  accuracy 0.8655  54 us/step  0.10 s`. `width`: columns it
/// may fill; what does not fit is left out, least needed first. 0: as many as it takes.
REEL_API std::string epoch_line(const Progress& progress, int width = 0);

/// A number of seconds as a person says it: "54 us", "3.2 ms", "0.10 s", "12.3 s", "1:05",
/// "2:03:04";
/// "?" for a negative number, infinity or NaN.
REEL_API std::string readable_seconds(double seconds);

}  // namespace reel::train
