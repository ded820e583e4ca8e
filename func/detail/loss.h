#pragma once

// Internal: the gradient of a function that returns a loss, and maybe more.

#include <concepts>
#include <tuple>
#include <utility>
#include <vector>

#include "reel/func/detail/run.h"
#include "reel/ops/create/create.h"

namespace reel::func::detail {

/// What a function returned, taken apart.
template <class Result>
struct LossAndRest {
  static_assert(std::same_as<Result, Tensor>,
                "Reel: a function whose gradient is asked for returns a Tensor, its loss, or a "
                "std::pair or std::tuple whose first is that");
  static std::tuple<Tensor> list(Result&& result) { return {std::move(result)}; }
};
template <class... T>
struct LossAndRest<std::tuple<T...>> {
  static std::tuple<T...> list(std::tuple<T...>&& result) { return std::move(result); }
};
template <class A, class B>
struct LossAndRest<std::pair<A, B>> {
  static std::tuple<A, B> list(std::pair<A, B>&& result) { return {std::move(result)}; }
};

/// A value, its gradient, and a tuple of what else the function returned.
template <class Gradient, class Aux>
struct ValueGradientAux {
  Tensor value;
  Gradient gradient;
  Aux aux;
};

/// What a function returned beside its loss, as the caller may have it.
template <class T>
Argument<T> released(const Trace& trace, const T& value) {
  if (trace.is_followed()) return value;
  Detaching detach;
  return substitute(value, detach);
}

template <class F, class Chosen, class... Args>
auto value_and_grad(const char* name, const F& f, Chosen chosen, const Args&... args) {
  auto ran = run(name, f, chosen, args...);
  Trace& trace = ran.trace;
  const auto list = LossAndRest<decltype(ran.result)>::list(std::move(ran.result));
  return std::apply(
      [&]<class Loss, class... Aux>(const Loss& loss, const Aux&... aux) {
        static_assert(std::derived_from<Loss, Tensor>,
                      "Reel: what a function whose gradient is asked for returns first is its "
                      "loss, a Tensor");
        TensorCollector others;
        (visit_tensors(aux, others), ...);
        trace.finish({loss}, others.take());
        check_loss(name, loss);
        auto gradient =
            like_chosen(chosen, own(trace.pull({ones_like(loss)}, Walk::last)), args...);
        return ValueGradientAux<decltype(gradient), std::tuple<Argument<Aux>...>>{
            trace.released(loss), std::move(gradient), {released(trace, aux)...}};
      },
      list);
}

}  // namespace reel::func::detail
