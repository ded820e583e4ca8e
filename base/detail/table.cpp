#include "reel/base/detail/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "reel/base/detail/columns.h"

namespace reel::detail {
namespace {

/// In at most so many columns, of which the last show that something is missing.
std::string shortened(std::string text, int width) {
  constexpr std::string_view dots = "...";
  if (columns(text) <= width) return text;
  return cut(std::move(text), width - columns(dots)).append(dots);
}

std::string padding(const std::string& text, int width) {
  return std::string(static_cast<std::size_t>(std::max(width - columns(text), 0)), ' ');
}

}  // namespace

std::string with_commas(Size number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

std::string readable_bytes(Size bytes) {
  const double number = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", number / 1024);
  return fmt::format("{:.1f} MiB", number / (1024 * 1024));
}

Table::Table(std::vector<std::array<std::string, 4>> lines) : lines_(std::move(lines)) {
  for (std::size_t i = 0; i < widths_.size(); ++i) {
    for (const auto& line : lines_) widths_[i] = std::max(widths_[i], columns(line[i]));
  }
}

void Table::fit(Size width, std::initializer_list<std::size_t> order) {
  constexpr Size least = 12;
  for (const std::size_t i : order) {
    const Size excess = this->width() - width;
    if (excess <= 0 || widths_[i] <= least) continue;
    widths_[i] = static_cast<int>(std::max(least, widths_[i] - excess));
    for (auto& line : lines_) line[i] = shortened(std::move(line[i]), widths_[i]);
  }
}

std::string Table::text() const {
  std::string text;
  for (const auto& line : lines_) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      if (widths_[i] > 0)
        text += (i == 0 ? "  " : "") + line[i] + padding(line[i], widths_[i]) + "  ";
    }
    text += padding(line.back(), widths_.back()) + line.back() + "\n";
  }
  return text;
}

Size Table::width() const {
  Size width = 0;
  for (const int column : widths_) width += column > 0 ? column + 2 : 0;
  return width;
}

}  // namespace reel::detail
