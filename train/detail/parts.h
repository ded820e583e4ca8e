#pragma once

// Internal: options that are told together, and the parts that use them, joined by the names of
// their fields. C++20 has no designated initialisers for the fields of a base class.

#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "reel/base/fields.h"

namespace reel::train::detail {

struct TupleOf {
  template <class... Fields>
  std::type_identity<std::tuple<Fields...>> operator()(Fields&...) const;
};
template <class T>
using FieldTypes = typename decltype(with_fields(std::declval<T&>(), TupleOf{}))::type;

template <class T, std::size_t I>
using FieldType = std::tuple_element_t<I, FieldTypes<T>>;

/// Whether `Other` has field `I` of `T`, by name and type.
template <class T, std::size_t I, class Other>
consteval bool has_field() {
  return []<std::size_t... J>(std::index_sequence<J...>) {
    return ((field_names<T>[I] == field_names<Other>[J] &&
             std::same_as<FieldType<T, I>, FieldType<Other, J>>) ||
            ...);
  }(std::make_index_sequence<field_count<Other>>());
}
template <class T, std::size_t I, class... Others>
consteval bool some_has_field() {
  return (has_field<T, I, Others>() || ...);
}

/// Whether each field of `T` is one of some of `Others`.
template <class T, class... Others>
consteval bool is_covered_by() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (some_has_field<T, I, Others...>() && ...);
  }(std::make_index_sequence<field_count<T>>());
}

/// Whether `Whole` has the fields of all `Parts`, and no others.
template <class Whole, class... Parts>
consteval bool is_made_of() {
  return is_covered_by<Whole, Parts...>() && (is_covered_by<Parts, Whole>() && ...);
}

/// A `Part` with what `whole` says; what it does not speak of is as by default.
template <class Part, class Whole>
Part part_of(const Whole& whole) {
  Part part;
  for_each_field(part, [&](std::string_view name, auto& field) {
    for_each_field(whole, [&](std::string_view other, const auto& value) {
      if constexpr (std::same_as<decltype(field), std::remove_cvref_t<decltype(value)>&>) {
        if (name == other) field = value;
      }
    });
  });
  return part;
}

}  // namespace reel::train::detail
