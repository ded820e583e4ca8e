#pragma once

#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "reel/func/detail/run.h"

namespace reel::func {

/// What `vjp` gives beside the outputs: takes cotangents, one for each output, in the form of the
/// outputs, and gives v^T J, for one argument as it is, for several as a tuple. May be called any
/// number of times, by several threads too; it keeps what the ops of `f` have saved.
///
/// Throws when a cotangent has not the shape and dtype of its output.
template <class Result, class... Args>
class Pullback {
 public:
  /// What `vjp` calls.
  Pullback(detail::Trace trace, std::tuple<Args...> like)
      : trace_(std::move(trace)), like_(std::move(like)) {}

  /// The gradients of the arguments, given those of the outputs: `pullback(dy)`,
  /// `pullback({dy0, dy1})`.
  auto operator()(const Result& cotangents) const {
    const std::vector<Tensor> list = detail::Outputs<Result>::list(cotangents);
    trace_.check_like("cotangent", list, trace_.outputs());
    const std::vector<Tensor> pulled = detail::own(trace_.pull(list, detail::Walk::again));
    return std::apply([&](const auto&... like) { return detail::like_arguments(pulled, like...); },
                      like_);
  }

 private:
  detail::Trace trace_;
  std::tuple<Args...> like_;
};

/// `f(x...)` and its pullback: `auto [y, pullback] = vjp(f, x...)`. `f` takes tensors, containers
/// of tensors and modules, and is differentiated with respect to all (see `grad` for what counts);
/// what it is not to be differentiated with respect to it captures. It returns a tensor, or several
/// in a vector, array, pair or tuple; those that do not depend on an argument give it zeros. The
/// rest is as `grad` says. Follows `torch.func.vjp`; `torch.autograd.functional.vjp` takes the
/// cotangents at once and returns the product.
///
/// Throws when an argument is no floating tensor and has none inside, and when an output is not
/// floating.
///
/// **Example**
/// ```cpp
/// const auto [y, pullback] = func::vjp([](const Tensor& x) { return sin(x); }, x);
/// pullback(ones_like(y));                         // cos(x)
/// ```
template <class F, class... Args>
auto vjp(const F& f, const Args&... x) {
  static_assert(sizeof...(Args) > 0, "Reel: vjp(f, x...) needs arguments");
  auto ran = detail::run("vjp", f, std::index_sequence_for<Args...>{}, x...);
  using Result = decltype(ran.result);
  Result y = detail::finish(ran);
  // The arguments' forms outlive them.
  return std::pair{
      std::move(y),
      Pullback<Result, detail::Argument<Args>...>(
          std::move(ran.trace), std::tuple<detail::Argument<Args>...>{detail::skeleton(x)...})};
}

}  // namespace reel::func
