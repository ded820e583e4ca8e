#pragma once

// Internal: messages about names that are not there.

#include <string>
#include <string_view>

#include "reel/base/fail.h"

namespace reel::train::detail {

/// Throws `[op] expected one of "loss", "accuracy", got "acuracy"`. `named`: things with a `name`.
template <class Range>
[[noreturn]] void fail_unknown(const char* op, const Range& named, std::string_view name) {
  std::string names;
  for (const auto& one : named)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", one.name);
  if (names.empty()) fail(op, "expected nothing, for there are no numbers yet, got \"{}\"", name);
  fail(op, "expected one of {}, got \"{}\"", names, name);
}

}  // namespace reel::train::detail
