#pragma once

#include <string>

#include "reel/train/run.h"

namespace reel::train {

/// Writes the history into a file of comma-separated values: a row an epoch, "epoch" the first
/// column. It is written anew, as a whole, after each epoch: whoever reads it never sees half a
/// row. Follows `keras.callbacks.CSVLogger`.
///
/// **Example** `.callbacks = {train::CSVLogger{.filename = "log.csv"}}`
///
/// Names that hold a separator or a quote are quoted, as RFC 4180 says. What callbacks after it log
/// in `epoch_end` comes too late: list it last. Throws `Error` before the first epoch when the file
/// cannot be written, and for a separator that may stand in a number.
struct REEL_API CSVLogger {
  std::string filename;
  char separator = ',';

  void fit_begin(Run& run);
  void epoch_end(Run& run);
};

}  // namespace reel::train
