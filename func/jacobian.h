#pragma once

#include <concepts>
#include <cstddef>
#include <utility>

#include "reel/func/detail/jacobian.h"
#include "reel/func/detail/run.h"

namespace reel::func {

namespace detail {

/// `make` gives the blocks of a Jacobian; they become one thing for each output, which is of the
/// arguments' form.
template <class F, class Chosen, class... Args>
auto jacobian(const char* name, Blocks (*make)(const Trace&), const F& f, Chosen chosen,
              const Args&... args) {
  auto ran = run(name, f, chosen, args...);
  finish(ran);
  const Blocks blocks = make(ran.trace);
  return Outputs<decltype(ran.result)>::make(
      ran.result, [&](std::size_t i) { return like_chosen(chosen, blocks[i], args...); });
}

}  // namespace detail

/// The function that gives the Jacobian of `f` where it is called: `jacrev(f)(x...)` holds
/// d f(x...) / d x0, of the shape of `f(x...)` followed by that of `x0`. `jacrev<0, 2>(f)` is with
/// respect to two arguments, as a tuple; of a function that returns several tensors there is one of
/// these for each, in a vector, array, pair or tuple as the outputs were; of a module, the module
/// with a Jacobian in place of each parameter. The rest is as `grad` says.
///
/// Works by rows: one walk back for each element of the outputs, over one graph, on several threads
/// (see `set_num_threads`) where results are not recorded. Hooks inside `f` run on those. Follows
/// `torch.func.jacrev`, without `chunk_size`: the rows of a chunk are not batched here, so that it
/// would save nothing.
///
/// **Example**
/// ```cpp
/// func::jacrev([](const Tensor& x) { return x * x; })(x);       // diag(2 x), [n, n]
/// ```
template <std::size_t... argnums, class F>
auto jacrev(F f) {
  return [f = std::move(f)]<class... Args>(const Args&... args) {
    return detail::jacobian("jacrev", detail::jacobian_by_rows, f,
                            detail::NumbersOrFirst<argnums...>{}, args...);
  };
}

/// As `jacrev`, by columns: one walk over the linearized function (see `linearize`) for each element
/// of the arguments. Follows `torch.func.jacfwd`.
template <std::size_t... argnums, class F>
auto jacfwd(F f) {
  return [f = std::move(f)]<class... Args>(const Args&... args) {
    return detail::jacobian("jacfwd", detail::jacobian_by_columns, f,
                            detail::NumbersOrFirst<argnums...>{}, args...);
  };
}

/// As `jacrev` or `jacfwd`, whichever is cheaper at the sizes it meets: columns, if there are less
/// than half as many of them as of rows. (`torch.autograd.functional.jacobian(f, x)` is
/// `jacobian(f)(x)`.)
template <std::size_t... argnums, class F>
auto jacobian(F f) {
  return [f = std::move(f)]<class... Args>(const Args&... args) {
    return detail::jacobian("jacobian", detail::jacobian, f, detail::NumbersOrFirst<argnums...>{},
                            args...);
  };
}

}  // namespace reel::func
