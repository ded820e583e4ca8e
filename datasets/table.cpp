#include "reel/datasets/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <unordered_map>

#include "reel/base/fail.h"
#include "reel/datasets/dataset.h"
#include "reel/ops/shape/view.h"

namespace reel::datasets {
namespace {

constexpr const char* op = "Table";

void check_column(const std::string& name, const Tensor& values) {
  check(values.dim() == 1, op, "expected values of shape [N] for column \"{}\", got {}", name,
        values.shape());
}

/// The fewest digits that read as the same number; a float shows that it is one.
std::string shortest(double value) {
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  std::string text(digits, end);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Column::Column(std::string name, const Tensor& numbers) : name_(std::move(name)) {
  check_column(name_, numbers);
  values_ = numbers.detach().to(numbers.is_floating_point() ? float64 : int64).contiguous();
}

Column::Column(std::string name, std::span<const std::string> words,
               std::span<const std::string> missing)
    : name_(std::move(name)), text_(true) {
  std::unordered_map<std::string_view, Size> code_of;
  const auto is_missing = [&](const std::string& word) {
    return std::find(missing.begin(), missing.end(), word) != missing.end();
  };
  for (const std::string& word : words) {
    if (!is_missing(word)) code_of.emplace(word, 0);
  }
  for (const auto& [word, code] : code_of) categories_.emplace_back(word);
  std::sort(categories_.begin(), categories_.end());
  for (std::size_t i = 0; i < categories_.size(); ++i) {
    code_of[categories_[i]] = static_cast<Size>(i);
  }
  values_ = empty(static_cast<Size>(words.size()), {.dtype = int64});
  auto* code = values_.data_ptr<std::int64_t>();
  for (const std::string& word : words) *code++ = is_missing(word) ? -1 : code_of[word];
}

Column::Column(std::string name, const Tensor& codes, std::vector<std::string> categories)
    : name_(std::move(name)), categories_(std::move(categories)), text_(true) {
  check_column(name_, codes);
  check(!codes.is_floating_point() && codes.dtype() != bool_, op,
        "expected integers as codes of column \"{}\", got {}", name_, codes.dtype());
  const std::set<std::string> distinct(categories_.begin(), categories_.end());
  check(distinct.size() == categories_.size(), op,
        "expected distinct categories of column \"{}\", got {} that differ of {}", name_,
        distinct.size(), categories_.size());
  values_ = codes.detach().to(int64).contiguous();
  const auto count = static_cast<Size>(categories_.size());
  const auto* code = values_.data_ptr<std::int64_t>();
  for (Size i = 0; i < size(); ++i) {
    check(code[i] >= -1 && code[i] < count, op,
          "expected codes in [-1, {}) for column \"{}\", got {} at row {}", count, name_, code[i],
          i);
  }
}

bool Column::is_missing(Size row) const {
  reel::detail::check_indices(op, {&row, 1}, size());
  if (text_) return values_.data_ptr<std::int64_t>()[row] < 0;
  return values_.dtype() == float64 && std::isnan(values_.data_ptr<double>()[row]);
}

Size Column::missing() const {
  Size count = 0;
  for (Size row = 0; row < size(); ++row) count += is_missing(row) ? 1 : 0;
  return count;
}

std::string Column::text(Size row) const {
  if (is_missing(row)) return "";
  if (values_.dtype() == float64) return shortest(values_.data_ptr<double>()[row]);
  const std::int64_t value = values_.data_ptr<std::int64_t>()[row];
  return text_ ? categories_[static_cast<std::size_t>(value)] : std::to_string(value);
}

Column Column::take(std::span<const Size> rows) const {
  Column taken = *this;
  taken.values_ = reel::detail::take_rows(op, values_, rows);
  return taken;
}

Column Column::renamed(std::string name) const {
  Column other = *this;
  other.name_ = std::move(name);
  return other;
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  std::set<std::string_view> names;
  if (!columns_.empty()) rows_ = columns_[0].size();
  for (const Column& column : columns_) {
    check(column.size() == rows_, op,
          "expected columns of equal length, got {} rows of \"{}\" and {} of \"{}\"", rows_,
          columns_[0].name(), column.size(), column.name());
    check(names.insert(column.name()).second, op,
          "expected columns of different names, got \"{}\" twice", column.name());
  }
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> all;
  for (const Column& column : columns_) all.push_back(column.name());
  return all;
}

bool Table::contains(std::string_view name) const {
  return std::any_of(columns_.begin(), columns_.end(),
                     [&](const Column& column) { return column.name() == name; });
}

std::size_t Table::place_of(const char* of, std::string_view name) const {
  const auto at = std::find_if(columns_.begin(), columns_.end(),
                               [&](const Column& column) { return column.name() == name; });
  if (at == columns_.end()) {
    constexpr std::size_t most = 20;
    std::vector<std::string> known = names();
    const bool more = known.size() > most;
    if (more) known.resize(most);
    fail(of, "expected the name of a column, got \"{}\"\nhelp: there are {}{}", name,
         fmt::join(known, ", "), more ? ", ..." : "");
  }
  return static_cast<std::size_t>(at - columns_.begin());
}

const Column& Table::operator[](std::string_view name) const {
  return columns_[place_of(op, name)];
}

const Column& Table::operator[](Size place) const {
  reel::detail::check_indices(op, {&place, 1}, static_cast<Size>(columns_.size()));
  return columns_[static_cast<std::size_t>(place)];
}

Table Table::select(std::span<const std::string> names) const {
  std::vector<Column> chosen;
  for (const std::string& name : names) chosen.push_back(columns_[place_of("select", name)]);
  return Table(std::move(chosen));
}

Table Table::drop(std::span<const std::string> names) const {
  std::vector<bool> dropped(columns_.size());
  for (const std::string& name : names) dropped[place_of("drop", name)] = true;
  std::vector<Column> kept;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!dropped[i]) kept.push_back(columns_[i]);
  }
  return Table(std::move(kept));
}

Table Table::take(std::span<const Size> rows) const {
  std::vector<Column> taken;
  for (const Column& column : columns_) taken.push_back(column.take(rows));
  return Table(std::move(taken));
}

Tensor Table::to_tensor(std::span<const std::string> names, DType dtype) const {
  check(dtype == float32 || dtype == float64, "to_tensor",
        "expected dtype float32 or float64, as missing values are NaN, got {}", dtype);
  const Tensor all = empty({rows_, static_cast<Size>(names.size())}, {.dtype = dtype});
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Column& column = columns_[place_of("to_tensor", names[i])];
    check(!column.is_text(), "to_tensor",
          "expected columns of numbers, got \"{}\" with words such as \"{}\"\n"
          "help: drop it, or encode it by OneHotEncoder or OrdinalEncoder",
          column.name(), column.categories().empty() ? "" : column.categories()[0]);
    all.select(1, static_cast<Size>(i)).copy_(column.values());
  }
  return all;
}

Tensor Table::to_tensor(DType dtype) const {
  const std::vector<std::string> all = names();
  return to_tensor(all, dtype);
}

}  // namespace reel::datasets
