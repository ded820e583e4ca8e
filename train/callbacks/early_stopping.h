#pragma once

#include <optional>
#include <string>

#include "reel/autograd/state_dict.h"
#include "reel/train/run.h"

namespace reel::train {

/// Stops a training whose loss no longer falls, or another number of which no longer gets better;
/// begins anew with each run of `fit`, unless a state was loaded for it. Follows
/// `keras.callbacks.EarlyStopping`, but that it goes back to the best epoch unless told not to.
///
/// **Example**
/// ```cpp
/// train::fit(model, train_set, {.epochs = 100, .validation = held_out,
///                               .callbacks = {train::EarlyStopping{.patience = 3}}});
/// ```
/// Throws `Error` for a negative `patience` or `min_delta`, and in the first epoch when there is no
/// number of the name in `monitor`, or nobody says whether it should rise or fall.
struct REEL_API EarlyStopping {
  Size patience = 3;         ///< epochs in a row without a better number before it stops
  double min_delta = 0;      ///< how much better a number must be to count
  bool restore_best = true;  ///< whether the model goes back to its best epoch at the end
  std::string monitor = {};  ///< unset: "val_loss", or "loss" where there is no validation
  /// Unset: false for losses and errors, true for accuracies, precision, recall and F1.
  std::optional<bool> higher_is_better = {};

  /// Forgets earlier runs.
  void fit_begin(Run& run);
  /// Looks at the number.
  void epoch_end(Run& run);
  /// Goes back to the best epoch.
  void fit_end(Run& run);

  /// `best`, `best_epoch` and `best_state.` with the model's names.
  StateDict state_dict() const;
  /// The next run goes on from there: give it the `.initial_epoch` too, from which epochs are
  /// counted. Throws `Error`, and changes nothing, when entries are missing or unknown.
  void load_state_dict(const StateDict& state);

  double best = 0;            ///< the best number seen, 0 before the first epoch
  Size best_epoch = 0;        ///< where it was seen, 0 before the first epoch
  StateDict best_state = {};  ///< copies of the model's tensors there
  bool resumed = false;       ///< whether the next run goes on from a loaded state
};

}  // namespace reel::train
