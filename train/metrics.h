#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::train {

/// What the accuracies can be told.
struct AccuracyOptions {
  std::optional<Size> ignore_index = {};  ///< samples of this class do not count
};

/// How many samples were right, of how many that count.
struct Hits {
  Size correct = 0;
  Size samples = 0;
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

/// A weighted mean of numbers that come one at a time.
class Mean {
 public:
  void add(double value, double weight = 1) {
    sum_ += value * weight;
    weight_ += weight;
  }
  /// The mean; NaN before the first number.
  double value() const { return sum_ / weight_; }
  double weight() const { return weight_; }
  void reset() { *this = Mean(); }

 private:
  double sum_ = 0;
  double weight_ = 0;
};

/// Counts how often samples of each class were taken for each class, batch by batch.
class REEL_API ConfusionMatrix {
 public:
  /// Throws `Error` unless `classes` is positive and there are no names or `classes` of them.
  explicit ConfusionMatrix(Size classes, std::vector<std::string> names = {});

  /// Counts a batch; shapes and errors as `accuracy`.
  void add(const Tensor& outputs, const Tensor& targets);

  Size classes() const { return classes_; }
  const std::vector<std::string>& names() const { return names_; }
  /// How many samples of class `truth` were taken for class `predicted`.
  Size count(Size truth, Size predicted) const;
  /// All samples counted.
  Size total() const;
  /// The share on the diagonal; 0 when nothing was counted.
  double accuracy() const;

  /// How many samples belong to this class.
  Size support(Size cls) const;
  /// Of the samples taken for this class, the share that belongs to it; 0 when none was taken for
  /// it.
  double precision(Size cls) const;
  /// Of the samples of this class, the share that was recognised; 0 when there was none.
  double recall(Size cls) const;
  /// The harmonic mean of precision and recall; 0 when both are.
  double f1(Size cls) const;

  /// A row a class with precision, recall, F1 and support, then the accuracy and the plain mean
  /// over the classes that occurred; ends in a line break. `width`: columns it may fill, as
  /// `terminal_width()` says them: long names are shortened ("ferre~"), and where that is not
  /// enough the last columns are left out; 0: as many as it takes. scikit-learn:
  /// `classification_report`.
  std::string per_class_table(int width = 0) const;
  /// The counts: a row a true class, a column a predicted one; ends in a line break. `width`:
  /// columns it may fill: long names are shortened, and columns that do not fit follow below; 0: as
  /// many as it takes.
  std::string table(int width = 0) const;

 private:
  Size classes_;
  std::vector<std::string> names_;
  std::vector<Size> counts_;  // [truth, predicted]
};

}  // namespace reel::train
