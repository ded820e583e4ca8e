#pragma once

#include <string>

#include "reel/train/run.h"

namespace reel::train {

/// Writes the history into a file of comma-separated values: a row an epoch, "epoch" the first
/// column. It is written anew, as a whole, after each epoch: whoever reads it never sees half a
/// row. With `append` the rows that were there stay, and those of this run follow. Follows
/// `keras.callbacks.CSVLogger`.
///
/// **Example** `.callbacks = {train::CSVLogger{.filename = "log.csv"}}`
///
/// Names that hold a separator or a quote are quoted, as RFC 4180 says. What callbacks after it log
/// in `epoch_end` comes too late: list it last. Throws `Error` before the first epoch when the file
/// cannot be written, and for a separator that may stand in a number; after an epoch when its row
/// cannot be written, or has other columns than the rows to which it would be appended.
struct REEL_API CSVLogger {
  std::string filename;  ///< is written over where it exists, unless `append`
  char separator = ',';  ///< what stands between two values
  bool append = false;   ///< whether to go on with a file, as a run that goes on after a break does

  /// Looks whether the file can be written, and at what it holds.
  void fit_begin(Run& run);
  /// Writes the rows of all epochs so far.
  void epoch_end(Run& run);

  std::string earlier = {};  ///< what the file held before this run, with `append`
};

}  // namespace reel::train
