#include "reel/nn/module.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/nn/detail/compare_state.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"

namespace reel::nn {
namespace {

// Gives a tensor the elements of another, under all handles at once, as `tensor.data = other` does
// in PyTorch.
void set_data(const Tensor& tensor, const Tensor& values) {
  reel::detail::TensorImpl& to = tensor.impl();
  reel::detail::TensorImpl& from = values.impl();
  std::swap(to.storage, from.storage);
  std::swap(to.data, from.data);
  std::swap(to.dtype, from.dtype);
  std::swap(to.shape, from.shape);
  std::swap(to.strides, from.strides);
  std::swap(to.numel, from.numel);
  std::swap(to.device, from.device);
  const bool contiguous = to.contiguous;  // a bit, which std::swap cannot refer to
  to.contiguous = from.contiguous;
  from.contiguous = contiguous;
}

// "a, b, c and 7 more"
std::string list_names(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 12;
  if (names.size() <= shown) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} and {} more", fmt::join(names.begin(), names.begin() + shown, ", "),
                     names.size() - shown);
}

}  // namespace

void detail::TensorCollector::tensor(const Tensor& tensor, TensorKind kind) {
  if (kind_ == TensorKind::parameter && kind == TensorKind::plain && tensor.requires_grad() &&
      tensor.is_leaf()) {
    fail("parameters",
         "expected {} to be an nn::Parameter, because it requires a gradient, got a Tensor\n"
         "help: declare it nn::Parameter to train it, or nn::Buffer to save it",
         path());
  }
  if (kind != kind_) return;
  if (once_ && std::any_of(found_.begin(), found_.end(),
                           [&](const auto& entry) { return entry.second.is_same(tensor); }))
    return;
  found_.emplace_back(path(), tensor);
}

void detail::StateCollector::tensor(const Tensor& tensor, TensorKind kind) {
  if (kind != TensorKind::plain) found_.emplace_back(path(), tensor);
}

void detail::ModeVisitor::leave(const ModuleRef& module) {
  if (module.training() != nullptr) flags_.push_back(module.training());
}

detail::DTypeVisitor::DTypeVisitor(DType dtype) : dtype_(dtype) {
  check(is_floating(dtype), "to", "expected a floating dtype for a module, got {}", dtype);
}

void detail::DTypeVisitor::tensor(const Tensor& tensor, TensorKind kind) {
  if (kind == TensorKind::plain || !tensor.is_floating_point() || tensor.dtype() == dtype_) return;
  NoGradGuard no_grad;
  const Tensor gradient = tensor.grad();
  tensor.set_grad({});
  set_data(tensor, tensor.to(dtype_));
  if (gradient.defined()) tensor.set_grad(gradient.to(dtype_));
}

StateDict detail::make_state_dict(NamedTensors tensors) {
  StateDict result;
  for (const auto& [name, tensor] : tensors) result[name] = tensor.detach();
  return result;
}

LoadResult detail::compare_state(const char* op, const NamedTensors& targets,
                                 const std::vector<OfferedTensor>& offered,
                                 const LoadOptions& options, const std::string& where) {
  std::unordered_map<std::string_view, const OfferedTensor*> given;
  for (const OfferedTensor& tensor : offered) given.emplace(tensor.name, &tensor);
  std::unordered_set<std::string_view> known;
  LoadResult result;
  std::vector<std::string> wrong;
  for (const auto& [name, target] : targets) {
    known.insert(name);
    const auto found = given.find(name);
    if (found == given.end()) {
      result.missing.push_back(name);
    } else if (const OfferedTensor& values = *found->second; !values.defined) {
      wrong.push_back(fmt::format("{}: got an undefined tensor", name));
    } else if (values.shape != target.shape() || values.dtype != target.dtype()) {
      wrong.push_back(fmt::format("{}: expected {} {}, got {} {}", name, target.dtype(),
                                  target.shape(), values.dtype, values.shape));
    }
  }
  for (const OfferedTensor& tensor : offered)
    if (!known.contains(tensor.name)) result.unexpected.push_back(tensor.name);

  const bool names_differ = !result.missing.empty() || !result.unexpected.empty();
  if (!wrong.empty() || (options.strict && names_differ)) {
    std::string text = "expected the module's names, shapes and dtypes, got" + where;
    if (!result.missing.empty()) text += "\n  missing: " + list_names(result.missing);
    if (!result.unexpected.empty()) text += "\n  unexpected: " + list_names(result.unexpected);
    for (const std::string& line : wrong) text += "\n  " + line;
    if (wrong.empty()) text += "\nhelp: {.strict = false} loads the names that match";
    fail(op, "{}", text);
  }
  return result;
}

LoadResult detail::load_tensors(const NamedTensors& targets, const StateDict& source,
                                const LoadOptions& options) {
  std::vector<OfferedTensor> offered;
  for (const auto& [name, values] : source) {
    offered.push_back({name, values.defined(), values.defined() ? values.dtype() : float32,
                       values.defined() ? values.shape() : Shape()});
  }
  LoadResult result = compare_state("load_state_dict", targets, offered, options);
  const std::unordered_map<std::string_view, Tensor> given(source.begin(), source.end());
  NoGradGuard no_grad;
  for (const auto& [name, target] : targets)
    if (const auto found = given.find(name); found != given.end()) target.copy_(found->second);
  return result;
}

std::vector<Tensor> detail::without_names(NamedTensors tensors) {
  std::vector<Tensor> result;
  result.reserve(tensors.size());
  for (auto& [name, tensor] : tensors) result.push_back(std::move(tensor));
  return result;
}

void EvalGuard::remember(const std::vector<bool*>& flags) {
  for (bool* flag : flags) {
    modes_.emplace_back(flag, *flag);
    *flag = false;
  }
}

EvalGuard::~EvalGuard() {
  for (const auto& [flag, mode] : modes_) *flag = mode;
}

}  // namespace reel::nn
