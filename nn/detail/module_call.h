#pragma once

/// @file
/// A call of a module as its hooks see it, with all types forgotten.

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/base/detail/error_context.h"

namespace reel::nn {

class ModuleRef;

namespace detail {

class Visitor;

/// A type of module, as far as error messages and hooks ask.
struct ModuleType : reel::detail::ErrorContext::Kind {
  const std::type_info* type;
  void (*walk)(const void* module, Visitor& visitor);
  ModuleRef (*show)(const void* module);
};

/// The walk over a module (nn/detail/walk.h), its type forgotten.
template <class M>
void walk_module(const void* module, Visitor& visitor);
/// The module as `nn::apply` shows it, without a path.
template <class M>
ModuleRef show_module(const void* module);

/// A value that a module was given or returns.
struct Value {
  void* at;
  const std::type_info* type;
  void (*walk)(const void* value, Visitor& visitor);  // null where there is no tensor inside
};

template <class T>
Value value_of(T& value) {
  // What has nothing to destroy holds no tensor.
  if constexpr (std::is_same_v<T, Tensor> || std::is_trivially_destructible_v<T>)
    return {&value, &typeid(T), nullptr};
  else
    return {&value, &typeid(T), walk_module<T>};
}

/// The tensors in some values, in order; undefined ones are left out.
REEL_API std::vector<Tensor*> tensors_in(std::span<const Value> values);

/// A call while its hooks run. What they replace, they replace in its values.
struct ModuleCall {
  const void* module;
  const ModuleType* type;
  std::span<const Value> inputs;
  std::span<const Value> output;  // empty before the module has run
};

/// The gradients of a call.
struct ModuleGradients {
  const void* module;
  const ModuleType* type;
  std::vector<Tensor> inputs;   // undefined where none is needed; empty before backward ran through
  std::vector<Tensor> outputs;  // undefined where none came
};

}  // namespace detail
}  // namespace reel::nn
