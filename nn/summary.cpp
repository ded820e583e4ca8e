#include "reel/nn/summary.h"

#include <fmt/format.h>

#include <algorithm>

namespace reel::nn {

constinit thread_local detail::Observer* detail::observer = nullptr;

namespace {

// "Sequential" from "reel::nn::Sequential<reel::nn::Linear>", "Net" from "main()::Net".
std::string short_type(std::string_view name) {
  if (name.ends_with(')'))
    return name.find("(lambda") != std::string_view::npos ? "lambda" : "function";
  if (name.ends_with('>')) {
    std::size_t begin = name.size();
    int depth = 0;
    do {
      --begin;
      if (name[begin] == '>') ++depth;
      if (name[begin] == '<') --depth;
    } while (begin > 0 && depth > 0);
    if (name.substr(begin).starts_with("<lambda")) return "lambda";
    name = name.substr(0, begin);
  }
  return std::string(detail::last_word(name));
}

std::string with_commas(Size number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

std::string show(const detail::Setting& setting) {
  using Kind = detail::Setting::Kind;
  switch (setting.kind) {
    case Kind::boolean:
      return setting.integer != 0 ? "true" : "false";
    case Kind::integer:
      return std::to_string(setting.integer);
    case Kind::floating:
      return fmt::format("{:g}", setting.floating);
    case Kind::text:
      return fmt::format("\"{}\"", setting.text);
    case Kind::sizes:
      return setting.sizes.h == setting.sizes.w
                 ? std::to_string(setting.sizes.h)
                 : fmt::format("{{{}, {}}}", setting.sizes.h, setting.sizes.w);
    default:
      return "";
  }
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
  const bool seen = std::any_of(seen_.begin(), seen_.end(),
                                [&](const Tensor& other) { return other.is_same(tensor); });
  if (kind == TensorKind::parameter) {
    row.has_parameters = true;
    row.shared |= seen;
  }
  if (seen) return;
  seen_.push_back(tensor);
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

std::string SummaryVisitor::text() const {
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
    if (row.shared) count += " (shared)";
    lines.push_back({whole ? "(itself)" : row.path, std::move(type), row.output, std::move(count)});
  }

  std::size_t path = 0, type = 0, output = 0, parameters = 0;
  for (const Line& line : lines) {
    path = std::max(path, line.path.size());
    type = std::max(type, line.type.size());
    output = std::max(output, line.output.size());
    parameters = std::max(parameters, line.parameters.size());
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
  return text;
}

}  // namespace detail
}  // namespace reel::nn
