#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace reel {

/// A number of elements, an index, a stride or a dimension: one signed type for all of them.
using Size = std::int64_t;

/// The type of a tensor's elements, chosen at run time.
enum class DType : std::uint8_t { float32, float64, int64, int32, uint8, bool_ };

inline constexpr DType float32 = DType::float32;  ///< `float`: what tensors are unless told
inline constexpr DType float64 = DType::float64;  ///< `double`: what gradients are checked in
inline constexpr DType int64 = DType::int64;      ///< `std::int64_t`: classes and indices
inline constexpr DType int32 = DType::int32;      ///< `std::int32_t`
inline constexpr DType uint8 = DType::uint8;      ///< `std::uint8_t`: pixels of files
inline constexpr DType bool_ = DType::bool_;      ///< `bool`: masks and comparisons; a byte each

namespace detail {

/// What a dtype's elements are. A value of one kind is promoted to a later one, never back.
enum class Kind : std::uint8_t { boolean, integer, floating };

struct DTypeTraits {
  const char* name;
  Size bytes;
  Kind kind;
};

/// One row a dtype, in the order of `DType`.
inline constexpr DTypeTraits dtype_traits[] = {
    {"float32", 4, Kind::floating}, {"float64", 8, Kind::floating}, {"int64", 8, Kind::integer},
    {"int32", 4, Kind::integer},    {"uint8", 1, Kind::integer},    {"bool", 1, Kind::boolean}};

constexpr const DTypeTraits& traits_of(DType dtype) {
  return dtype_traits[static_cast<int>(dtype)];
}

constexpr Kind kind(DType dtype) { return traits_of(dtype).kind; }

}  // namespace detail

/// Bytes of one element.
constexpr Size item_size(DType dtype) { return detail::traits_of(dtype).bytes; }

/// Its name as PyTorch and NumPy write it: "float32", "bool".
constexpr const char* name(DType dtype) { return detail::traits_of(dtype).name; }

/// Whether gradients can flow through tensors of this type.
constexpr bool is_floating(DType dtype) { return detail::kind(dtype) == detail::Kind::floating; }

namespace detail {
template <class T>
consteval DType dtype_of() {
  if constexpr (std::same_as<T, bool>) {
    return bool_;
  } else if constexpr (std::same_as<T, int> || std::same_as<T, long> ||
                       std::same_as<T, long long>) {
    return sizeof(T) == 8 ? int64 : int32;
  } else if constexpr (std::same_as<T, unsigned char>) {
    return uint8;
  } else if constexpr (std::same_as<T, float>) {
    return float32;
  } else {
    static_assert(std::same_as<T, double>,
                  "Reel has no dtype for this C++ type: elements are float, double, std::int64_t, "
                  "std::int32_t, std::uint8_t or bool");
    return float64;
  }
}
}  // namespace detail

/// The dtype that holds C++ values of type `T`: `dtype_of<float> == float32`. Does not compile for
/// types that no dtype holds, such as `std::int8_t` and the unsigned ones of 2 bytes and more.
template <class T>
inline constexpr DType dtype_of = detail::dtype_of<std::remove_cv_t<T>>();

/// Calls `f(T{})` with a value of the C++ type that `dtype` stands for and returns what it returns:
/// the one place where a run-time dtype turns into a template argument.
template <class F>
constexpr decltype(auto) with_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32:
      return std::forward<F>(f)(float{});
    case DType::float64:
      return std::forward<F>(f)(double{});
    case DType::int64:
      return std::forward<F>(f)(std::int64_t{});
    case DType::int32:
      return std::forward<F>(f)(std::int32_t{});
    case DType::uint8:
      return std::forward<F>(f)(std::uint8_t{});
    case DType::bool_:
      return std::forward<F>(f)(bool{});
  }
  __builtin_unreachable();
}

/// The same for the dtypes that carry gradients; any other dtype is treated as float32, so the
/// caller checks `is_floating` first.
template <class F>
constexpr decltype(auto) with_floating(DType dtype, F&& f) {
  return dtype == DType::float64 ? std::forward<F>(f)(double{}) : std::forward<F>(f)(float{});
}

}  // namespace reel
