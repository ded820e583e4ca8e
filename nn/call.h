#pragma once

#include <utility>

#include "reel/nn/detail/call.h"

namespace reel::nn {

/// Runs a module of one's own as Reel runs its layers, from inside its `operator()`: errors name
/// it, a profile shows its time, `summary` its output, and hooks see it. `run` is what it does,
/// `inputs` all that its `operator()` was given; with hooks, that is called once more with what
/// they have made of the inputs. Not needed for errors and summaries in a module that `Sequential`,
/// `AnyModule`, `summary` or `train::fit` calls, and does no harm there. What it is given is copied
/// for hooks.
///
/// **Example**
/// ```cpp
/// struct Block {
///   nn::Linear fc{8, 8};
///   nn::Hooks hooks = {};
///   Tensor operator()(const Tensor& x) const {
///     return nn::call(this, [&] { return x + relu(fc(x)); }, x);
///   }
/// };
/// ```
template <class M, class F, class... Inputs>
auto call(M* module, F&& run, const Inputs&... inputs) {
  return detail::call(module, std::forward<F>(run), inputs...);
}

}  // namespace reel::nn
