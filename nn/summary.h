#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/nn/detail/call.h"
#include "reel/nn/detail/callable.h"
#include "reel/nn/detail/walk.h"
#include "reel/nn/module.h"

namespace reel::nn {

/// What `summary` can be told.
struct SummaryOptions {
  /// Columns of the terminal: options that pass it are cut, then long names and shapes. 0 for any
  /// number.
  Size width = 0;
};

namespace detail {

/// Gathers one row for each module, and its output when it is run with a sample.
class REEL_API SummaryVisitor final : public Visitor {
 public:
  SummaryVisitor();
  void enter(const ModuleRef& module) override;
  void leave(const ModuleRef& module) override;
  void tensor(const Tensor& tensor, TensorKind kind) override;
  void setting(const Setting& setting) override;
  void output(const ModuleRef& module, const Tensor& y);

  std::string text(const SummaryOptions& options) const;

 private:
  struct Row {
    std::string path;
    std::string type;
    std::string settings;
    std::string output;
    const void* address = nullptr;
    const std::type_info* type_info = nullptr;
    Size parameters = 0;
    bool has_parameters = false;
    std::optional<std::size_t> shares_with = {};  // the row that had a parameter first
  };

  static std::string path_of(const Row& row) { return row.path.empty() ? "(itself)" : row.path; }
  /// The type with its settings, as in `Linear(2, 3, bias=true)`.
  static std::string call_of(const Row& row) {
    return row.settings.empty() ? row.type : row.type + "(" + row.settings + ")";
  }
  std::string shared_lines() const;

  std::vector<Row> rows_;                             // the first is the module itself
  std::vector<std::size_t> open_;                     // the rows of the modules the walk is in
  std::vector<std::pair<Tensor, std::size_t>> seen_;  // and the row where it was
  Size trained_ = 0;
  Size parameters_ = 0;
  Size buffers_ = 0;
  Size bytes_ = 0;
};

/// Tells a visitor of each module's output, while it lives.
class REEL_API OutputsOf {
 public:
  explicit OutputsOf(SummaryVisitor& visitor);
  ~OutputsOf() { handle_.remove(); }
  OutputsOf(const OutputsOf&) = delete;
  OutputsOf& operator=(const OutputsOf&) = delete;

 private:
  HookHandle handle_;
};

}  // namespace detail

/// A table of the modules inside `module`: path, type with its options, number of parameters; and
/// totals. A shared parameter counts where it appears first; a last line says which modules share.
template <Module M>
std::string summary(const M& module, const SummaryOptions& options = {}) {
  detail::SummaryVisitor visitor;
  detail::walk_constant(module, visitor);
  return visitor.text(options);
}

/// The same with the shape of each layer's output for `sample`, which is run through the module in
/// evaluation mode, unrecorded. A layer that is used twice shows its last output.
template <Module M>
std::string summary(M& module, const Tensor& sample, const SummaryOptions& options = {}) {
  static_assert(detail::maps_tensors<M>(), "Reel: a sample needs a module that takes one tensor");
  detail::SummaryVisitor visitor;
  detail::walk(module, visitor);
  {
    const EvalGuard evaluation(module);
    const NoGradGuard no_grad;
    const detail::OutputsOf watch(visitor);
    detail::call(
        &module, [&] { return module(sample); }, sample);
  }
  return visitor.text(options);
}

}  // namespace reel::nn
