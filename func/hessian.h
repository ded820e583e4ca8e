#pragma once

#include <concepts>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "reel/func/jacobian.h"

namespace reel::func {

/// The function that gives the second derivatives of `f` where it is called: `hessian(f)(x...)` has
/// the shape of `f(x...)`, of `x0`, and of `x0` again. `f` returns one tensor, usually of one
/// element. With several `argnums` a tuple of tuples: `hessian<0, 1>(f)(x, y)` has
/// d2 f / dx dy at 0, 1. The rest is as `jacrev` says, which this applies twice: a gradient of
/// `f` is recorded, and walked back for each of its elements. Follows `torch.func.hessian`.
///
/// **Example**
/// ```cpp
/// func::hessian([](const Tensor& x) { return (x * x * x).sum(); })(x);      // diag(6 x), [n, n]
/// ```
template <std::size_t... argnums, class F>
auto hessian(F f) {
  return jacrev<argnums...>(jacrev<argnums...>(std::move(f)));
}

namespace detail {

/// A loss and the product of its Hessian with tangents, as a list.
struct LossAndProduct {
  Tensor loss;
  std::vector<Tensor> product;
};
REEL_API LossAndProduct hessian_product(Trace& trace, const Tensor& loss,
                                        const std::vector<Tensor>& tangents);

}  // namespace detail

/// `f(x)` and H v, the product of its Hessian at `x` with `v`: `auto [y, hv] = hvp(f, x, v)`. `f`
/// returns a tensor of one element; `x` and `v` are as for `jvp`, in braces too: `hvp(f, {x0, x1},
/// {v0, v1})`, and the product is what `x` is, for several arguments a tuple. H itself is never
/// there: the gradient is recorded, and walked back once with `v` for its gradient, as H is
/// symmetric. Follows `torch.autograd.functional.hvp`; `torch.func` has none of its own.
///
/// Throws when the loss has not one element, and when a tangent has not the shape and dtype of its
/// argument.
///
/// **Example**
/// ```cpp
/// const auto [loss, hv] = func::hvp(loss_of, net, v);           // v, hv: as net
/// ```
template <class F, class X>
auto hvp(const F& f, const X& x, const detail::Tangents<X>& v) {
  return std::apply(
      [&]<class... Args>(const Args&... args) {
        auto ran = detail::run("hvp", f, std::index_sequence_for<Args...>{}, args...);
        static_assert(std::same_as<decltype(ran.result), Tensor>,
                      "Reel: hvp takes a function that returns a Tensor of one element");
        const std::vector<Tensor> tangents =
            std::apply([](const auto&... each) { return detail::list_leaves(each...); },
                       detail::arguments_in(v));
        auto [loss, product] = detail::hessian_product(ran.trace, ran.result, tangents);
        return std::pair{std::move(loss), detail::like_arguments(product, args...)};
      },
      detail::arguments_in(x));
}
/// The same for a function of several tensors.
template <class F, std::size_t N, std::size_t M>
auto hvp(const F& f, const Tensor (&x)[N], const Tensor (&v)[M]) {
  static_assert(N == M, "Reel: hvp takes a tangent for each argument");
  return hvp(f, detail::tuple_of(x), detail::tuple_of(v));
}

}  // namespace reel::func
