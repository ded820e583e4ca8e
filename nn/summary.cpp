#include "reel/nn/summary.h"

#include <fmt/format.h>

#include <algorithm>

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
  struct Line {
    std::string path, type, output, parameters;
  };
  const bool with_output = !rows_.front().output.empty();
  std::vector<Line> lines{{"layer", "type", with_output ? "output" : "", "parameters"}};
  for (const Row& row : rows_) {
    const bool whole = row.path.empty();
    if (whole && !row.has_parameters) continue;
    std::string type = row.type;
    if (!row.settings.empty()) type += "(" + row.settings + ")";
    std::string count = row.has_parameters ? with_commas(row.parameters) : "-";
    if (row.shares_with) count += " (shared)";
    lines.push_back({path_of(row), std::move(type), row.output, std::move(count)});
  }

  std::size_t path = 0, type = 0, output = 0, parameters = 0;
  for (const Line& line : lines) {
    path = std::max(path, line.path.size());
    type = std::max(type, line.type.size());
    output = std::max(output, line.output.size());
    parameters = std::max(parameters, line.parameters.size());
  }
  const auto full =
      static_cast<Size>(2 + path + 2 + type + 2 + (output > 0 ? output + 2 : 0) + parameters);
  if (options.width > 0 && full > options.width) {
    constexpr Size least = 12;
    type =
        static_cast<std::size_t>(std::max(least, static_cast<Size>(type) - (full - options.width)));
    for (Line& line : lines)
      if (line.type.size() > type) line.type.replace(type - 3, std::string::npos, "...");
  }
  const Row& whole = rows_.front();
  std::string text = whole.type.empty() ? "module" : whole.type;
  if (!whole.settings.empty()) text += "(" + whole.settings + ")";
  if (with_output) text += " -> " + whole.output;
  text += '\n';
  for (const Line& line : lines) {
    text += fmt::format("  {:<{}}  {:<{}}  ", line.path, path, line.type, type);
    if (output > 0) text += fmt::format("{:<{}}  ", line.output, output);
    text += fmt::format("{:>{}}\n", line.parameters, parameters);
  }
  text +=
      fmt::format("{} parameters ({} trained)", with_commas(parameters_), with_commas(trained_));
  if (buffers_ > 0) text += fmt::format(", {} numbers in buffers", with_commas(buffers_));
  text += fmt::format(", {}\n", show_bytes(bytes_));
  return text + shared_lines();
}

}  // namespace detail
}  // namespace reel::nn
