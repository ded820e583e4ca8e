#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "reel/func/detail/outputs.h"
#include "reel/func/detail/vmap.h"
#include "reel/func/vmap_options.h"

namespace reel::func {

/// The function that runs `f`, written for one sample, on many at once: `vmap(f)(x...)` gives what
/// `stack` of `f(x[i]...)` would, in time near that of one run of the ops on all samples. Arguments
/// and results may be all that those of `grad` may be, modules too, whose tensors then each have the
/// samples as a dimension more; arguments without tensors inside are handed through. What `f`
/// captures, and an argument whose `in_dims` is nullopt, is shared by all samples. Where `f` returns
/// what depends on no sample it is repeated. Differentiable, inside `grad` and around it, and inside
/// itself.
///
/// Ops on whole rows of samples have a rule each: the pointwise ones, products, reductions, sorting,
/// shapes, indices, convolutions, pools, norms, attention, softmax and losses. The others refuse by
/// name: recurrent layers, ops in place, and what gives a sample another shape than its neighbour, as
/// a mask. So does what asks a tensor for its numbers, like `item()`. Follows `torch.func.vmap`.
///
/// Throws when no argument has samples, when they differ in number or are none, and when `in_dims` or
/// `out_dims` have not an entry for each.
///
/// **Example**
/// ```cpp
/// const auto loss_of = [](const Net& net, const Tensor& image, const Tensor& label) {
///   return nn::cross_entropy(net(image), label);
/// };
/// const auto of_each = func::vmap(func::grad(loss_of), {.in_dims = {std::nullopt, 0, 0}});
/// of_each(net, images, labels).fc1.weight;        // one gradient a sample: [N, out, in]
/// ```
template <class F>
auto vmap(F f, VmapOptions options = {}) {
  return [f = std::move(f), options = std::move(options)]<class... Args>(const Args&... args) {
    static_assert(sizeof...(Args) > 0, "Reel: vmap(f)(x...) needs arguments");
    static_assert(std::invocable<const F&, const detail::Argument<Args>&...>,
                  "Reel: the function cannot be called with these arguments, as constants");
    using Given = std::invoke_result_t<const F&, const detail::Argument<Args>&...>;
    static_assert(!std::is_void_v<Given>, "Reel: a function for vmap returns tensors");
    static_assert(!std::is_arithmetic_v<std::remove_cvref_t<Given>>,
                  "Reel: a function for vmap returns tensors: a number is of no sample");
    using Result = detail::OutputType<std::remove_cvref_t<Given>>;

    return detail::vmap<Result>(f, options, args...);
  };
}

}  // namespace reel::func
