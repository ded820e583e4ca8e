#include "reel/nn/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "reel/base/detail/columns.h"
#include "reel/nn/detail/describe.h"

namespace reel::nn {

namespace {

std::string with_commas(Size number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

std::string show_bytes(Size bytes) {
  const double number = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", number / 1024);
  return fmt::format("{:.1f} MiB", number / (1024 * 1024));
}

using reel::detail::columns;

/// In at most so many columns, of which the last show that something is missing.
std::string shortened(std::string text, int width) {
  constexpr std::string_view dots = "...";
  if (columns(text) <= width) return text;
  return reel::detail::cut(std::move(text), width - columns(dots)).append(dots);
}

std::string padding(const std::string& text, int width) {
  return std::string(static_cast<std::size_t>(std::max(width - columns(text), 0)), ' ');
}

/// A table of texts, as wide as they are unless it has to be narrower.
class Table {
 public:
  explicit Table(std::vector<std::array<std::string, 4>> lines) : lines_(std::move(lines)) {
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      for (const auto& line : lines_) widths_[i] = std::max(widths_[i], columns(line[i]));
    }
  }

  /// Cuts the columns, in the order given, until the lines have `width` or each has few left.
  void fit(Size width, std::initializer_list<std::size_t> order) {
    constexpr Size least = 12;
    for (const std::size_t i : order) {
      const Size excess = this->width() - width;
      if (excess <= 0 || widths_[i] <= least) continue;
      widths_[i] = static_cast<int>(std::max(least, widths_[i] - excess));
      for (auto& line : lines_) line[i] = shortened(std::move(line[i]), widths_[i]);
    }
  }

  /// The last column is flush right; one that is empty takes no room.
  std::string text() const {
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

 private:
  Size width() const {
    Size width = 0;
    for (const int column : widths_) width += column > 0 ? column + 2 : 0;
    return width;
  }

  std::vector<std::array<std::string, 4>> lines_;
  std::array<int, 4> widths_{};
};

}  // namespace

namespace detail {

SummaryVisitor::SummaryVisitor() : rows_(1), open_{0} {}

void SummaryVisitor::enter(const ModuleRef& module) {
  const bool whole = module.path().empty();
  if (!whole) rows_.emplace_back();
  Row& row = whole ? rows_.front() : rows_.back();
  row.path = module.path();
  row.type = short_type(module.type_name());
  row.address = module.address();
  row.type_info = &module.type();
  open_.push_back(whole ? 0 : rows_.size() - 1);
}

void SummaryVisitor::leave(const ModuleRef&) { open_.pop_back(); }

void SummaryVisitor::tensor(const Tensor& tensor, TensorKind kind) {
  if (kind == TensorKind::plain) return;
  Row& row = rows_[open_.back()];
  if (kind == TensorKind::parameter) row.has_parameters = true;
  const auto seen = std::find_if(seen_.begin(), seen_.end(),
                                 [&](const auto& other) { return other.first.is_same(tensor); });
  if (seen != seen_.end()) {
    if (kind == TensorKind::parameter) row.shares_with = seen->second;
    return;
  }
  seen_.emplace_back(tensor, open_.back());
  bytes_ += tensor.numel() * item_size(tensor.dtype());
  if (kind == TensorKind::buffer) {
    buffers_ += tensor.numel();
    return;
  }
  row.parameters += tensor.numel();
  parameters_ += tensor.numel();
  if (tensor.requires_grad()) trained_ += tensor.numel();
}

void SummaryVisitor::setting(const Setting& setting) {
  if (setting.kind == Setting::Kind::other || name() == "training") return;
  std::string& settings = rows_[open_.back()].settings;
  if (!settings.empty()) settings += ", ";
  if (!setting.required) settings.append(name()) += '=';
  settings += show(setting);
}

void SummaryVisitor::output(const void* module, const std::type_info& type, const Tensor& y) {
  if (!y.defined()) return;
  for (Row& row : rows_)
    if (row.address == module && *row.type_info == type) row.output = to_string(y.shape());
}

void SummaryVisitor::whole_output(const Tensor& y) { rows_.front().output = to_string(y.shape()); }

std::string SummaryVisitor::shared_lines() const {
  std::string text;
  for (std::size_t owner = 0; owner < rows_.size(); ++owner) {
    std::string sharers;
    for (const Row& row : rows_)
      if (row.shares_with == owner) sharers += (sharers.empty() ? "" : ", ") + row.path;
    if (!sharers.empty())
      text += fmt::format("shared parameters: {} with {}\n", path_of(rows_[owner]), sharers);
  }
  return text;
}

std::string SummaryVisitor::text(const SummaryOptions& options) const {
  const bool with_output = !rows_.front().output.empty();
  std::vector<std::array<std::string, 4>> lines{
      {"layer", "type", with_output ? "output" : "", "parameters"}};
  for (const Row& row : rows_) {
    const bool whole = row.path.empty();
    if (whole && !row.has_parameters) continue;
    std::string count = row.has_parameters ? with_commas(row.parameters) : "-";
    if (row.shares_with) count += " (shared)";
    lines.push_back({path_of(row), call_of(row), row.output, std::move(count)});
  }
  Table table(std::move(lines));
  if (options.width > 0) table.fit(options.width, {1, 0, 2});

  const Row& whole = rows_.front();
  std::string text = whole.type.empty() ? "module" : call_of(whole);
  if (with_output) text += " -> " + whole.output;
  text += '\n' + table.text();
  text +=
      fmt::format("{} parameters ({} trained)", with_commas(parameters_), with_commas(trained_));
  if (buffers_ > 0) text += fmt::format(", {} numbers in buffers", with_commas(buffers_));
  text += fmt::format(", {}\n", show_bytes(bytes_));
  return text + shared_lines();
}

}  // namespace detail
}  // namespace reel::nn
