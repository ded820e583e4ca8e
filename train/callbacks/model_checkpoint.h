#pragma once

#include <optional>
#include <string>

#include "reel/autograd/state_dict.h"
#include "reel/train/run.h"

namespace reel::train {

/// Writes the model's parameters and buffers into a file after epochs, by `io::save`: a kill while
/// it writes leaves the file before. Begins anew with each run of `fit`, unless a state was loaded
/// for it. Follows `keras.callbacks.ModelCheckpoint` with `save_weights_only`.
///
/// **Example**
/// ```cpp
/// train::ModelCheckpoint best{.filename = "best.safetensors", .save_best_only = true};
/// train::fit(model, train_set, {.epochs = 20, .validation = held_out, .callbacks = {best}});
/// io::load(model, best.last_file);
/// ```
/// Throws `Error` before the first epoch for a `save_freq` below 1 and where the file cannot be
/// written; after an epoch when `io::save` does, and with `save_best_only` when there is no number
/// of the name in `monitor`, or nobody says whether it should rise or fall.
struct REEL_API ModelCheckpoint {
  /// `{epoch}` in it becomes the epoch's number; its ending chooses the format.
  std::string filename;
  Size save_freq = 1;           ///< writes after epochs that are a multiple of this
  bool save_best_only = false;  ///< writes only where the number is the best so far
  std::string monitor = {};     ///< unset: "val_loss", or "loss" where there is no validation
  /// Unset: false for losses and errors, true for accuracies, precision, recall and F1.
  std::optional<bool> higher_is_better = {};

  /// Looks at the options and whether the file can be written.
  void fit_begin(Run& run);
  /// Writes, where it is time.
  void epoch_end(Run& run);

  /// `best` and `best_epoch`.
  StateDict state_dict() const;
  /// The next run goes on from there. Throws `Error`, and changes nothing, when entries are missing
  /// or unknown.
  void load_state_dict(const StateDict& state);

  double best = 0;             ///< with `save_best_only` the best number seen, 0 before the first
  Size best_epoch = 0;         ///< where it was seen, 0 before the first
  std::string last_file = {};  ///< what was written last
  bool resumed = false;        ///< whether the next run goes on from a loaded state
};

}  // namespace reel::train
