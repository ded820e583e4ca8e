#include "reel/datasets/csv_dataset.h"

#include "reel/base/fail.h"

namespace reel::datasets {
namespace {

constexpr const char* op = "CsvDataset";

void check_complete(const Column& column) {
  const Size missing = column.missing();
  check(missing == 0, op,
        "expected columns without missing values, got {} missing in \"{}\"\n"
        "help: fill them by SimpleImputer, or take the other rows",
        missing, column.name());
}

std::vector<std::string> feature_names_of(const Table& table, const CsvDatasetOptions& options) {
  check(table.contains(options.target), op,
        "expected a target that is a column, got \"{}\"\nhelp: there are {}", options.target,
        fmt::join(table.names(), ", "));
  if (!options.features.empty()) return options.features;
  return table.drop({options.target}).names();
}

TensorDataset<2> rows_of(const Table& table, const CsvDatasetOptions& options,
                         const std::vector<std::string>& features) {
  const Column& target = table[options.target];
  check_complete(target);
  for (const std::string& name : features) check_complete(table[name]);
  const Tensor& values = target.values();
  return TensorDataset{table.to_tensor(features),
                       values.dtype() == float64 ? values.to(float32) : values};
}

}  // namespace

CsvDataset::CsvDataset(const Table& table, const CsvDatasetOptions& options)
    : feature_names_(
          std::make_shared<const std::vector<std::string>>(feature_names_of(table, options))),
      class_names_(
          std::make_shared<const std::vector<std::string>>(table[options.target].categories())),
      rows_(rows_of(table, options, *feature_names_)) {}

}  // namespace reel::datasets
