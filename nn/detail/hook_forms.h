#pragma once

/// @file
/// What hooks may look like, checked at compile time, and how each is made from a function of the
/// user's. The sentences of what does not compile are tested in tests/compile/.

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/nn/detail/module_call.h"
#include "reel/nn/detail/visitor.h"

namespace reel::nn::detail {

using TensorList = std::vector<Tensor>;

REEL_API TensorList list_of(std::span<const Value> values);
REEL_API void replace_tensors(const char* name, std::span<const Value> values, TensorList with);
REEL_API void replace_gradients(const char* name, TensorList& gradients, TensorList with);
[[noreturn]] REEL_API void called_otherwise(const char* name, const ModuleCall& call);
REEL_API void check_one_tensor(const char* name, const ModuleGradients& gradients, bool inputs);

/// What a function takes and returns. `std::function` deduces it from all that name their types.
template <class Function>
struct HookSignature;
template <class R, class Module, class... Rest>
struct HookSignature<std::function<R(Module, Rest...)>> {
  using Result = R;
  using First = Module;
  using Types = std::tuple<std::remove_cvref_t<Rest>...>;
  static constexpr std::size_t size = sizeof...(Rest);
  static constexpr bool lists = (std::is_same_v<std::remove_cvref_t<Rest>, TensorList> && ...);
  static constexpr bool tensors = (std::is_same_v<std::remove_cvref_t<Rest>, Tensor> && ...);
};

template <class F>
concept NamesItsTypes =
    requires(F hook) { typename HookSignature<decltype(std::function{hook})>::First; };

template <class F>
using SignatureOf = HookSignature<decltype(std::function{std::declval<F>()})>;

template <class M, class F>
consteval void check_hook() {
  static_assert(NamesItsTypes<F>,
                "Reel: a hook is a function that names the types of what it takes, the module "
                "first: [](const nn::Linear& layer, const Tensor& x, const Tensor& y) { ... }");
  if constexpr (NamesItsTypes<F>) {
    using First = std::remove_cvref_t<typename SignatureOf<F>::First>;
    static_assert(std::is_same_v<First, ModuleRef> || std::is_same_v<First, std::remove_const_t<M>>,
                  "Reel: the first parameter of a hook is the module that it is registered on, or "
                  "a const nn::ModuleRef&, as it must be for an AnyModule and for all modules");
    static_assert(
        std::is_same_v<First, ModuleRef> || std::is_reference_v<typename SignatureOf<F>::First>,
        "Reel: a hook takes its module by reference");
  }
}

/// The module as the first parameter of a hook.
template <class First, class Call>
decltype(auto) module_as(const Call& call) {
  using Plain = std::remove_cvref_t<First>;
  if constexpr (std::is_same_v<Plain, ModuleRef>)
    return call.type->show(call.module);
  else
    return *static_cast<Plain*>(const_cast<void*>(call.module));
}

/// A value as what a hook takes.
template <class T>
T& value_as(const char* name, const ModuleCall& call, const Value& value) {
  if (*value.type != typeid(T)) called_otherwise(name, call);
  return *static_cast<T*>(value.at);
}

/// Puts what a hook has returned in the place of what it was given; an undefined tensor leaves it.
template <class T, class Result>
void replace(T& value, Result&& result) {
  T now(std::forward<Result>(result));
  if constexpr (std::is_same_v<T, Tensor>) {
    if (!now.defined()) return;
  }
  value = std::move(now);
}

template <class Callable, class Inputs>
inline constexpr bool is_called_with = false;
template <class Callable, class... Inputs>
inline constexpr bool is_called_with<Callable, std::tuple<Inputs...>> =
    std::is_invocable_v<Callable&, const Inputs&...>;

template <class Callable, class Inputs>
struct OutputOf;
template <class Callable, class... Inputs>
struct OutputOf<Callable, std::tuple<Inputs...>> {
  using type = std::remove_cvref_t<std::invoke_result_t<Callable&, const Inputs&...>>;
};

template <class Types, class Indices>
struct FirstOf;
template <class Types, std::size_t... I>
struct FirstOf<Types, std::index_sequence<I...>> {
  using type = std::tuple<std::tuple_element_t<I, Types>...>;
};

template <class M, class F>
std::function<void(const ModuleCall&)> forward_pre_hook(const char* name, F hook) {
  check_hook<M, F>();
  if constexpr (NamesItsTypes<F>) {
    using Hook = SignatureOf<F>;
    using Result = typename Hook::Result;
    if constexpr (Hook::size == 1 && Hook::lists) {
      static_assert(std::is_void_v<Result> || std::is_convertible_v<Result, TensorList>,
                    "Reel: a hook that takes a list returns nothing, or such a list");
      return [=, hook = std::move(hook)](const ModuleCall& call) mutable {
        auto&& module = module_as<typename Hook::First>(call);
        if constexpr (std::is_void_v<Result>)
          hook(module, list_of(call.inputs));
        else
          replace_tensors(name, call.inputs, hook(module, list_of(call.inputs)));
      };
    } else {
      using Types = typename Hook::Types;
      constexpr bool fits = Hook::size > 0 && is_called_with<M, Types>;
      static_assert(fits,
                    "Reel: a forward pre-hook takes the module and what the module takes, as in "
                    "[](const nn::Linear& layer, const Tensor& x) { ... }, or the module and a "
                    "const std::vector<Tensor>&");
      if constexpr (fits) {
        using First = std::tuple_element_t<0, Types>;
        constexpr bool one = Hook::size == 1 && std::is_convertible_v<Result, First>;
        static_assert(std::is_void_v<Result> || one || std::is_convertible_v<Result, Types>,
                      "Reel: a forward pre-hook returns nothing, or the input to go on with: a "
                      "std::tuple where there are several");
        return [=, hook = std::move(hook)](const ModuleCall& call) mutable {
          if (call.inputs.size() < Hook::size) called_otherwise(name, call);
          auto&& module = module_as<typename Hook::First>(call);
          [&]<std::size_t... I>(std::index_sequence<I...>) {
            const auto inputs =
                std::tie(value_as<std::tuple_element_t<I, Types>>(name, call, call.inputs[I])...);
            if constexpr (std::is_void_v<Result>) {
              hook(module, std::get<I>(inputs)...);
            } else if constexpr (one) {
              replace(std::get<0>(inputs), hook(module, std::get<0>(inputs)));
            } else {
              Types now(hook(module, std::get<I>(inputs)...));
              (replace(std::get<I>(inputs), std::get<I>(std::move(now))), ...);
            }
          }(std::make_index_sequence<Hook::size>());
        };
      }
    }
  }
}

template <class M, class F>
std::function<void(const ModuleCall&)> forward_hook(const char* name, F hook) {
  check_hook<M, F>();
  if constexpr (NamesItsTypes<F>) {
    using Hook = SignatureOf<F>;
    using Result = typename Hook::Result;
    if constexpr (Hook::size == 2 && Hook::lists) {
      static_assert(std::is_void_v<Result> || std::is_convertible_v<Result, TensorList>,
                    "Reel: a hook that takes lists returns nothing, or such a list");
      return [=, hook = std::move(hook)](const ModuleCall& call) mutable {
        auto&& module = module_as<typename Hook::First>(call);
        if constexpr (std::is_void_v<Result>)
          hook(module, list_of(call.inputs), list_of(call.output));
        else
          replace_tensors(name, call.output,
                          hook(module, list_of(call.inputs), list_of(call.output)));
      };
    } else {
      using Types = typename Hook::Types;
      constexpr std::size_t inputs = Hook::size == 0 ? 0 : Hook::size - 1;
      using Inputs = typename FirstOf<Types, std::make_index_sequence<inputs>>::type;
      constexpr bool fits = [] {
        if constexpr (inputs > 0 && is_called_with<M, Inputs>)
          return std::is_same_v<typename OutputOf<M, Inputs>::type,
                                std::tuple_element_t<inputs, Types>>;
        else
          return false;
      }();
      static_assert(fits,
                    "Reel: a forward hook takes the module, what the module takes and what it "
                    "returns, as in [](const nn::Linear& layer, const Tensor& x, const Tensor& y) "
                    "{ ... }, or the module and two const std::vector<Tensor>&");
      if constexpr (fits) {
        using Output = std::tuple_element_t<inputs, Types>;
        static_assert(std::is_void_v<Result> || std::is_convertible_v<Result, Output>,
                      "Reel: a forward hook returns nothing, or the output to go on with");
        return [=, hook = std::move(hook)](const ModuleCall& call) mutable {
          if (call.inputs.size() < inputs) called_otherwise(name, call);
          auto&& module = module_as<typename Hook::First>(call);
          Output& output = value_as<Output>(name, call, call.output[0]);
          [&]<std::size_t... I>(std::index_sequence<I...>) {
            const auto run = [&]() -> decltype(auto) {
              return hook(module,
                          value_as<std::tuple_element_t<I, Types>>(name, call, call.inputs[I])...,
                          output);
            };
            if constexpr (std::is_void_v<Result>)
              run();
            else
              replace(output, run());
          }(std::make_index_sequence<inputs>());
        };
      }
    }
  }
}

/// A hook of gradients, from a function of the module and of `count` tensors or `count` lists.
template <class M, std::size_t count, class F, class Run>
std::function<void(ModuleGradients&)> gradient_hook(const char* name, F hook, Run run) {
  check_hook<M, F>();
  if constexpr (NamesItsTypes<F>) {
    using Hook = SignatureOf<F>;
    using Result = typename Hook::Result;
    constexpr bool fits = Hook::size == count && (Hook::lists || Hook::tensors);
    static_assert(
        fits || count != 1,
        "Reel: a backward pre-hook takes the module and the gradient of its output, as in "
        "[](const nn::Linear& layer, const Tensor& dy) { ... }, or of its outputs, as a "
        "const std::vector<Tensor>&");
    static_assert(fits || count != 2,
                  "Reel: a backward hook takes the module, the gradient of its input and that of "
                  "its output, as in [](const nn::Linear& layer, const Tensor& dx, const Tensor& "
                  "dy) { ... }, or of its inputs and outputs, as two const std::vector<Tensor>&");
    if constexpr (fits) {
      static_assert(
          std::is_void_v<Result> ||
              std::is_convertible_v<Result, std::conditional_t<Hook::lists, TensorList, Tensor>>,
          "Reel: a backward hook returns nothing, or the gradient to go on with: a tensor if it "
          "takes tensors, a list if it takes lists");
      return [=, hook = std::move(hook)](ModuleGradients& gradients) mutable {
        auto&& module = module_as<typename Hook::First>(gradients);
        if constexpr (Hook::tensors) check_one_tensor(name, gradients, count == 2);
        const auto call = [&](auto&... of) -> decltype(auto) {
          if constexpr (Hook::lists)
            return hook(module, of...);
          else
            return hook(module, of[0]...);
        };
        TensorList& target = count == 1 ? gradients.outputs : gradients.inputs;
        if constexpr (std::is_void_v<Result>) {
          run(call, gradients);
        } else if constexpr (Hook::lists) {
          replace_gradients(name, target, run(call, gradients));
        } else if (Tensor now = run(call, gradients); now.defined()) {
          replace_gradients(name, target, {std::move(now)});
        }
      };
    }
  }
}

template <class M, class F>
std::function<void(ModuleGradients&)> backward_pre_hook(const char* name, F hook) {
  return gradient_hook<M, 1>(name, std::move(hook),
                             [](const auto& call, ModuleGradients& gradients) -> decltype(auto) {
                               return call(std::as_const(gradients.outputs));
                             });
}

template <class M, class F>
std::function<void(ModuleGradients&)> backward_hook(const char* name, F hook) {
  return gradient_hook<M, 2>(
      name, std::move(hook), [](const auto& call, ModuleGradients& gradients) -> decltype(auto) {
        return call(std::as_const(gradients.inputs), std::as_const(gradients.outputs));
      });
}

}  // namespace reel::nn::detail
