#pragma once

#include <concepts>
#include <initializer_list>
#include <type_traits>

#include "reel/base/dtype.h"
#include "reel/ops/image/sizes.h"

namespace reel::nn {

namespace detail {
template <class>
using SizeFor = Size;
}

/// An option without a default, as `in_features` of `Linear`: leaving it out does not compile.
/// Made from an integer or a `T`, and converts back to `T`.
template <class T>
class Required {
 public:
  Required() = delete;  // this option has no default: give it: Linear{784, 10}, Conv2d{1, 32, 3}

  /// The option's value, from any integer where it is one.
  template <class Value>
    requires std::same_as<Value, T> || (std::integral<Value> && !std::same_as<Value, bool> &&
                                        std::constructible_from<T, Value>)
  constexpr Required(Value value) : value_(static_cast<T>(value)) {}

  /// Another such option, as in `nn::LayerNorm norm{width}`.
  template <class Other>
    requires(!std::same_as<Other, T> && std::constructible_from<T, Other>)
  constexpr Required(const Required<Other>& other) : value_(other()) {}

  /// Several integers, as in `.kernel_size = {3, 5}`.
  template <std::convertible_to<Size>... Values>
    requires(sizeof...(Values) > 1 && std::constructible_from<T, detail::SizeFor<Values>...> &&
             !std::constructible_from<T, std::initializer_list<Size>>)
  constexpr Required(const Values&... values) : value_(static_cast<Size>(values)...) {}

  /// A list of integers, as in `.normalized_shape = {3, 32, 32}`.
  constexpr Required(std::initializer_list<Size> values)
    requires std::constructible_from<T, std::initializer_list<Size>>
      : value_(values) {}

  /// The option's value.
  constexpr operator const T&() const { return value_; }
  /// So that one number is also an option for all axes, as in `.padding = size`.
  template <int n>
    requires std::same_as<T, Size>
  constexpr operator Sizes<n>() const {
    return value_;
  }
  /// So that one number is also a padding along all axes.
  template <int axes>
    requires std::same_as<T, Size>
  constexpr operator Padding<axes>() const {
    return value_;
  }
  /// The same where nothing asks for a conversion.
  constexpr const T& operator()() const { return value_; }

 private:
  T value_;
};

}  // namespace reel::nn
