#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "reel/train/figures.h"

namespace reel::train {

/// What happened in a training: a series of numbers under each name, an entry an epoch. Follows
/// `keras.callbacks.History`.
///
/// `fit` writes "loss", then the metrics, "accuracy" unless others were chosen, the same of the
/// validation data as "val_loss", ..., what callbacks logged, and "seconds", of the training steps.
///
/// **Example**
/// ```cpp
/// const auto history = train::fit(model, train_set, {.epochs = 5, .validation = held_out});
/// std::cout << history;
/// const double last = history["val_loss"].back();
/// ```
class REEL_API History {
 public:
  /// Of no epoch. `first_epoch`: what the first to come is counted as.
  explicit History(Size first_epoch = 1) : first_epoch_(first_epoch) {}

  /// One entry for each epoch, NaN where the epoch had none. Throws
  /// `[History] expected one of "loss", "accuracy", got "acuracy"`.
  const std::vector<double>& operator[](std::string_view name) const;
  /// Whether there is a series of that name.
  bool contains(std::string_view name) const;
  /// In the order in which they came.
  std::vector<std::string> names() const;
  /// How many epochs there are entries of.
  Size epochs() const { return epochs_; }
  /// As what the first of them is counted.
  Size first_epoch() const { return first_epoch_; }

  /// Adds an epoch.
  void append(const Figures& epoch);
  /// Adds a number to the last epoch, or replaces it. Throws before the first.
  void set(std::string_view name, double value);

 private:
  struct Series {
    std::string name;
    std::vector<double> values;
  };
  Series& series_of(std::string_view name);

  Size first_epoch_;
  Size epochs_ = 0;
  std::vector<Series> series_;
};

/// As a table: a row an epoch, a column a series; ends in a line break.
REEL_API std::ostream& operator<<(std::ostream& out, const History& history);

}  // namespace reel::train
