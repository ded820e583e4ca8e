#pragma once

/// @file
/// Functions that see, and may change, what goes into a module, what comes out of it, and the
/// gradients of both.

#include <atomic>
#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "reel/autograd/hooks.h"
#include "reel/nn/detail/hook_forms.h"
#include "reel/nn/detail/hook_table.h"
#include "reel/nn/detail/visitor.h"

namespace reel::nn {

/// The hooks of a module, as a field of it: `nn::Hooks hooks = {};`. Every layer of Reel has it; a
/// struct of one's own that has it, and an `operator()` that goes through `nn::call`, takes hooks
/// too.
///
/// Hooks belong to the object. They go with a module that is moved, as when a `std::vector` of
/// layers grows, and go with it when it is destroyed or overwritten by an assignment; copies and
/// clones of a module have none.
class REEL_API Hooks {
 public:
  Hooks() = default;
  /// None: a copy of a module has no hooks.
  Hooks(const Hooks&) noexcept {}
  /// The hooks of a module that is moved.
  Hooks(Hooks&& other) noexcept { take(other); }
  /// None: the module has become a copy of another.
  Hooks& operator=(const Hooks& other) noexcept {
    if (this != &other) leave();
    return *this;
  }
  /// The hooks of the other module, in the place of its own.
  Hooks& operator=(Hooks&& other) noexcept {
    if (this != &other) {
      leave();
      take(other);
    }
    return *this;
  }
  ~Hooks() { leave(); }

  /// Whether there is no hook.
  bool empty() const {
    const detail::HookTable* table = table_.load(std::memory_order_acquire);
    return table == nullptr || table->empty();
  }

  /// Used by what registers: made when it is first asked for.
  detail::HookTable& table(const void* module, const std::type_info& type);
  /// Used by what calls; null where there is none.
  detail::HookTable* table() const { return table_.load(std::memory_order_acquire); }

 private:
  void take(Hooks& other) noexcept {
    if (other.table_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      take_table(other);
  }
  void leave() noexcept {
    if (table_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      leave_table();
  }
  void take_table(Hooks& other) noexcept;
  void leave_table() noexcept;

  std::atomic<detail::HookTable*> table_ = nullptr;  // held until leave()
};

namespace detail {

/// A module that keeps its hooks elsewhere than in a field: an `AnyModule`.
template <class M>
concept HasHookTable = requires(const M& module) {
  { module.hook_table() } -> std::same_as<HookTable&>;
};

REEL_API HookTable& hook_table(const char* name, const ModuleRef& module);

template <class M>
HookTable& hook_table(const char*, M& module) {
  if constexpr (HasHookTable<M>) {
    return module.hook_table();
  } else {
    static_assert(takes_hooks<M>,
                  "Reel: a module takes hooks if it has a field for them, behind the others: "
                  "nn::Hooks hooks = {}; and an operator() that goes through nn::call");
    return module.hooks.table(&module, typeid(M));
  }
}

}  // namespace detail

/// Calls `hook` before each call of the module, with the module and what it is given. A hook that
/// returns something replaces the input: a tensor, or a `std::tuple` where there are several.
/// Follows `torch.nn.Module.register_forward_pre_hook`.
///
/// The parameters of a hook are the module and the first of what its `operator()` takes; or the
/// module and a list, for any module: `[](const nn::LSTM& lstm, const std::vector<Tensor>&
/// inputs)`, the tensors in all that it is given, undefined ones left out. The module may also be a
/// `const nn::ModuleRef&`, and is for an `AnyModule`. Other types do not compile.
///
/// Hooks run in the order in which they came, those of all modules first. A module that is called
/// by one of its own hooks runs without hooks.
///
/// **Example**
/// ```cpp
/// nn::register_forward_pre_hook(layer, [](const nn::Linear&, const Tensor& x) {
///   return x + 0.1 * randn(x.shape());
/// });
/// ```
template <class M, class F>
HookHandle register_forward_pre_hook(M& module, F hook) {
  constexpr const char* name = "register_forward_pre_hook";
  return detail::hook_table(name, module)
      .add(&detail::HookTable::forward_pre, detail::forward_pre_hook<M>(name, std::move(hook)));
}

/// Calls `hook` after each call of the module, with the module, what it was given and what it
/// returns. A hook that returns something replaces that. Parameters are as for
/// `register_forward_pre_hook`, with the output, or the list of its tensors, behind them. Follows
/// `torch.nn.Module.register_forward_hook`.
///
/// **Example**
/// ```cpp
/// Tensor features;
/// HookHandle handle = nn::register_forward_hook(
///     net.body, [&](const Block& body, const Tensor& x, const Tensor& y) { features = y; });
/// ```
template <class M, class F>
HookHandle register_forward_hook(M& module, F hook) {
  constexpr const char* name = "register_forward_hook";
  return detail::hook_table(name, module)
      .add(&detail::HookTable::forward, detail::forward_hook<M>(name, std::move(hook)));
}

/// Calls `hook` in the backward of each call of the module, when the gradients of its outputs have
/// come, with the module and those gradients: a tensor where the module returns one, or a list. A
/// hook that returns something replaces them. Follows
/// `torch.nn.Module.register_full_backward_pre_hook`.
///
/// Calls are followed that were made while there was such a hook and the tape recorded. The module
/// must still be there when backward runs; it may have been moved.
template <class M, class F>
HookHandle register_full_backward_pre_hook(M& module, F hook) {
  constexpr const char* name = "register_full_backward_pre_hook";
  return detail::hook_table(name, module)
      .add(&detail::HookTable::backward_pre, detail::backward_pre_hook<M>(name, std::move(hook)));
}

/// Calls `hook` in the backward of each call of the module, when the gradients of its inputs have
/// been computed, with the module, those gradients and those of its outputs: tensors where the
/// module takes one and returns one, or lists. An input that needs no gradient has an undefined
/// one; where none needs any, the hook runs when those of the outputs have come. A hook that
/// returns something replaces the gradients of the inputs. Else as
/// `register_full_backward_pre_hook`. Follows `torch.nn.Module.register_full_backward_hook`.
///
/// **Example**
/// ```cpp
/// nn::register_full_backward_hook(
///     layer, [](const nn::Linear&, const Tensor& dx, const Tensor& dy) { return clamp(dx, -1, 1); });
/// ```
template <class M, class F>
HookHandle register_full_backward_hook(M& module, F hook) {
  constexpr const char* name = "register_full_backward_hook";
  return detail::hook_table(name, module)
      .add(&detail::HookTable::backward, detail::backward_hook<M>(name, std::move(hook)));
}

/// Calls `hook` before each call of each module of the program that Reel sees: all layers, and
/// modules of one's own that go through `nn::call` or that `Sequential`, `AnyModule`, `fit` or
/// `summary` calls. It takes a `const nn::ModuleRef&` and the list of the inputs' tensors. While
/// there is one, layers run one by one that else run as one op. Follows
/// `torch.nn.modules.module.register_module_forward_pre_hook`.
template <class F>
HookHandle register_module_forward_pre_hook(F hook) {
  constexpr const char* name = "register_module_forward_pre_hook";
  return detail::hooks_of_all().add(&detail::HookTable::forward_pre,
                                    detail::forward_pre_hook<ModuleRef>(name, std::move(hook)));
}

/// The same after each call; `hook` takes the list of the output's tensors too. Follows
/// `torch.nn.modules.module.register_module_forward_hook`.
///
/// **Example**
/// ```cpp
/// nn::register_module_forward_hook([](const nn::ModuleRef& module, const std::vector<Tensor>&,
///                                     const std::vector<Tensor>& outputs) {
///   fmt::print("{} {}\n", module.type_name(), outputs.front().shape());
/// });
/// ```
template <class F>
HookHandle register_module_forward_hook(F hook) {
  constexpr const char* name = "register_module_forward_hook";
  return detail::hooks_of_all().add(&detail::HookTable::forward,
                                    detail::forward_hook<ModuleRef>(name, std::move(hook)));
}

}  // namespace reel::nn
