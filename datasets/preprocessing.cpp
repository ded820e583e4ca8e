#include "reel/datasets/preprocessing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"

namespace reel::datasets {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void check_features(const char* op, const Tensor& features) {
  check(features.dim() == 2 && features.is_floating_point(), op,
        "expected floating features [N, F], got {} {}", features.dtype(), features.shape());
}

void check_fit(const char* op, const Tensor& features) {
  check_features(op, features);
  check(features.size(0) >= 1, op, "expected at least one row to fit, got {}", features.shape());
}

void check_like_fit(const char* op, const Tensor& features, const Tensor& fitted) {
  check_features(op, features);
  check(features.size(1) == fitted.size(0), op, "expected {} features, as in the fit, got {}",
        fitted.size(0), features.shape());
}

/// One number of each column: `f(values)` of those that are not missing.
Tensor of_columns(const Tensor& features, auto&& f) {
  const Tensor columns = features.detach().to(float64).t().contiguous();
  const Tensor numbers = empty({columns.size(0)}, {.dtype = float64});
  const Size rows = columns.size(1);
  std::vector<double> present;
  for (Size c = 0; c < columns.size(0); ++c) {
    const double* first = columns.data_ptr<double>() + c * rows;
    present.clear();
    std::copy_if(first, first + rows, std::back_inserter(present),
                 [](double value) { return !std::isnan(value); });
    numbers.data_ptr<double>()[c] = f(present);
  }
  return numbers;
}

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return nan;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Of the values in order, between neighbours in proportion, as NumPy's.
double percentile_of(std::vector<double>& values, double percent) {
  if (values.empty()) return nan;
  std::sort(values.begin(), values.end());
  const double at = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

double most_frequent_of(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  double best = nan;
  std::ptrdiff_t most = 0;
  for (auto at = values.begin(); at != values.end();) {
    const auto next = std::upper_bound(at, values.end(), *at);
    if (next - at > most) {
      most = next - at;
      best = *at;
    }
    at = next;
  }
  return best;
}

/// 1 where a column's spread is 0, or next to its size nothing but rounding, or unknown.
double usable(double spread, double size) {
  return spread > 10 * std::numeric_limits<double>::epsilon() * std::abs(size) ? spread : 1;
}

/// (x - shift) / scale, in float64, of the dtype of x.
Tensor scaled(const Tensor& x, const Tensor& shift, const Tensor& scale) {
  return ((x.detach().to(float64) - shift) / scale).to(x.dtype());
}
Tensor unscaled(const Tensor& x, const Tensor& shift, const Tensor& scale) {
  return (x.detach().to(float64) * scale + shift).to(x.dtype());
}

/// What stands in a row, the same for 2 as an integer and as a float, which one missing value makes
/// a whole column.
std::string word_at(const Column& column, const Tensor& numbers, Size row) {
  return column.is_text() ? column.text(row) : fmt::format("{}", numbers.data_ptr<double>()[row]);
}

/// The distinct words of a column: numbers in their order, others in that of their letters.
std::vector<std::string> words_of(const Column& column) {
  const Tensor numbers = column.values().to(float64);
  std::vector<std::pair<double, std::string>> found;
  for (Size row = 0; row < column.size(); ++row) {
    if (column.is_missing(row)) continue;
    const double order = column.is_text() ? 0 : numbers.data_ptr<double>()[row];
    found.emplace_back(order, word_at(column, numbers, row));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<std::string> words;
  for (auto& [order, word] : found) words.push_back(std::move(word));
  return words;
}

std::vector<std::vector<std::string>> words_of(const Table& table) {
  std::vector<std::vector<std::string>> words;
  for (const Column& column : table.columns()) words.push_back(words_of(column));
  return words;
}

/// Calls `f(row, place)` with the places of a column's words in the fit's; -1 for others.
void for_each_place(const char* op, const Column& column, const std::vector<std::string>& words,
                    Unknown unknown, auto&& f) {
  const Tensor numbers = column.values().to(float64);
  for (Size row = 0; row < column.size(); ++row) {
    const std::string word = word_at(column, numbers, row);
    const auto at = std::find(words.begin(), words.end(), word);
    const bool known = at != words.end() && !column.is_missing(row);
    check(known || unknown == Unknown::ignore, op,
          "expected words of \"{}\" that were in the fit, got {} at row {}\n"
          "help: unknown = Unknown::ignore takes others too",
          column.name(), column.is_missing(row) ? "none" : fmt::format("\"{}\"", word), row);
    f(row, known ? at - words.begin() : -1);
  }
}

}  // namespace

StandardScaler::StandardScaler(const Tensor& features) {
  check_fit("StandardScaler", features);
  mean_ = of_columns(features, mean_of);
  scale_ = of_columns(features, [](const std::vector<double>& values) {
    const double mean = mean_of(values);
    double sum = 0;
    for (const double value : values) sum += (value - mean) * (value - mean);
    return usable(std::sqrt(sum / static_cast<double>(values.size())), mean);
  });
}

Tensor StandardScaler::operator()(const Tensor& features) const {
  check_like_fit("StandardScaler", features, mean_);
  return scaled(features, mean_, scale_);
}

Tensor StandardScaler::inverse(const Tensor& x) const {
  check_like_fit("StandardScaler", x, mean_);
  return unscaled(x, mean_, scale_);
}

MinMaxScaler::MinMaxScaler(const Tensor& features, const MinMaxScalerOptions& options)
    : options_(options) {
  constexpr const char* op = "MinMaxScaler";
  check_fit(op, features);
  check(options.min < options.max, op, "expected min < max, got {} and {}", options.min,
        options.max);
  low_ = of_columns(features, [](std::vector<double>& values) { return percentile_of(values, 0); });
  const Tensor high =
      of_columns(features, [](std::vector<double>& values) { return percentile_of(values, 100); });
  scale_ = empty(low_.shape(), {.dtype = float64});
  for (Size i = 0; i < low_.numel(); ++i) {
    const double top = high.data_ptr<double>()[i];
    scale_.data_ptr<double>()[i] = usable(top - low_.data_ptr<double>()[i], top);
  }
}

Tensor MinMaxScaler::operator()(const Tensor& features) const {
  check_like_fit("MinMaxScaler", features, low_);
  const double width = options_.max - options_.min;
  const Tensor x = (features.detach().to(float64) - low_) / scale_ * width + options_.min;
  return (options_.clip ? x.clamp(options_.min, options_.max) : x).to(features.dtype());
}

Tensor MinMaxScaler::inverse(const Tensor& x) const {
  check_like_fit("MinMaxScaler", x, low_);
  const double width = options_.max - options_.min;
  return ((x.detach().to(float64) - options_.min) / width * scale_ + low_).to(x.dtype());
}

RobustScaler::RobustScaler(const Tensor& features, const RobustScalerOptions& options) {
  constexpr const char* op = "RobustScaler";
  check_fit(op, features);
  check(options.low >= 0 && options.low < options.high && options.high <= 100, op,
        "expected 0 <= low < high <= 100, got {} and {}", options.low, options.high);
  median_ =
      of_columns(features, [](std::vector<double>& values) { return percentile_of(values, 50); });
  scale_ = of_columns(features, [&](std::vector<double>& values) {
    const double low = percentile_of(values, options.low);
    const double high = percentile_of(values, options.high);
    return usable(high - low, high);
  });
}

Tensor RobustScaler::operator()(const Tensor& features) const {
  check_like_fit("RobustScaler", features, median_);
  return scaled(features, median_, scale_);
}

Tensor RobustScaler::inverse(const Tensor& x) const {
  check_like_fit("RobustScaler", x, median_);
  return unscaled(x, median_, scale_);
}

SimpleImputer::SimpleImputer(const Tensor& features, const SimpleImputerOptions& options) {
  constexpr const char* op = "SimpleImputer";
  check_fit(op, features);
  values_ = of_columns(features, [&](std::vector<double>& values) {
    switch (options.fill) {
      case Fill::mean:
        return mean_of(values);
      case Fill::median:
        return percentile_of(values, 50);
      case Fill::most_frequent:
        return most_frequent_of(values);
      case Fill::constant:
        break;
    }
    return options.constant;
  });
  for (Size i = 0; i < values_.numel(); ++i) {
    check(!std::isnan(values_.data_ptr<double>()[i]), op,
          "expected a value in every column, got nothing but missing ones in column {}\n"
          "help: leave it out, or fill it by Fill::constant",
          i);
  }
}

Tensor SimpleImputer::operator()(const Tensor& features) const {
  check_like_fit("SimpleImputer", features, values_);
  const Tensor x = features.detach().to(float64);
  return where(ne(x, x), values_.expand_as(x), x).to(features.dtype());
}

OneHotEncoder::OneHotEncoder(const Table& table, const EncoderOptions& options)
    : columns_(table.names()), words_(words_of(table)), options_(options) {}

Tensor OneHotEncoder::operator()(const Table& table) const {
  Size width = 0;
  for (const auto& words : words_) width += static_cast<Size>(words.size());
  const Tensor encoded = zeros({table.rows(), width});
  Size first = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    for_each_place("OneHotEncoder", table[columns_[i]], words_[i], options_.unknown,
                   [&](Size row, Size place) {
                     if (place >= 0) encoded.data_ptr<float>()[row * width + first + place] = 1;
                   });
    first += static_cast<Size>(words_[i].size());
  }
  return encoded;
}

std::vector<std::string> OneHotEncoder::names() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    for (const std::string& word : words_[i]) names.push_back(columns_[i] + "=" + word);
  }
  return names;
}

OrdinalEncoder::OrdinalEncoder(const Table& table, const EncoderOptions& options)
    : columns_(table.names()), words_(words_of(table)), options_(options) {}

Tensor OrdinalEncoder::operator()(const Table& table) const {
  const auto width = static_cast<Size>(columns_.size());
  const Tensor encoded = empty({table.rows(), width});
  for (Size i = 0; i < width; ++i) {
    const auto place_of = static_cast<std::size_t>(i);
    for_each_place("OrdinalEncoder", table[columns_[place_of]], words_[place_of], options_.unknown,
                   [&](Size row, Size place) {
                     encoded.data_ptr<float>()[row * width + i] =
                         place >= 0 ? static_cast<float>(place)
                                    : std::numeric_limits<float>::quiet_NaN();
                   });
  }
  return encoded;
}

}  // namespace reel::datasets
