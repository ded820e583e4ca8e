#pragma once

#include <optional>
#include <string>

#include "reel/autograd/tensor.h"

namespace reel::train {

// ---- of one batch

/// What the accuracies can be told.
struct AccuracyOptions {
  std::optional<Size> ignore_index = {};  ///< samples of this class do not count
};

/// How many samples were right, of how many that count.
struct Hits {
  Size correct = 0;  ///< of these
  Size samples = 0;  ///< without those of `ignore_index`

  /// The share that was right; NaN of no samples.
  double share() const { return static_cast<double>(correct) / static_cast<double>(samples); }
  /// Adds what another batch gave.
  Hits& operator+=(const Hits& other) {
    correct += other.correct;
    samples += other.samples;
    return *this;
  }
};

/// The share of samples whose largest output stands at the true class.
///
/// `outputs`: logits or probabilities `[N, C]`, or `[N, C, ...]` with classes along dimension 1, as
/// `nn::cross_entropy` takes them. `targets`: class indices `[N]` or `[N, ...]` (any integer
/// dtype), or probabilities or one-hot rows in the shape of `outputs`. Among equal outputs the
/// first counts; NaN counts as the largest, as in `argmax`. Nothing is recorded.
///
/// Throws `Error` when shapes do not match, when there is no sample, and when a class index is not
/// in `[0, C)`. Keras: `CategoricalAccuracy`, `SparseCategoricalAccuracy`.
REEL_API double accuracy(const Tensor& outputs, const Tensor& targets,
                         const AccuracyOptions& options = {});

/// The share of samples whose true class is among the `k` largest outputs; a tie counts as a hit.
/// Shapes and errors as `accuracy`; throws also unless `k` is in `[1, C]`.
REEL_API double top_k_accuracy(const Tensor& outputs, const Tensor& targets, Size k = 5,
                               const AccuracyOptions& options = {});

/// The numbers behind `accuracy`, to be added up over batches; no samples are no error here.
REEL_API Hits count_correct(const Tensor& outputs, const Tensor& targets,
                            const AccuracyOptions& options = {});

/// The numbers behind `top_k_accuracy`, to be added up over batches; no samples are no error here.
REEL_API Hits count_correct_top_k(const Tensor& outputs, const Tensor& targets, Size k = 5,
                                  const AccuracyOptions& options = {});

// ---- over many: metrics

/// The share of samples whose largest output stands at the true class. Shapes and errors as
/// `accuracy`. Follows `keras.metrics.CategoricalAccuracy` and `SparseCategoricalAccuracy`.
///
/// **Example**
/// ```cpp
/// train::Accuracy accuracy;
/// for (auto [images, labels] : loader) accuracy.update(net(images), labels);
/// fmt::print("{:.4f}\n", accuracy.value());
/// ```
struct Accuracy {
  std::optional<Size> ignore_index = {};  ///< samples of this class do not count
  Hits hits = {};                         ///< what was counted since `reset`

  /// Counts a batch.
  void update(const Tensor& outputs, const Tensor& targets) {
    hits += count_correct(outputs, targets, {.ignore_index = ignore_index});
  }
  /// The share that was right since `reset`; NaN where nothing was counted.
  double value() const { return hits.share(); }
  /// Forgets all batches.
  void reset() { hits = {}; }
  /// "accuracy".
  std::string name() const { return "accuracy"; }
};

/// The share of samples whose true class is among the `k` largest outputs. Shapes and errors as
/// `top_k_accuracy`. Follows `keras.metrics.TopKCategoricalAccuracy` and its sparse sister.
struct TopKAccuracy {
  Size k = 5;                             ///< in `[1, C]`
  std::optional<Size> ignore_index = {};  ///< samples of this class do not count
  Hits hits = {};                         ///< what was counted since `reset`

  /// Counts a batch.
  void update(const Tensor& outputs, const Tensor& targets) {
    hits += count_correct_top_k(outputs, targets, k, {.ignore_index = ignore_index});
  }
  /// The share that was right since `reset`; NaN where nothing was counted.
  double value() const { return hits.share(); }
  /// Forgets all batches.
  void reset() { hits = {}; }
  /// As "top_5_accuracy".
  std::string name() const { return "top_" + std::to_string(k) + "_accuracy"; }
};

/// The share of answers, yes or no, that are right: `outputs` above `threshold` mean yes, `targets`
/// in their shape hold 1 for yes and 0 for no. Follows `keras.metrics.BinaryAccuracy`;
/// `from_logits` is that of Keras' losses.
///
/// `update` throws `Error` unless both have one shape, for targets other than 0 and 1, for a
/// threshold outside [0, 1], and for outputs outside it where `from_logits` is false.
struct REEL_API BinaryAccuracy {
  double threshold = 0.5;    ///< of probabilities, also where logits are given
  bool from_logits = false;  ///< true where the loss is `nn::BCEWithLogitsLoss`
  Hits hits = {};            ///< what was counted since `reset`

  /// Counts a batch.
  void update(const Tensor& outputs, const Tensor& targets);
  /// The share that was right since `reset`; NaN where nothing was counted.
  double value() const { return hits.share(); }
  /// Forgets all batches.
  void reset() { hits = {}; }
  /// "binary_accuracy".
  std::string name() const { return "binary_accuracy"; }
};

}  // namespace reel::train
