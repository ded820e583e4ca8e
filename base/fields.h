#pragma once

/// @file
/// Compile-time reflection of plain structs: how many fields, where they are, what they are called.
///
/// A plain struct (an aggregate without a base class) needs nothing. A class with a base, private
/// members, constructors, references or C arrays lists its fields with one line, `REEL_FIELDS`.

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <reel/base/detail/unpack_fields.h>

/// Lists the fields of a class that is not a plain struct; goes anywhere in the class body.
///
/// **Example**
/// ```cpp
/// class Net : public Base {
///   nn::Linear fc1_{784, 128}, fc2_{128, 10};
///   REEL_FIELDS(fc1_, fc2_)
/// };
/// ```
/// Fields left out are not seen by `nn::parameters`, `nn::state_dict` and the rest.
#define REEL_FIELDS(...)                                                  \
  friend struct ::reel::detail::ListedFields;                             \
  constexpr auto reel_fields() { return ::std::tie(__VA_ARGS__); }        \
  constexpr auto reel_fields() const { return ::std::tie(__VA_ARGS__); }  \
  static constexpr const char* reel_field_text() { return #__VA_ARGS__; } \
  constexpr void reel_lists_fields() const {}

namespace reel {
namespace detail {

// ---- classes that list their fields

struct ListedFields {
  template <class T>
  static constexpr auto tie(T& object) -> decltype(object.reel_fields()) {
    return object.reel_fields();
  }
  template <class T>
  static constexpr auto text() -> decltype(T::reel_field_text()) {
    return T::reel_field_text();
  }
  // The class that wrote REEL_FIELDS: a base class' list says nothing of a derived class' fields.
  template <class T>
  static auto author() -> decltype(&T::reel_lists_fields);
};

template <class T>
concept HasListedFields = requires { ListedFields::author<T>(); };

template <class T>
concept ListsOwnFields = std::is_same_v<decltype(ListedFields::author<T>()), void (T::*)() const>;

// ---- how many fields

// Stands for the initialiser of any field; never for the whole struct, so T{any} is not a copy.
template <class Whole>
struct AnyValue {
  template <class Field>
    requires(!std::is_same_v<Field, Whole>)
  operator Field() const noexcept {
    __builtin_unreachable();
  }
};

template <class Whole>
struct AnyLvalue {
  template <class Field>
    requires(!std::is_same_v<std::remove_cv_t<Field>, Whole>)
  operator Field&() const noexcept {
    __builtin_unreachable();
  }
};

template <class Whole>
struct AnyBase {
  template <class Field>
    requires(std::is_base_of_v<Field, Whole> && !std::is_same_v<Field, Whole>)
  operator Field() const noexcept {
    __builtin_unreachable();
  }
};

// Initialises only a field that can be made from anything, such as a type-erased callable.
struct NoValue {};

template <class T, std::size_t>
using Any = AnyValue<T>;

template <std::size_t N>
using Times = std::make_index_sequence<N>;

template <class T, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
  return requires { T{Any<T, I>{}...}; };
}

template <class T, class Last, std::size_t... I>
consteval bool takes_then(std::index_sequence<I...>) {
  return requires { T{Any<T, I>{}..., Last{}}; };
}

template <class T, class First, std::size_t... I>
consteval bool takes_first(std::index_sequence<I...>) {
  return requires { T{First{}, Any<T, I>{}...}; };
}

template <class T, std::size_t... I>
consteval bool takes_only_lvalues(std::index_sequence<I...>) {
  return requires { T{(void(I), AnyLvalue<T>{})...}; };
}

// One inner list of braces after `Before` values and before `After` values.
template <class T, std::size_t... Before, std::size_t... Inside, std::size_t... After>
consteval bool takes_braces(std::index_sequence<Before...>, std::index_sequence<Inside...>,
                            std::index_sequence<After...>) {
  return requires { T{Any<T, Before>{}..., {Any<T, Inside>{}...}, Any<T, After>{}...}; };
}

inline constexpr std::size_t no_count = static_cast<std::size_t>(-1);

// The accepted numbers of initialisers form one interval: below it a field without a default is
// left out, above it there is no field. Counting from zero meets its end soonest.
template <class T, std::size_t N = 0, bool Found = false>
consteval std::size_t count_initialisers() {
  if constexpr (takes<T>(Times<N>{})) {
    if constexpr (N > max_fields)
      return N;
    else
      return count_initialisers<T, N + 1, true>();
  } else if constexpr (Found) {
    return N - 1;
  } else if constexpr (N > max_fields) {
    return no_count;
  } else {
    return count_initialisers<T, N + 1, false>();
  }
}

// A C array takes as many initialisers as it has elements, unless they stand in braces of their
// own.
template <class T, std::size_t Count, std::size_t At, std::size_t Length>
consteval bool is_array_of_at_least() {
  if constexpr (At + Length > Count)
    return false;
  else if constexpr (takes_braces<T>(Times<At>{}, Times<Length>{}, Times<Count - At - Length>{}) &&
                     !takes_braces<T>(Times<At>{}, Times<Length>{},
                                      Times<Count - At - Length + 1>{}))
    return true;
  else
    return is_array_of_at_least<T, Count, At, Length + 1>();
}

template <class T, std::size_t Count, std::size_t At = 0>
consteval bool has_array() {
  if constexpr (At + 1 >= Count)
    return false;
  else if constexpr (!takes_braces<T>(Times<At>{}, Times<0>{}, Times<Count - At - 1>{}) &&
                     is_array_of_at_least<T, Count, At, 2>())
    return true;
  else
    return has_array<T, Count, At + 1>();
}

template <class T, std::size_t Count>
consteval bool has_base() {
  if constexpr (Count == 0)
    return false;
  else
    return takes_first<T, AnyBase<T>>(Times<Count - 1>{}) &&
           !takes_first<T, NoValue>(Times<Count - 1>{});
}

enum class FieldTrap {
  none,
  inherited_list,
  not_plain,
  too_many,
  base_class,
  reference,
  array,
  hidden
};

// A struct that no number of values initialises, but values that may be bound to references do.
template <class T, std::size_t N = 1>
consteval bool takes_lvalues() {
  if constexpr (N > max_fields)
    return false;
  else if constexpr (takes_only_lvalues<T>(Times<N>{}))
    return true;
  else
    return takes_lvalues<T, N + 1>();
}

template <class T>
consteval FieldTrap find_trap() {
  if constexpr (ListsOwnFields<T>)
    return FieldTrap::none;
  else if constexpr (HasListedFields<T>)
    return FieldTrap::inherited_list;
  else if constexpr (!std::is_aggregate_v<T> || std::is_union_v<T>)
    return FieldTrap::not_plain;
  else if constexpr (std::is_empty_v<T>)
    return FieldTrap::none;
  else {
    constexpr std::size_t count = count_initialisers<T>();
    if constexpr (count == no_count)
      return takes_lvalues<T>() ? FieldTrap::reference : FieldTrap::hidden;
    else if constexpr (count > max_fields)
      return FieldTrap::too_many;
    else if constexpr (has_base<T, count>())
      return FieldTrap::base_class;
    else if constexpr (takes_then<T, AnyLvalue<T>>(Times<count>{}))
      return FieldTrap::reference;
    else if constexpr (takes_braces<T>(Times<count>{}, Times<0>{}, Times<0>{}))
      return FieldTrap::hidden;
    else if constexpr (has_array<T, count>())
      return FieldTrap::array;
    else if constexpr (decltype(Unpack<count>::has_reference(std::declval<T&>()))::value)
      return FieldTrap::reference;
    else
      return FieldTrap::none;
  }
}

template <class T>
inline constexpr FieldTrap field_trap = find_trap<T>();

template <class T>
consteval bool has_visible_fields() {
  constexpr FieldTrap trap = field_trap<T>;
  static_assert(trap != FieldTrap::inherited_list,
                "Reel: the base class lists its fields with REEL_FIELDS and this class does not: "
                "write REEL_FIELDS(...) here too, naming the inherited fields and its own");
  static_assert(
      trap != FieldTrap::not_plain,
      "Reel: this class has private members, constructors or virtual functions, which hide "
      "its fields: list them in it with REEL_FIELDS(fc1, fc2) (or a lambda that captures a "
      "module: write a struct with operator() instead)");
  static_assert(trap != FieldTrap::too_many,
                "Reel: this struct has more than 64 fields (every element of a C array counts): "
                "group some of them in a struct, or list the modules with REEL_FIELDS(fc1, fc2)");
  static_assert(trap != FieldTrap::base_class,
                "Reel: this struct has a base class, which hides its fields: "
                "remove the base, or list them in it with REEL_FIELDS(fc1, fc2)");
  static_assert(
      trap != FieldTrap::reference,
      "Reel: this struct has a reference member, which hides its fields: hold the module by "
      "value or by std::shared_ptr, or list the fields with REEL_FIELDS(fc1, fc2)");
  static_assert(trap != FieldTrap::array,
                "Reel: this struct has a C array, which hides its fields: make it a std::array or "
                "std::vector, or list the fields with REEL_FIELDS(fc1, fc2)");
  static_assert(
      trap != FieldTrap::hidden,
      "Reel: this struct has a member that can be made from anything (such as std::any) or "
      "from nothing, which hides its fields: list them with REEL_FIELDS(fc1, fc2)");
  return trap == FieldTrap::none;
}

template <class T>
consteval std::size_t count_fields() {
  if constexpr (!has_visible_fields<T>() || std::is_empty_v<T>)
    return 0;
  else if constexpr (HasListedFields<T>)
    return std::tuple_size_v<decltype(ListedFields::tie(std::declval<T&>()))>;
  else
    return count_initialisers<T>();
}

}  // namespace detail

/// Number of fields of a plain struct, or of a class with `REEL_FIELDS`.
template <class T>
inline constexpr std::size_t field_count = detail::count_fields<std::remove_const_t<T>>();

/// Calls `f(field0, field1, ...)` with references to all fields of `object` and returns its result.
template <class T, class F>
constexpr decltype(auto) with_fields(T& object, F&& f) {
  if constexpr (detail::ListsOwnFields<std::remove_const_t<T>>)
    return std::apply(std::forward<F>(f), detail::ListedFields::tie(object));
  else
    return detail::Unpack<field_count<T>>::apply(object, std::forward<F>(f));
}

namespace detail {

// ---- what the fields are called

template <std::size_t Count>
struct FieldNames {
  std::string_view names[Count == 0 ? 1 : Count];
  constexpr std::string_view operator[](std::size_t i) const { return names[i]; }
};

constexpr bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::string_view last_word(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !is_word(text[end - 1])) --end;
  std::size_t begin = end;
  while (begin > 0 && is_word(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

// The names in "fc1, this->fc2, Base::fc3".
template <std::size_t Count>
consteval FieldNames<Count> split_names(std::string_view text) {
  FieldNames<Count> result{};
  for (std::size_t i = 0; i < Count; ++i) {
    const std::size_t comma = text.find(',');
    result.names[i] = last_word(text.substr(0, comma));
    if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
  }
  return result;
}

// The compiler spells out which member an address belongs to. The object is never defined: only
// the addresses of its members are used, and only at compile time.
template <class T>
struct Unmade {
  T value;
};

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

template <class T>
extern Unmade<T> unmade;

struct Address {
  const volatile void* at;
};

template <Address FieldAddress>
consteval const char*
spelled_address() {  // not a string_view: GCC would add that alias to the text
  return __PRETTY_FUNCTION__;
}

template <std::size_t Count>
struct Addresses {
  Address field[Count];
};

template <class T>
consteval auto field_addresses() {
  return with_fields(unmade<T>.value, [](auto&... field) {
    return Addresses<sizeof...(field)>{{Address{__builtin_addressof(field)}...}};
  });
}

template <class T, std::size_t... I>
consteval FieldNames<sizeof...(I)> spell_names(std::index_sequence<I...>) {
  return {{last_word(spelled_address<field_addresses<T>().field[I]>())...}};
}

#ifdef __clang__
#pragma clang diagnostic pop
#endif

template <class T>
consteval FieldNames<field_count<T>> name_fields() {
  if constexpr (field_count<T> == 0)
    return {};
  else if constexpr (ListsOwnFields<T>)
    return split_names<field_count<T>>(ListedFields::text<T>());
  else
    return spell_names<T>(Times<field_count<T>>{});
}

}  // namespace detail

/// Names of the fields of `T` in order of declaration: `field_names<T>[0]`.
template <class T>
inline constexpr auto field_names = detail::name_fields<std::remove_const_t<T>>();

/// Calls `visit(name, field)` for each field of `object` in order of declaration.
template <class T, class Visit>
constexpr void for_each_field(T& object, Visit&& visit) {
  with_fields(object, [&](auto&... field) {
    [[maybe_unused]] std::size_t i = 0;
    (visit(field_names<T>[i++], field), ...);
  });
}

}  // namespace reel
