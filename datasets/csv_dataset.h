#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reel/datasets/csv.h"
#include "reel/datasets/dataset.h"
#include "reel/datasets/table.h"

namespace reel::datasets {

/// Which columns of a table a `CsvDataset` hands out.
struct CsvDatasetOptions {
  /// The column that is to be told from the others.
  std::string target = {};
  /// The columns that it is told from. Empty: all but the target.
  std::vector<std::string> features = {};
  /// How the file is read.
  ReadCsvOptions csv = {};
};

/// The rows of a table: samples are features, float32 `[F]`, and a target, int64 for integers and
/// words (their places in `class_names()`), float32 for other numbers. A handle.
///
/// **Example**
/// ```cpp
/// const CsvDataset wines{"winequality-red.csv", {.target = "quality", .csv = {.delimiter = ';'}}};
/// auto [features, quality] = wines.get(0);
/// ```
/// Throws `Error` for columns that are not there, features that are words, and missing values:
/// encoders and imputers mend these.
class REEL_API CsvDataset {
 public:
  /// The rows of a table; `options.csv` says nothing here.
  explicit CsvDataset(const Table& table, const CsvDatasetOptions& options);
  /// The rows of a file. Throws as `read_csv` does too.
  explicit CsvDataset(const std::string& path, const CsvDatasetOptions& options)
      : CsvDataset(read_csv(path, options.csv), options) {}

  /// The number of rows.
  Size size() const { return rows_.size(); }
  /// All features, float32 `[N, F]`.
  const Tensor& features() const { return rows_.tensors()[0]; }
  /// All targets, int64 or float32 `[N]`.
  const Tensor& targets() const { return rows_.tensors()[1]; }
  /// The columns that the numbers of a sample come from, in their order.
  const std::vector<std::string>& feature_names() const { return *feature_names_; }
  /// The words that targets stand for; none where they are numbers.
  const std::vector<std::string>& class_names() const { return *class_names_; }

  /// Row `index`: features float32 `[F]`, target `[]`. Throws `Error` for an index out of range.
  std::array<Tensor, 2> get(Size index) const { return rows_.get(index); }
  /// Rows as a batch: features float32 `[B, F]`, targets `[B]`. Throws `Error` for an index out of
  /// range.
  std::array<Tensor, 2> batch(std::span<const Size> indices) const { return rows_.batch(indices); }

 private:
  std::shared_ptr<const std::vector<std::string>> feature_names_, class_names_;
  TensorDataset<2> rows_;
};

}  // namespace reel::datasets
