#pragma once

#include <concepts>
#include <string_view>

#include "reel/base/dtype.h"
#include "reel/base/export.h"
#include "reel/base/shape.h"

namespace reel {

/// `n` numbers, as one for each axis of an image, from so many in order (`{3, 5}`: depth, height,
/// width, of which the first may be missing) or from one for all (`3`).
template <int n>
class Sizes {
 public:
  /// The same for every axis.
  template <std::integral T>
  constexpr Sizes(T all) {
    for (Size& value : values_) value = static_cast<Size>(all);
  }
  /// One for each axis, in order.
  template <std::integral... T>
    requires(sizeof...(T) == n && n > 1)
  constexpr Sizes(T... each) : values_{static_cast<Size>(each)...} {}

  static constexpr int size() { return n; }                      ///< how many axes
  constexpr Size operator[](int i) const { return values_[i]; }  ///< that of axis `i`
  constexpr const Size* begin() const { return values_; }        ///< the first axis
  constexpr const Size* end() const { return values_ + n; }      ///< behind the last axis

  friend constexpr bool operator==(const Sizes&, const Sizes&) = default;

 private:
  Size values_[n] = {};
};

namespace detail {
/// The same numbers, however many they are.
template <int n>
constexpr Shape numbers(const Sizes<n>& sizes) {
  return Shape(sizes.begin(), sizes.end());
}

/// Whether padding of that name is "same"; throws unless it is that or "valid".
REEL_API bool is_padding_same(std::string_view name);
}  // namespace detail

/// How far a convolution's input is surrounded by zeros along each of its axes: one number, so many
/// (`{h, w}`), `"valid"` (none) or `"same"` (as many as keep the size, the odd one behind).
template <int axes>
struct Padding {
  Sizes<axes> size = 0;  ///< rows of zeros on each side of an axis
  bool same = false;     ///< whether the size follows from the kernel's instead

  /// The same along every axis.
  template <std::integral T>
  constexpr Padding(T all) : size(all) {}
  /// One number for each axis, in order.
  template <std::integral... T>
    requires std::constructible_from<Sizes<axes>, T...>
  constexpr Padding(T... each) : size(each...) {}
  constexpr Padding(const Sizes<axes>& sizes) : size(sizes) {}  ///< these numbers
  /// Throws unless it is `"same"` or `"valid"`.
  Padding(std::string_view name) : same(detail::is_padding_same(name)) {}
  Padding(const char* name) : Padding(std::string_view(name)) {}  ///< the same

  friend constexpr bool operator==(const Padding&, const Padding&) = default;
};

}  // namespace reel
