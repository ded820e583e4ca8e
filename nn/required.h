#pragma once

#include <concepts>
#include <initializer_list>
#include <type_traits>

#include "reel/base/dtype.h"
#include "reel/ops/image/pair.h"

namespace reel::nn {

/// An option without a default, as `in_features` of `Linear`: leaving it out does not compile.
/// Made from an integer or a `T`, and converts back to `T`.
template <class T>
class Required {
 public:
  Required() = delete;  // this option has no default: give it: Linear{784, 10}, Conv2d{1, 32, 3}

  template <class Value>
    requires std::same_as<Value, T> || (std::integral<Value> && !std::same_as<Value, bool> &&
                                        std::constructible_from<T, Value>)
  constexpr Required(Value value) : value_(static_cast<T>(value)) {}

  /// Another such option, as in `nn::LayerNorm norm{width}`.
  template <class Other>
    requires(!std::same_as<Other, T> && std::constructible_from<T, Other>)
  constexpr Required(const Required<Other>& other) : value_(other()) {}

  /// Two integers, as in `.kernel_size = {3, 5}`.
  constexpr Required(Size first, Size second)
    requires std::constructible_from<T, Size, Size>
      : value_(first, second) {}

  /// A list of integers, as in `.normalized_shape = {3, 32, 32}`.
  constexpr Required(std::initializer_list<Size> values)
    requires std::constructible_from<T, std::initializer_list<Size>>
      : value_(values) {}

  constexpr operator const T&() const { return value_; }
  /// So that one number is also an option for height and width, as in `.padding = size`.
  template <class Both>
    requires(std::same_as<T, Size> && (std::same_as<Both, Pair> || std::same_as<Both, Padding>))
  constexpr operator Both() const {
    return value_;
  }
  constexpr const T& operator()() const { return value_; }

 private:
  T value_;
};

}  // namespace reel::nn
