#pragma once

// Internal: what a function that is transformed returns: a tensor, or several.

#include <array>
#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::func::detail {

/// The outputs of type `R` as a list, and a list as things of the same form: `make(y, at)` puts
/// `at(i)` in place of output `i`.
template <class R>
struct Outputs {
  static_assert(reel::detail::never<R>,
                "Reel: a function to transform returns a Tensor, or several in a std::vector, "
                "std::array, std::pair or std::tuple");
};

template <>
struct Outputs<Tensor> {
  static std::vector<Tensor> list(const Tensor& y) { return {y}; }
  template <class At>
  static auto make(const Tensor&, At&& at) {
    return at(std::size_t{0});
  }
};

template <>
struct Outputs<std::vector<Tensor>> {
  static std::vector<Tensor> list(const std::vector<Tensor>& y) { return y; }
  template <class At>
  static auto make(const std::vector<Tensor>& y, At&& at) {
    std::vector<decltype(at(std::size_t{0}))> made;
    for (std::size_t i = 0; i < y.size(); ++i) made.push_back(at(i));
    return made;
  }
};

template <std::size_t N>
struct Outputs<std::array<Tensor, N>> {
  static std::vector<Tensor> list(const std::array<Tensor, N>& y) { return {y.begin(), y.end()}; }
  template <class At>
  static auto make(const std::array<Tensor, N>&, At&& at) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return std::array{at(i)...};
    }(std::make_index_sequence<N>{});
  }
};

template <std::derived_from<Tensor>... T>
struct Outputs<std::tuple<T...>> {
  static std::vector<Tensor> list(const std::tuple<T...>& y) {
    return std::apply([](const auto&... tensor) { return std::vector<Tensor>{tensor...}; }, y);
  }
  template <class At>
  static auto make(const std::tuple<T...>&, At&& at) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return std::tuple<decltype((void(i), at(std::size_t{0})))...>{at(i)...};
    }(std::index_sequence_for<T...>{});
  }
};

template <std::derived_from<Tensor> A, std::derived_from<Tensor> B>
struct Outputs<std::pair<A, B>> {
  static std::vector<Tensor> list(const std::pair<A, B>& y) { return {y.first, y.second}; }
  template <class At>
  static auto make(const std::pair<A, B>&, At&& at) {
    auto first = at(std::size_t{0});
    auto second = at(std::size_t{1});
    return std::pair{std::move(first), std::move(second)};
  }
};

/// What a function gives as its outputs: a tensor where it returns what converts to one, as
/// `x[mask]` does.
template <class R>
using OutputType =
    std::conditional_t<std::is_convertible_v<R, Tensor> && !std::is_arithmetic_v<R>, Tensor, R>;

}  // namespace reel::func::detail
