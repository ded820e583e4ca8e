#pragma once

#include <concepts>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/tape.h"

namespace reel {

namespace detail {
/// `checkpoint` of anything: `run` gives the outputs, from the inputs among others.
REEL_API std::vector<Tensor> checkpoint(std::function<std::vector<Tensor>()> run,
                                        const std::vector<Tensor>& inputs);
}  // namespace detail

/// `f(x...)`, of which backward keeps nothing but the inputs and the results: what the ops inside
/// have saved is dropped at once, and computed again when backward comes there. So a chain of `n`
/// equal blocks needs the memory of `n` inputs and of one block, for one more forward pass.
///
/// `f` takes tensors and returns a tensor or a vector of them. It may capture tensors and modules,
/// which get their gradients too; `f`, and what it captures, is copied, a reference must live until
/// backward. Random numbers, as of dropout, are the same both times and those after it are as
/// without a checkpoint. It must compute the same again: neither inputs nor options may have
/// changed, and what it counts besides, as batch norm's running statistics, counts twice. Works with
/// `grad`, `create_graph` and inside another checkpoint. Follows `torch.utils.checkpoint` with
/// `use_reentrant=False`.
///
/// Backward throws when an input or a leaf was changed in place meanwhile, and when the second run
/// gives another number of tensors or other shapes.
///
/// **Example**
/// ```cpp
/// for (const Block& block : blocks) x = checkpoint(block, x);
/// ```
template <class F, std::derived_from<Tensor>... Tensors>
auto checkpoint(F f, const Tensors&... x) {
  using Result = std::invoke_result_t<const F&, const Tensors&...>;
  static_assert(std::same_as<Result, Tensor> || std::same_as<Result, std::vector<Tensor>>,
                "checkpoint takes a function that returns a Tensor or a std::vector<Tensor>");
  const auto run = [f = std::move(f), x = std::tuple(save(x)...)] {
    Result y = std::apply([&](const auto&... saved) { return f(saved()...); }, x);
    if constexpr (std::same_as<Result, Tensor>) {
      return std::vector<Tensor>{std::move(y)};
    } else {
      return y;
    }
  };
  std::vector<Tensor> y = detail::checkpoint(run, {x...});
  if constexpr (std::same_as<Result, Tensor>) {
    return std::move(y[0]);
  } else {
    return y;
  }
}

}  // namespace reel
