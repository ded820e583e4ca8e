#pragma once

#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "reel/func/detail/run.h"

namespace reel::func {

/// What `linearize` gives beside the outputs: the derivative of `f` at a point as a linear map. Takes
/// tangents, one for each argument and of its type, and gives J v in the form of the outputs. May be
/// called any number of times, by several threads too.
///
/// Of the tangent of a module its parameters count, as the gradients in a gradient; those that
/// belong to frozen ones are ignored.
///
/// Throws when a tangent has not the shape and dtype of its argument.
template <class Result, class... Args>
class LinearMap {
 public:
  /// What `linearize` calls.
  LinearMap(const detail::Trace& trace, Result form)
      : trace_(trace), form_(std::move(form)), map_(trace) {}

  /// J v, `v...` being the tangents.
  Result operator()(const Args&... v) const {
    const std::vector<Tensor> tangents = detail::list_leaves(v...);
    trace_.check_like("tangent", tangents, trace_.inputs());
    const std::vector<Tensor> pushed = detail::own(map_.push(tangents));
    return detail::Outputs<Result>::make(form_, [&](std::size_t i) { return pushed[i]; });
  }

 private:
  detail::Trace trace_;
  Result form_;  // how many outputs there are
  detail::Linearization map_;
};

namespace detail {

template <class F, class... Args>
auto linearize(const char* name, const F& f, const Args&... x) {
  static_assert(sizeof...(Args) > 0, "Reel: linearize(f, x...) needs arguments");
  auto ran = run(name, f, std::index_sequence_for<Args...>{}, x...);
  using Result = decltype(ran.result);
  Result y = finish(ran);
  return std::pair{std::move(y),
                   LinearMap<Result, Argument<Args>...>(ran.trace, std::move(ran.result))};
}

}  // namespace detail

/// `f(x...)` and its derivative there as a linear map: `auto [y, map] = linearize(f, x...)`, then
/// `map(v...)` is J v, each time for the price of one walk back. `f` and its arguments are as for
/// `vjp`. Follows `torch.func.linearize`.
///
/// Forwards by going backwards twice: J^T u is linear in u, so its own gradient with respect to u,
/// weighted by v, is J v, right for every op whose gradient is. To make the map costs a run of `f`
/// and one recorded walk back.
///
/// **Example**
/// ```cpp
/// const auto [y, map] = func::linearize([](const Tensor& x) { return sin(x); }, x);
/// map(v);                                         // cos(x) * v
/// ```
template <class F, class... Args>
auto linearize(const F& f, const Args&... x) {
  return detail::linearize("linearize", f, x...);
}

/// `f(x)` and J v, its derivative at `x` along `v`: `auto [y, dy] = jvp(f, x, v)`. `x` is an
/// argument of `f` of any kind that `vjp` takes, or a `std::tuple` of all of them; `v` is the same
/// with tangents. Tensors may stand in braces: `jvp(f, {x0, x1}, {v0, v1})`. Follows
/// `torch.func.jvp`.
///
/// Made as `linearize` is: a run of `f`, a recorded walk back and a walk over that. For many tangents
/// at one point take `linearize`.
///
/// **Example**
/// ```cpp
/// const auto product = [](const Tensor& a, const Tensor& b) { return a * b; };
/// const auto [y, dy] = func::jvp(product, {a, b}, {da, db});    // dy = da * b + a * db
/// ```
template <class F, class X>
auto jvp(const F& f, const X& x, const detail::Tangents<X>& v) {
  auto [y, map] =
      std::apply([&](const auto&... each) { return detail::linearize("jvp", f, each...); },
                 detail::arguments_in(x));
  auto dy = std::apply(map, detail::arguments_in(v));
  return std::pair{std::move(y), std::move(dy)};
}
/// The same for a function of several tensors.
template <class F, std::size_t N, std::size_t M>
auto jvp(const F& f, const Tensor (&x)[N], const Tensor (&v)[M]) {
  static_assert(N == M, "Reel: jvp takes a tangent for each argument");
  return jvp(f, detail::tuple_of(x), detail::tuple_of(v));
}

}  // namespace reel::func
