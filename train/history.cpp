#include "reel/train/history.h"

#include <algorithm>
#include <limits>
#include <ostream>

#include "reel/base/detail/columns.h"
#include "reel/base/fail.h"
#include "reel/train/detail/names.h"
#include "reel/train/detail/number.h"

namespace reel::train {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

void print_column(std::vector<std::string>& rows, const std::vector<std::string>& cells) {
  int width = 0;
  for (const std::string& cell : cells) width = std::max(width, reel::detail::columns(cell));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const int missing = width - reel::detail::columns(cells[row]) + (rows[row].empty() ? 0 : 2);
    rows[row] += std::string(static_cast<std::size_t>(missing), ' ') + cells[row];
  }
}

}  // namespace

const std::vector<double>& History::operator[](std::string_view name) const {
  const auto found = std::ranges::find(series_, name, &Series::name);
  if (found == series_.end()) detail::fail_unknown("History", series_, name);
  return found->values;
}

bool History::contains(std::string_view name) const {
  return std::ranges::find(series_, name, &Series::name) != series_.end();
}

std::vector<std::string> History::names() const {
  std::vector<std::string> names;
  for (const Series& series : series_) names.push_back(series.name);
  return names;
}

History::Series& History::series_of(std::string_view name) {
  const auto found = std::ranges::find(series_, name, &Series::name);
  if (found != series_.end()) return *found;
  return series_.emplace_back(
      Series{std::string(name), std::vector<double>(static_cast<std::size_t>(epochs_), none)});
}

void History::append(const Figures& epoch) {
  ++epochs_;
  for (Series& series : series_) series.values.push_back(none);
  for (const Figure& figure : epoch) series_of(figure.name).values.back() = figure.value;
}

void History::set(std::string_view name, double value) {
  check(epochs_ > 0, "History", "expected an epoch to set \"{}\" of, got none", name);
  series_of(name).values.back() = value;
}

std::ostream& operator<<(std::ostream& out, const History& history) {
  std::vector<std::string> rows(static_cast<std::size_t>(history.epochs()) + 1), cells{"epoch"};
  for (Size i = 0; i < history.epochs(); ++i) {
    cells.push_back(std::to_string(history.first_epoch() + i));
  }
  print_column(rows, cells);
  for (const std::string& name : history.names()) {
    cells.assign(1, name);
    for (const double value : history[name]) cells.push_back(detail::number(value));
    print_column(rows, cells);
  }
  for (const std::string& row : rows) out << row << '\n';
  return out;
}

}  // namespace reel::train
