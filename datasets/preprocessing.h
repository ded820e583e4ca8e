#pragma once

/// @file
/// What tables need before a network takes them. Everything is fitted on training data by its
/// constructor and then applied to any rows, so that nothing of the test data leaks into training.
/// Classes and rules are scikit-learn's, options have shorter names.

#include <string>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/datasets/table.h"

namespace reel::datasets {

/// Columns minus their means, divided by their standard deviations (those of the whole population,
/// as NumPy's). Follows `sklearn.preprocessing.StandardScaler`.
///
/// **Example**
/// ```cpp
/// const StandardScaler scaler(train_features);                     // [N, F]
/// auto [x, x_test] = std::pair{scaler(train_features), scaler(test_features)};
/// Tensor back = scaler.inverse(x);
/// ```
/// A constant column becomes 0. NaN, a missing value, is left out of the fit and stays NaN. Throws
/// `Error` unless features are floating `[N, F]`, N at least 1, with the F of the fit.
class REEL_API StandardScaler {
 public:
  /// Fits `features`: finds the mean and deviation of each column.
  explicit StandardScaler(const Tensor& features);
  /// Scaled features, of the dtype of `features`.
  Tensor operator()(const Tensor& features) const;
  /// What was scaled.
  Tensor inverse(const Tensor& scaled) const;
  /// float64 `[F]`.
  const Tensor& mean() const { return mean_; }
  /// float64 `[F]`; 1 for a constant column.
  const Tensor& scale() const { return scale_; }

 private:
  Tensor mean_, scale_;
};

/// How a `MinMaxScaler` scales.
struct MinMaxScalerOptions {
  double min = 0;  ///< what the smallest value of a column becomes
  double max = 1;  ///< what the largest becomes
  /// Whether later values beyond those of the fit are held to [min, max].
  bool clip = false;
};

/// Columns stretched so that their values in the fit lie in [min, max]. Follows
/// `sklearn.preprocessing.MinMaxScaler`. Else as `StandardScaler`; a constant column becomes `min`.
class REEL_API MinMaxScaler {
 public:
  /// Fits `features`: finds the least and largest value of each column. Throws also unless
  /// `min < max`.
  explicit MinMaxScaler(const Tensor& features, const MinMaxScalerOptions& options = {});
  /// Scaled features, of the dtype of `features`.
  Tensor operator()(const Tensor& features) const;
  /// What was scaled, but for what `clip` cut off.
  Tensor inverse(const Tensor& scaled) const;

 private:
  Tensor low_, scale_;
  MinMaxScalerOptions options_;
};

/// How a `RobustScaler` scales.
struct RobustScalerOptions {
  double low = 25;   ///< the percentile whose distance from `high` becomes 1
  double high = 75;  ///< a percentile too
};

/// Columns minus their medians, divided by the distance of two percentiles, which a few wild values
/// do not move. Follows `sklearn.preprocessing.RobustScaler`. Else as `StandardScaler`.
class REEL_API RobustScaler {
 public:
  /// Fits `features`: finds three percentiles of each column, between two values in proportion, as
  /// `numpy.percentile`. Throws also unless `0 <= low < high <= 100`.
  explicit RobustScaler(const Tensor& features, const RobustScalerOptions& options = {});
  /// Scaled features, of the dtype of `features`.
  Tensor operator()(const Tensor& features) const;
  /// What was scaled.
  Tensor inverse(const Tensor& scaled) const;

 private:
  Tensor median_, scale_;
};

/// What a missing value becomes.
enum class Fill { mean, median, most_frequent, constant };

/// How a `SimpleImputer` fills.
struct SimpleImputerOptions {
  Fill fill = Fill::mean;  ///< which number of a column
  double constant = 0;     ///< with `Fill::constant`
};

/// Missing values (NaN) of columns filled by what the fit says. Follows
/// `sklearn.impute.SimpleImputer`; of values equally frequent the smallest counts.
///
/// Throws `Error` unless features are floating `[N, F]` with the F of the fit, and when a column of
/// the fit has nothing but missing values, unless they become a constant.
class REEL_API SimpleImputer {
 public:
  /// Fits `features`: finds what stands for a missing value in each column.
  explicit SimpleImputer(const Tensor& features, const SimpleImputerOptions& options = {});
  /// `features` without NaN, of their dtype.
  Tensor operator()(const Tensor& features) const;
  /// What stands for a missing value, float64 `[F]`.
  const Tensor& values() const { return values_; }

 private:
  Tensor values_;
};

/// What an encoder does with a word that the fit did not have, or a missing one.
enum class Unknown {
  error,   ///< throws
  ignore,  ///< `OneHotEncoder`: zeros; `OrdinalEncoder`: NaN
};

/// How `OneHotEncoder` and `OrdinalEncoder` encode.
struct EncoderOptions {
  Unknown unknown = Unknown::error;  ///< what a word outside the fit becomes
};

/// Columns of words as columns of zeros and ones, one a word: `[N, W]` float32. Numbers count as
/// their texts. Follows `sklearn.preprocessing.OneHotEncoder`.
///
/// **Example**
/// ```cpp
/// const OneHotEncoder encoder(train.select({"ocean_proximity"}));
/// Tensor near = encoder(test.select({"ocean_proximity"}));         // [N, 5]
/// ```
/// Throws `Error` for a table without the columns of the fit, and for words that the fit did not
/// have, unless told to ignore them.
class REEL_API OneHotEncoder {
 public:
  /// Fits all columns of `table`: finds their words, sorted, numbers by their size. A missing value
  /// is no word.
  explicit OneHotEncoder(const Table& table, const EncoderOptions& options = {});
  /// The fit's columns of `table`, found by their names, as `[N, W]` float32.
  Tensor operator()(const Table& table) const;
  /// What the columns of the result stand for: "ocean_proximity=INLAND" and so on.
  std::vector<std::string> names() const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> words_;
  EncoderOptions options_;
};

/// Columns of words as their places in the sorted list of the fit's words: `[N, columns]` float32.
/// Follows `sklearn.preprocessing.OrdinalEncoder`. Else as `OneHotEncoder`.
class REEL_API OrdinalEncoder {
 public:
  /// Fits all columns of `table`, as `OneHotEncoder` does.
  explicit OrdinalEncoder(const Table& table, const EncoderOptions& options = {});
  /// The fit's columns of `table`, found by their names, as `[N, columns]` float32.
  Tensor operator()(const Table& table) const;
  /// The words of each column.
  const std::vector<std::vector<std::string>>& categories() const { return words_; }

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> words_;
  EncoderOptions options_;
};

}  // namespace reel::datasets
