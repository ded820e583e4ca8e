#include "reel/nn/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "reel/base/detail/table.h"
#include "reel/nn/detail/describe.h"

namespace reel::nn {

using reel::detail::readable_bytes;
using reel::detail::Table;
using reel::detail::with_commas;

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

void SummaryVisitor::output(const ModuleRef& module, const Tensor& y) {
  for (Row& row : rows_)
    if (row.address == module.address() && *row.type_info == module.type())
      row.output = to_string(y.shape());
}

// Other threads may run other models meanwhile.
OutputsOf::OutputsOf(SummaryVisitor& visitor)
    : handle_(register_module_forward_hook(
          [&visitor, here = std::this_thread::get_id()](const ModuleRef& module, const TensorList&,
                                                        const TensorList& outputs) {
            if (std::this_thread::get_id() == here && !outputs.empty())
              visitor.output(module, outputs.front());
          })) {}

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
  text += fmt::format(", {}\n", readable_bytes(bytes_));
  return text + shared_lines();
}

}  // namespace detail
}  // namespace reel::nn
