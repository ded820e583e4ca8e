#pragma once

// Internal: how long what a user hands over lives.

#include <memory>
#include <type_traits>
#include <utility>

namespace reel::train::detail {

/// One of the caller's is left where it is, so that it can be looked at there afterwards; one that
/// was made in place, or may not be changed, is kept.
template <class T>
std::shared_ptr<std::remove_cvref_t<T>> kept(T&& object) {
  using Object = std::remove_cvref_t<T>;
  if constexpr (std::is_lvalue_reference_v<T> && !std::is_const_v<std::remove_reference_t<T>>) {
    return std::shared_ptr<Object>(std::shared_ptr<void>(), &object);  // owns nothing
  } else {
    return std::make_shared<Object>(std::forward<T>(object));
  }
}

}  // namespace reel::train::detail
