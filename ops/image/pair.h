#pragma once

#include <concepts>
#include <string_view>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel {

/// Two numbers for height and width, from `{h, w}` or from one number for both.
struct Pair {
  Size h = 0;
  Size w = 0;

  template <std::integral T>
  constexpr Pair(T both) : h(static_cast<Size>(both)), w(static_cast<Size>(both)) {}
  constexpr Pair(Size height, Size width) : h(height), w(width) {}

  friend constexpr bool operator==(const Pair&, const Pair&) = default;
};

/// How far a convolution's input is surrounded by zeros: one number, `{h, w}`, `"valid"` (none) or
/// `"same"` (as many as keep the size, the odd one below and to the right).
struct REEL_API Padding {
  Pair size = 0;
  bool same = false;

  template <std::integral T>
  constexpr Padding(T both) : size(both) {}
  constexpr Padding(Size height, Size width) : size(height, width) {}
  constexpr Padding(const Pair& pair) : size(pair) {}
  /// Throws unless it is `"same"` or `"valid"`.
  Padding(std::string_view name);
  Padding(const char* name) : Padding(std::string_view(name)) {}

  friend constexpr bool operator==(const Padding&, const Padding&) = default;
};

}  // namespace reel
