#pragma once

/// @file
/// What training asks of a module. A module is any plain struct: its parameters are found by
/// looking at its fields (base/fields.h), through nested structs, containers, optionals and smart
/// pointers.
///
/// Copies of a module share their parameters, as copies of a tensor do: `std::vector(3, layer)` is
/// one layer three times. `clone` copies them; `nn::repeat` makes layers of their own.

#include <concepts>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/nn/detail/deep_copy.h"
#include "reel/nn/detail/walk.h"
#include "reel/nn/parameter.h"

namespace reel::nn {

/// Anything but a tensor: keeps `nn::to(module, dtype)` from being found for `to(layer.weight,
/// dtype)`.
template <class M>
concept Module = !std::is_base_of_v<Tensor, M>;

/// What `load_state_dict` can be told.
struct LoadOptions {
  bool strict =
      true;  ///< names must match exactly; else missing and unexpected ones are left alone
};

/// What `load_state_dict` did not use.
struct LoadResult {
  std::vector<std::string> missing = {};     ///< in the module, not in the dictionary
  std::vector<std::string> unexpected = {};  ///< in the dictionary, not in the module
};

namespace detail {

/// The tensors a walk met.
class REEL_API TensorCollector final : public Visitor {
 public:
  explicit TensorCollector(TensorKind kind, bool once) : kind_(kind), once_(once) {}
  void tensor(const Tensor& tensor, TensorKind kind) override;
  NamedTensors take() { return std::move(found_); }

 private:
  TensorKind kind_;
  bool once_;  // a tensor shared by two fields counts once
  NamedTensors found_;
};

class REEL_API StateCollector final : public Visitor {
 public:
  void tensor(const Tensor& tensor, TensorKind kind) override;
  NamedTensors take() { return std::move(found_); }

 private:
  NamedTensors found_;
};

class REEL_API ModeVisitor final : public Visitor {
 public:
  void leave(const ModuleRef& module) override;
  const std::vector<bool*>& flags() const { return flags_; }

 private:
  std::vector<bool*> flags_;
};

class REEL_API DTypeVisitor final : public Visitor {
 public:
  explicit DTypeVisitor(DType dtype);
  void tensor(const Tensor& tensor, TensorKind kind) override;

 private:
  DType dtype_;
};

template <class F>
class ApplyVisitor final : public Visitor {
 public:
  explicit ApplyVisitor(F& f) : f_(f) {}
  void leave(const ModuleRef& module) override {
    if constexpr (std::is_invocable_v<F&, const ModuleRef&>)
      f_(module);
    else
      call(module, &F::operator());
  }

 private:
  template <class Result, class M>
  void call(const ModuleRef& module, Result (F::*)(M&) const) {
    if (auto* found = module.as<M>()) f_(*found);
  }
  template <class Result, class M>
  void call(const ModuleRef& module, Result (F::*)(M&)) {
    if (auto* found = module.as<M>()) f_(*found);
  }

  F& f_;
};

REEL_API StateDict make_state_dict(NamedTensors tensors);
REEL_API LoadResult load_tensors(const NamedTensors& targets, const StateDict& source,
                                 const LoadOptions& options);
REEL_API std::vector<Tensor> without_names(NamedTensors tensors);

template <class M>
std::vector<bool*> mode_flags(M& module) {
  ModeVisitor visitor;
  walk(module, visitor);
  return visitor.flags();
}

}  // namespace detail

/// The parameters of a module with their names, in order of declaration; one that two layers share
/// appears once, under its first name. Follows `torch.nn.Module.named_parameters`.
///
/// Throws when a plain `Tensor` member requires a gradient: it is not clear that it is to be
/// trained.
template <Module M>
NamedTensors named_parameters(const M& module) {
  detail::TensorCollector visitor(detail::TensorKind::parameter, true);
  detail::walk_constant(module, visitor);
  return visitor.take();
}

/// The parameters of a module: what an optimizer takes. Those that copies of a module share count
/// once: `std::vector<Block>(3, Block{4})` has the parameters of one block; `nn::repeat` makes
/// three. Follows `torch.nn.Module.parameters`.
template <Module M>
std::vector<Tensor> parameters(const M& module) {
  return detail::without_names(named_parameters(module));
}

/// The buffers of a module with their names. Follows `torch.nn.Module.named_buffers`.
template <Module M>
NamedTensors named_buffers(const M& module) {
  detail::TensorCollector visitor(detail::TensorKind::buffer, true);
  detail::walk_constant(module, visitor);
  return visitor.take();
}

/// The buffers of a module: saved, not trained. Follows `torch.nn.Module.buffers`.
template <Module M>
std::vector<Tensor> buffers(const M& module) {
  return detail::without_names(named_buffers(module));
}

/// All parameters and buffers under their names, outside the tape, sharing the module's memory; a
/// shared parameter appears under each of its names. Follows `torch.nn.Module.state_dict`.
template <Module M>
StateDict state_dict(const M& module) {
  detail::StateCollector visitor;
  detail::walk_constant(module, visitor);
  return detail::make_state_dict(visitor.take());
}

/// Copies the tensors of a dictionary into the module's. Everything is checked first: when it
/// throws, nothing has changed. Follows `torch.nn.Module.load_state_dict`.
///
/// Throws one error that lists all missing and unexpected names and all entries whose shape or
/// dtype is not the module's. With `{.strict = false}` missing and unexpected names are only
/// returned.
template <Module M>
LoadResult load_state_dict(M& module, const StateDict& source, const LoadOptions& options = {}) {
  detail::StateCollector visitor;
  detail::walk(module, visitor);
  return detail::load_tensors(visitor.take(), source, options);
}

/// A copy with parameters and buffers of its own; what was shared inside stays shared. Gradients
/// are not copied. Works for members that can only be moved. Follows `copy.deepcopy`.
template <Module M>
M clone(const M& module) {
  detail::CopyMemo memo;
  return detail::deep_copy(module, memo);
}

/// Puts a module in training mode, where dropout drops and batch norm uses the batch: sets the
/// field `bool training` of each sub-module that has one. Follows `torch.nn.Module.train`.
template <Module M>
void train(M& module, bool mode = true) {
  for (bool* flag : detail::mode_flags(module)) *flag = mode;
}

/// Puts a module in evaluation mode; see `train`.
template <Module M>
void eval(M& module) {
  train(module, false);
}

/// Whether any sub-module with a mode is in training mode; true for modules without any.
template <Module M>
bool is_training(const M& module) {
  const std::vector<bool*> flags = detail::mode_flags(const_cast<M&>(module));
  for (const bool* flag : flags)
    if (*flag) return true;
  return flags.empty();
}

/// Evaluation mode for as long as it lives; then each sub-module returns to the mode it had.
/// The module must stay where it is meanwhile.
class REEL_API EvalGuard {
 public:
  /// Switches `module` to evaluation.
  template <Module M>
  explicit EvalGuard(M& module) {
    remember(detail::mode_flags(module));
  }
  ~EvalGuard();
  EvalGuard(const EvalGuard&) = delete;
  EvalGuard& operator=(const EvalGuard&) = delete;

 private:
  void remember(const std::vector<bool*>& flags);

  std::vector<std::pair<bool*, bool>> modes_;
};

/// How many numbers a module trains; shared parameters count once.
template <Module M>
Size num_parameters(const M& module) {
  Size total = 0;
  for (const Tensor& parameter : parameters(module)) total += parameter.numel();
  return total;
}

/// Clears the gradients of all parameters. Follows `torch.nn.Module.zero_grad`.
template <Module M>
void zero_grad(const M& module) {
  for (const Tensor& parameter : parameters(module)) parameter.set_grad({});
}

/// Freezes a module (`false`) or lets it be trained again. Follows
/// `torch.nn.Module.requires_grad_`.
template <Module M>
void requires_grad_(const M& module, bool value = true) {
  for (const Tensor& parameter : parameters(module)) parameter.requires_grad_(value);
}

/// Converts the floating parameters and buffers, and gradients, of a module in place: optimizers
/// that hold them see the change. Follows `torch.nn.Module.to`.
///
/// Throws for integer dtypes.
template <Module M>
void to(M& module, DType dtype) {
  detail::DTypeVisitor visitor(dtype);
  detail::walk(module, visitor);
}

/// Calls `f` with every module inside `module`, inner ones first, the module itself last.
/// `f` takes a type of module and is called for those, or a `const ModuleRef&` and is called for
/// all. Follows `torch.nn.Module.apply`.
///
/// **Example**
/// ```cpp
/// nn::apply(net, [](nn::Linear& layer) { nn::init::xavier_uniform_(layer.weight); });
/// ```
template <Module M, class F>
void apply(M& module, F&& f) {
  detail::ApplyVisitor<std::remove_reference_t<F>> visitor(f);
  detail::walk(module, visitor);
}

}  // namespace reel::nn
