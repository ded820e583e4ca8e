#pragma once

/// @file
/// The walk over a module: finds its tensors, settings and sub-modules, and refuses at compile time
/// what it cannot look into.

#include <concepts>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "reel/base/fields.h"
#include "reel/nn/detail/callable.h"
#include "reel/nn/detail/kernel_stride.h"
#include "reel/nn/detail/visitor.h"
#include "reel/nn/parameter.h"
#include "reel/nn/required.h"
#include "reel/ops/image/sizes.h"

namespace reel {
class Generator;
}

namespace reel::nn {

/// Says that a class holds no module and no tensor, so that it may be a member of a module although
/// Reel cannot look into it: `template <> inline constexpr bool reel::nn::is_setting<MyConfig> =
/// true;`.
template <class T>
inline constexpr bool is_setting = false;
template <>
inline constexpr bool is_setting<Generator> = true;
template <>
inline constexpr bool is_setting<Hooks> = true;

namespace detail {

/// What a member of a module is to the walk.
enum class Member {
  tensor,
  setting,   // a value without tensors inside
  function,  // something to call without fields: std::function, a lambda, an empty struct
  closure,   // something to call with room for a reference to a module: a lambda that captures
  custom,    // the class has its own reel_walk and reel_copy
  fields,    // a plain struct, or a class that lists its fields
  map,
  sequence,
  tuple,
  pointer,  // std::optional too
  raw_pointer
};

template <class T>
inline constexpr bool is_function_wrapper = false;
template <template <class> class Wrapper, class Result, class... Args>
inline constexpr bool is_function_wrapper<Wrapper<Result(Args...)>> = true;

template <class T>
inline constexpr bool is_required = false;
template <class T>
inline constexpr bool is_required<Required<T>> = true;

template <class T>
inline constexpr bool is_sizes = false;
template <int n>
inline constexpr bool is_sizes<Sizes<n>> = true;
template <class Layer, int n>
inline constexpr bool is_sizes<KernelStride<Layer, n>> = true;
template <class T>
inline constexpr bool is_padding = false;
template <int axes>
inline constexpr bool is_padding<Padding<axes>> = true;

template <class T>
concept StringLike = std::convertible_to<const T&, std::string_view>;

// `reel_self` tells the author of the hooks from a class derived from it.
template <class T>
concept HasOwnWalk = requires { requires std::same_as<typename T::reel_self, T>; };

// A member that names its own parts, which appear as fields of the module around it.
template <class T>
concept NamesParts = HasOwnWalk<T> && requires { requires T::reel_names_parts; };

template <class T>
concept Sequence = requires(T& range) {
  std::begin(range);
  std::end(range);
};

template <class T>
concept Map = Sequence<T> && requires { typename T::mapped_type; };

template <class T>
concept Pointer = requires(T& pointer) {
  *pointer;
  static_cast<bool>(pointer);
};

template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; };

template <Sequence T>
using Element = std::remove_cvref_t<decltype(*std::begin(std::declval<T&>()))>;

// A class with nothing to destroy owns no tensor and need not be looked into, as a lambda that
// captures a small number. Visible fields are looked at all the same: one may be a pointer.
template <class T>
consteval bool owns_nothing() {
  if constexpr (std::is_empty_v<T>)
    return true;
  else if constexpr (!std::is_trivially_destructible_v<T>)
    return false;
  else if constexpr (!std::is_aggregate_v<T>)
    return true;
  else
    return reel::detail::field_trap<T> != reel::detail::FieldTrap::none &&
           reel::detail::field_trap<T> != reel::detail::FieldTrap::reference;
}

template <class T>
consteval Member classify() {
  if constexpr (std::is_base_of_v<Tensor, T>)
    return Member::tensor;
  else if constexpr (is_setting<T> || is_required<T> || StringLike<T>)
    return Member::setting;
  else if constexpr (std::is_pointer_v<T>)
    return std::is_object_v<std::remove_pointer_t<T>> ? Member::raw_pointer : Member::function;
  else if constexpr (std::is_scalar_v<T>)
    return Member::setting;
  else if constexpr (HasOwnWalk<T>)
    return Member::custom;
  else if constexpr (std::is_class_v<T> && reel::detail::HasListedFields<T>)
    return Member::fields;
  else if constexpr (is_function_wrapper<T>)
    return Member::function;
  else if constexpr (Map<T>)
    return Member::map;
  else if constexpr (Sequence<T>) {
    using Item = Element<T>;
    if constexpr (std::is_same_v<Item, T> || std::is_scalar_v<Item>)
      return Member::setting;
    else if constexpr (requires {
                         typename T::value_type;
                         requires std::is_scalar_v<typename T::value_type>;
                       })
      return Member::setting;  // std::vector<bool>
    else
      return Member::sequence;
  } else if constexpr (TupleLike<T>)
    return Member::tuple;
  else if constexpr (owns_nothing<T>())
    return !CallableWithTensor<T>                                ? Member::setting
           : std::is_aggregate_v<T> || sizeof(T) < sizeof(void*) ? Member::function
                                                                 : Member::closure;
  else if constexpr (!std::is_trivially_destructible_v<T> && Pointer<T> && !CallableWithTensor<T>)
    return Member::pointer;
  else
    return Member::fields;
}

template <class T>
inline constexpr Member member = classify<std::remove_const_t<T>>();

template <class T>
inline constexpr TensorKind tensor_kind = std::is_base_of_v<Parameter, T> ? TensorKind::parameter
                                          : std::is_base_of_v<Buffer, T>  ? TensorKind::buffer
                                                                          : TensorKind::plain;

template <class T>
Setting describe_setting(const T& value) {
  Setting setting;
  if constexpr (is_required<T>) {
    setting = describe_setting(value());
    setting.required = true;
  } else if constexpr (requires { value.is_usual(); }) {
    if (!value.is_usual()) setting = describe_setting(std::string_view(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    setting.kind = Setting::Kind::boolean;
    setting.integer = value;
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    setting.kind = Setting::Kind::integer;
    setting.integer = static_cast<Size>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    setting.kind = Setting::Kind::floating;
    setting.floating = static_cast<double>(value);
  } else if constexpr (StringLike<T>) {
    setting.kind = Setting::Kind::text;
    setting.text = std::string_view(value);
  } else if constexpr (is_sizes<T>) {
    if (value == T(value[0])) return describe_setting(value[0]);
    setting.kind = Setting::Kind::sizes;
    setting.sizes = reel::detail::numbers(value);
  } else if constexpr (std::is_same_v<T, Shape>) {
    if (value.size() == 1) return describe_setting(value[0]);
    setting.kind = Setting::Kind::sizes;
    setting.sizes = value;
  } else if constexpr (is_padding<T>) {
    setting = describe_setting(value.size);
    if (value.same) setting = describe_setting("same");
  } else if constexpr (Pointer<T>) {  // std::optional
    if (value) setting = describe_setting(*value);
  }
  return setting;
}

template <class T>
void walk(T& node, Visitor& visitor);

template <class T, class Name>
void walk_member(T& node, const Name& name, Visitor& visitor) {
  const std::size_t mark = visitor.push(name);
  walk(node, visitor);
  visitor.pop(mark);
}

template <class T>
void walk_map(T& map, Visitor& visitor) {
  for (auto& [key, value] : map) {
    if constexpr (StringLike<decltype(key)>)
      walk_member(value, std::string_view(key), visitor);
    else
      walk_member(value, static_cast<std::size_t>(key), visitor);
  }
}

/// Throws for a bias that is wanted and was never made, as in a struct of the user's own.
REEL_API void check_made(const Bias& bias, const Visitor& visitor);

/// Visits the fields of a struct in order of declaration. A bias, which is declared among the
/// options, is a setting there; its tensor comes after the one that follows: `weight`, `bias`.
template <class T>
void walk_fields(T& node, Visitor& visitor) {
  const Bias* bias = nullptr;
  std::string_view bias_name;
  const auto walk_bias = [&] {
    if (bias != nullptr) walk_member(*bias, bias_name, visitor);
    bias = nullptr;
  };
  for_each_field(node, [&](std::string_view name, auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_same_v<Field, Bias>) {
      walk_bias();
      bias = &field;
      bias_name = name;
      const std::size_t mark = visitor.push(name);
      check_made(field, visitor);
      visitor.setting(describe_setting(field.defined()));
      visitor.pop(mark);
    } else if constexpr (NamesParts<Field>) {
      walk(field, visitor);
    } else {
      walk_member(field, name, visitor);
      if constexpr (std::is_base_of_v<Tensor, Field>) walk_bias();
    }
  });
  walk_bias();
}

/// Visits everything inside `node`.
template <class T>
void walk(T& node, Visitor& visitor) {
  constexpr Member kind = member<T>;
  static_assert(
      kind != Member::raw_pointer || StringLike<T>,
      "Reel: a module must not hold a raw pointer, which says nothing of who owns what it "
      "points to: use std::unique_ptr or std::shared_ptr, or list the other fields with "
      "REEL_FIELDS(fc1, fc2)");
  static_assert(
      kind != Member::closure,
      "Reel: this lambda captures something (or this object to call hides its members), so that "
      "the parameters of a module in it would not be found: write a struct with operator() that "
      "holds the module");
  if constexpr (kind == Member::tensor) {
    if (node.defined()) visitor.tensor(node, tensor_kind<std::remove_const_t<T>>);
  } else if constexpr (kind == Member::setting) {
    visitor.setting(describe_setting(node));
  } else if constexpr (kind == Member::custom) {
    std::remove_const_t<T>::reel_walk(node, visitor);
  } else if constexpr (kind == Member::map) {
    walk_map(node, visitor);
  } else if constexpr (kind == Member::sequence) {
    std::size_t index = 0;
    for (auto& element : node) walk_member(element, index++, visitor);
  } else if constexpr (kind == Member::tuple) {
    std::apply(
        [&](auto&... element) {
          std::size_t index = 0;
          (walk_member(element, index++, visitor), ...);
        },
        node);
  } else if constexpr (kind == Member::pointer) {
    if (node) walk(*node, visitor);
  } else if constexpr (kind == Member::function || kind == Member::fields) {
    const ModuleRef here(node, visitor.path());
    visitor.enter(here);
    if constexpr (kind == Member::fields) walk_fields(node, visitor);
    visitor.leave(here);
  }
}

/// The walk over a constant module, for visitors that only look.
template <class T>
void walk_constant(const T& node, Visitor& visitor) {
  walk(const_cast<T&>(node), visitor);
}

template <class M>
void walk_module(const void* module, Visitor& visitor) {
  walk_constant(*static_cast<const M*>(module), visitor);
}

template <class M>
ModuleRef show_module(const void* module) {
  static const std::string no_path;
  return {*static_cast<M*>(const_cast<void*>(module)), no_path};
}

}  // namespace detail
}  // namespace reel::nn
