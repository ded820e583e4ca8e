#pragma once

// Internal: how .cpp files of Reel report bad input. Pulls in fmt, so no public header includes it.

#include <fmt/format.h>

#include "reel/autograd/error.h"
#include "reel/autograd/fmt.h"

namespace reel {

/// Throws `Error("[op] ...")`, the rest formatted by fmt.
template <class... Args>
[[noreturn]] void fail(const char* op, fmt::format_string<Args...> text, Args&&... args) {
  detail::throw_error(op, fmt::format(text, std::forward<Args>(args)...));
}

/// `fail` unless `condition` holds.
template <class... Args>
void check(bool condition, const char* op, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) [[unlikely]]
    fail(op, text, std::forward<Args>(args)...);
}

}  // namespace reel
