#pragma once

namespace reel::train {

/// How a run tells what it does.
enum class Verbose {
  none,       ///< nothing
  lines,      ///< a line for each epoch, and now and then one inside a long epoch
  bar,        ///< one line, redrawn
  automatic,  ///< `bar` on a terminal, `lines` in a pipe or file
};

}  // namespace reel::train
