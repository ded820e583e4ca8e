#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/train/metrics/confusion_matrix.h"

namespace reel::train {

/// How the numbers of the classes become one.
enum class Average {
  macro,  ///< their plain mean, over the classes that are some sample's truth or prediction
  micro,  ///< all samples counted alike: of one class a sample, the accuracy
};

namespace detail {

/// Counts for metrics of single classes. `op`: whose.
REEL_API void count_classes(const char* op, std::optional<ConfusionMatrix>& counts,
                            const Tensor& outputs, const Tensor& targets);
REEL_API double averaged(const std::optional<ConfusionMatrix>& counts, Average average,
                         double (ConfusionMatrix::*of_class)(Size) const);
REEL_API std::vector<double> of_each(const std::optional<ConfusionMatrix>& counts,
                                     double (ConfusionMatrix::*of_class)(Size) const);

}  // namespace detail

/// Of the samples taken for a class, the share that belongs to it; 0 where none was taken for it.
/// Shapes and errors as `accuracy`; the number of classes may not change between batches. Follows
/// `sklearn.metrics.precision_score`.
struct Precision {
  Average average = Average::macro;            ///< how `value` sums up the classes
  std::optional<ConfusionMatrix> counts = {};  ///< all samples since `reset`

  /// Counts a batch.
  void update(const Tensor& outputs, const Tensor& targets) {
    detail::count_classes("precision", counts, outputs, targets);
  }
  /// The numbers of the classes as one, by `average`; NaN before the first batch.
  double value() const { return detail::averaged(counts, average, &ConfusionMatrix::precision); }
  /// One for each class; none before the first batch.
  std::vector<double> per_class() const {
    return detail::of_each(counts, &ConfusionMatrix::precision);
  }
  /// Forgets all batches.
  void reset() { counts.reset(); }
  /// "precision".
  std::string name() const { return "precision"; }
};

/// Of the samples of a class, the share that was recognised; 0 where there was none. Shapes and
/// errors as `accuracy`; the number of classes may not change between batches. Follows
/// `sklearn.metrics.recall_score`.
struct Recall {
  Average average = Average::macro;            ///< how `value` sums up the classes
  std::optional<ConfusionMatrix> counts = {};  ///< all samples since `reset`

  /// Counts a batch.
  void update(const Tensor& outputs, const Tensor& targets) {
    detail::count_classes("recall", counts, outputs, targets);
  }
  /// The numbers of the classes as one, by `average`; NaN before the first batch.
  double value() const { return detail::averaged(counts, average, &ConfusionMatrix::recall); }
  /// One for each class; none before the first batch.
  std::vector<double> per_class() const {
    return detail::of_each(counts, &ConfusionMatrix::recall);
  }
  /// Forgets all batches.
  void reset() { counts.reset(); }
  /// "recall".
  std::string name() const { return "recall"; }
};

/// The harmonic mean of a class's precision and recall; 0 when both are. Shapes and errors as
/// `accuracy`; the number of classes may not change between batches. Follows
/// `sklearn.metrics.f1_score`.
struct F1Score {
  Average average = Average::macro;            ///< how `value` sums up the classes
  std::optional<ConfusionMatrix> counts = {};  ///< all samples since `reset`

  /// Counts a batch.
  void update(const Tensor& outputs, const Tensor& targets) {
    detail::count_classes("f1_score", counts, outputs, targets);
  }
  /// The numbers of the classes as one, by `average`; NaN before the first batch.
  double value() const { return detail::averaged(counts, average, &ConfusionMatrix::f1); }
  /// One for each class; none before the first batch.
  std::vector<double> per_class() const { return detail::of_each(counts, &ConfusionMatrix::f1); }
  /// Forgets all batches.
  void reset() { counts.reset(); }
  /// "f1_score".
  std::string name() const { return "f1_score"; }
};

}  // namespace reel::train
