#pragma once

// Internal: the function that is transformed, run on its arguments; and lists of tensors as what
// these arguments are.

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/func/detail/outputs.h"
#include "reel/func/detail/trace.h"
#include "reel/func/detail/tree.h"

namespace reel::func::detail {

/// The numbers of the arguments that a transform is with respect to.
template <std::size_t... argnums>
using Numbers = std::index_sequence<argnums...>;

/// The numbers that were given; the first argument where none were.
template <std::size_t... argnums>
using NumbersOrFirst = std::conditional_t<sizeof...(argnums) == 0, Numbers<0>, Numbers<argnums...>>;

inline constexpr std::size_t not_chosen = static_cast<std::size_t>(-1);

/// Where argument `i` stands among those that were chosen.
template <std::size_t i, std::size_t... argnums>
consteval std::size_t place_of(Numbers<argnums...>) {
  std::size_t place = 0, found = not_chosen;
  ((found = argnums == i ? place : found, ++place), ...);
  return found;
}

template <std::size_t... argnums>
consteval bool all_different(Numbers<argnums...>) {
  const std::size_t list[] = {argnums...};
  for (std::size_t i = 0; i < sizeof...(argnums); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (list[i] == list[k]) return false;
  return true;
}

template <std::size_t count, std::size_t... argnums>
consteval void check_numbers(Numbers<argnums...> numbers) {
  static_assert(((argnums < count) && ...),
                "Reel: a transform is with respect to an argument that the function is not given: "
                "argnums count from 0");
  static_assert(all_different(numbers), "Reel: argnums must be different");
}

/// A function that was run, and what it returned.
template <class Result>
struct Run {
  Trace trace;
  Result result;
};

/// Runs `f` on `args`, on the tape with respect to those that `numbers` name.
template <class F, std::size_t... argnums, class... Args>
auto run(const char* name, const F& f, Numbers<argnums...> numbers, const Args&... args) {
  check_numbers<sizeof...(Args)>(numbers);
  static_assert(std::invocable<const F&, const Argument<Args>&...>,
                "Reel: the function cannot be called with these arguments, as constants");
  const auto given = std::tie(args...);
  Trace trace(name, {leaves_of(std::get<argnums>(given))...});
  const EnableGradGuard record;
  const auto argument =
      [&]<std::size_t i>(std::integral_constant<std::size_t, i>) -> decltype(auto) {
    constexpr std::size_t place = place_of<i>(numbers);
    if constexpr (place == not_chosen) {
      return std::get<i>(given);
    } else {
      return with_leaves(std::get<i>(given), trace.arguments()[place], Others::stay);
    }
  };
  using Result = std::invoke_result_t<const F&, const Argument<Args>&...>;
  static_assert(!std::is_void_v<Result>, "Reel: a function to transform returns a Tensor");
  static_assert(!std::is_arithmetic_v<std::remove_cvref_t<Result>>,
                "Reel: a function to transform returns a Tensor: a number has left the tape");
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    OutputType<std::remove_cvref_t<Result>> result =
        f(argument(std::integral_constant<std::size_t, i>{})...);
    return Run<decltype(result)>{std::move(trace), std::move(result)};
  }(std::index_sequence_for<Args...>{});
}

/// Values for the leaves of some arguments, `values[first]` and on, as one of them is.
template <class T>
Argument<T> like_argument(const T& argument, const std::vector<Tensor>& values,
                          std::size_t& first) {
  const std::size_t begin = first;
  first += leaves_of(argument).size();
  return with_leaves(argument,
                     {values.begin() + static_cast<std::ptrdiff_t>(begin),
                      values.begin() + static_cast<std::ptrdiff_t>(first)},
                     Others::go);
}

/// Values for the leaves of all arguments as these are: for one as it is, for several as a tuple.
template <class... T>
auto like_arguments(const std::vector<Tensor>& values, const T&... arguments) {
  std::size_t first = 0;
  if constexpr (sizeof...(T) == 1) {
    return like_argument(arguments..., values, first);
  } else {
    return std::tuple<Argument<T>...>{like_argument(arguments, values, first)...};
  }
}

/// The same for the arguments that `numbers` name.
template <std::size_t... argnums, class... Args>
auto like_chosen(Numbers<argnums...>, const std::vector<Tensor>& values, const Args&... args) {
  const auto given = std::tie(args...);
  return like_arguments(values, std::get<argnums>(given)...);
}

/// The leaves of tangents, one after the other.
template <class... T>
std::vector<Tensor> list_leaves(const T&... arguments) {
  std::vector<Tensor> list;
  for (const auto& leaves : {leaves_of(arguments)...})
    for (const Leaf& leaf : leaves)
      list.push_back(leaf.is_by_value() ? leaf.tensor.detach() : leaf.tensor);
  return list;
}

/// Says that the function has run, and gives its outputs as the caller may have them.
template <class Result>
Result finish(Run<Result>& ran) {
  using Form = Outputs<Result>;
  ran.trace.finish(Form::list(ran.result));
  return Form::make(ran.result,
                    [&](std::size_t i) { return ran.trace.released(ran.trace.outputs()[i]); });
}

// ---- several arguments at once: a tuple, or tensors in braces

template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;

/// The arguments that `x` is: the elements of a tuple, or `x` alone.
template <class T>
auto arguments_in(const T& x) {
  if constexpr (is_tuple<T>) {
    return std::apply([](const auto&... element) { return std::tie(element...); }, x);
  } else {
    return std::tie(x);
  }
}

template <class T>
struct TangentsOf {
  using type = Argument<T>;
};
template <class... T>
struct TangentsOf<std::tuple<T...>> {
  using type = std::tuple<Argument<T>...>;
};
/// What tangents of `T` are: of the same type, and not to be deduced from what is given.
template <class T>
using Tangents = typename TangentsOf<T>::type;

template <std::size_t... i>
auto tuple_of(const Tensor* tensors, std::index_sequence<i...>) {
  return std::tuple{tensors[i]...};
}
/// Tensors in braces as a tuple.
template <std::size_t N>
auto tuple_of(const Tensor (&tensors)[N]) {
  return tuple_of(tensors, std::make_index_sequence<N>{});
}

}  // namespace reel::func::detail
