#pragma once

// Internal: how .cpp files of Reel report bad input. Pulls in fmt, so no public header includes it.

#include <fmt/format.h>

#include <concepts>
#include <limits>
#include <string>
#include <type_traits>

#include "reel/base/error.h"
#include "reel/base/fmt.h"

namespace reel {
namespace detail {

/// A NaN without its sign, which says nothing; all else as it is.
template <class T>
decltype(auto) without_sign_of_nan(const T& value) {
  if constexpr (std::floating_point<T>) {
    return value != value ? std::numeric_limits<T>::quiet_NaN() : value;
  } else {
    return (value);
  }
}

template <class... Args>
std::string format_message(fmt::string_view text, const Args&... args) {
  return fmt::vformat(text, fmt::make_format_args(args...));
}

}  // namespace detail

/// Throws `Error("[op] ...")`, the rest formatted by fmt.
template <class... Args>
[[noreturn]] void fail(const char* op, fmt::format_string<Args...> text, Args&&... args) {
  detail::throw_error(op, detail::format_message(text, detail::without_sign_of_nan(args)...));
}

/// `fail` unless `condition` holds.
template <class... Args>
void check(bool condition, const char* op, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) [[unlikely]]
    fail(op, text, std::forward<Args>(args)...);
}

}  // namespace reel
