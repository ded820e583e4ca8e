#pragma once

#include <string>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::train {

/// Counts how often samples of each class were taken for each class, batch by batch.
class REEL_API ConfusionMatrix {
 public:
  /// Throws `Error` unless `classes` is positive and there are no names or `classes` of them.
  explicit ConfusionMatrix(Size classes, std::vector<std::string> names = {});

  /// Counts a batch; shapes and errors as `accuracy`.
  void add(const Tensor& outputs, const Tensor& targets);

  /// How many classes there are.
  Size classes() const { return classes_; }
  /// What tables call the classes: their numbers unless names were given.
  const std::vector<std::string>& names() const { return names_; }
  /// How many samples of class `truth` were taken for class `predicted`.
  Size count(Size truth, Size predicted) const;
  /// All samples counted.
  Size total() const;
  /// The share on the diagonal; 0 when nothing was counted.
  double accuracy() const;

  /// How many samples belong to this class.
  Size support(Size cls) const;
  /// Whether it is some sample's class, or was taken for one's.
  bool occurs(Size cls) const { return support(cls) > 0 || taken(cls) > 0; }
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
  /// How many samples were taken for this class.
  Size taken(Size cls) const;

  Size classes_;
  std::vector<std::string> names_;
  std::vector<Size> counts_;  // [truth, predicted]
};

}  // namespace reel::train
