#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reel/train/any_optimizer.h"
#include "reel/train/callback.h"
#include "reel/train/data.h"
#include "reel/train/loss.h"
#include "reel/train/metrics/metric.h"
#include "reel/train/verbose.h"

namespace reel::train {

/// What a model is trained for. Follows `keras.Model.compile`.
///
/// The same metrics count the training and, after each epoch, the validation data: one of the
/// caller's holds afterwards what it counted last.
struct TrainerOptions {
  Loss loss = {};                    ///< cross-entropy from logits
  std::vector<Metric> metrics = {};  ///< unset: accuracy, where targets are classes
  AnyOptimizer optimizer = {};       ///< `optim::Adam` with lr 1e-3 unless given
  std::function<void(const std::string&)> on_warning = {};  ///< unset: printed on stderr
};

/// How one run of `Trainer::fit` goes. The defaults are those of Keras.
///
/// A `DataLoader` makes its batches by options of its own: beside one, `batch_size`, `shuffle`,
/// `drop_last` and `seed` are refused.
struct RunOptions {
  Size epochs = 1;                         ///< passes over the data
  std::optional<Size> batch_size = {};     ///< samples a step; unset: 32
  std::optional<bool> shuffle = {};        ///< a new order in each epoch; unset: true
  bool drop_last = false;                  ///< leave out a last batch of fewer samples
  std::optional<std::uint64_t> seed = {};  ///< of the orders; unset: `manual_seed` rules them
  Size initial_epoch = 0;                  ///< how many of `epochs` were done in an earlier run
  Data validation = {};                    ///< evaluated after each epoch
  std::vector<Callback> callbacks = {};    ///< called in this order
  Verbose verbose = Verbose::automatic;    ///< progress on stdout
};

/// `TrainerOptions` and `RunOptions` in one, for a model that is trained once: the same fields, to
/// which fit.cpp holds them.
struct FitOptions {
  Loss loss = {};                          ///< cross-entropy from logits
  std::vector<Metric> metrics = {};        ///< unset: accuracy, where targets are classes
  AnyOptimizer optimizer = {};             ///< `optim::Adam` with lr 1e-3 unless given
  Size epochs = 1;                         ///< passes over the data
  std::optional<Size> batch_size = {};     ///< samples a step; unset: 32
  std::optional<bool> shuffle = {};        ///< a new order in each epoch; unset: true
  bool drop_last = false;                  ///< leave out a last batch of fewer samples
  std::optional<std::uint64_t> seed = {};  ///< of the orders; unset: `manual_seed` rules them
  Size initial_epoch = 0;                  ///< how many of `epochs` were done in an earlier run
  Data validation = {};                    ///< evaluated after each epoch
  std::vector<Callback> callbacks = {};    ///< called in this order
  Verbose verbose = Verbose::automatic;    ///< progress on stdout
  std::function<void(const std::string&)> on_warning = {};  ///< unset: printed on stderr
};

/// How one pass of `Trainer::evaluate` goes.
struct PassOptions {
  std::optional<Size> batch_size = {};   ///< changes speed and memory, not the result; unset: 256
  Verbose verbose = Verbose::automatic;  ///< progress on stdout
};

/// `TrainerOptions` and `PassOptions` in one, for a model that is measured once.
struct EvaluateOptions {
  Loss loss =
      {};  ///< cross-entropy from logits; a model knows no loss: give the one `fit` was given
  std::vector<Metric> metrics = {};      ///< unset: accuracy, where targets are classes
  std::optional<Size> batch_size = {};   ///< changes speed and memory, not the result; unset: 256
  Verbose verbose = Verbose::automatic;  ///< progress on stdout
  std::function<void(const std::string&)> on_warning = {};  ///< unset: printed on stderr
};

/// What `predict` can be told.
struct PredictOptions {
  std::optional<Size> batch_size = {};  ///< changes speed and memory, not the result; unset: 256
};

}  // namespace reel::train
