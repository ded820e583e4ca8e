#pragma once

#include <utility>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/func/detail/tree.h"
#include "reel/nn/detail/call.h"
#include "reel/nn/module.h"

namespace reel::func {

namespace detail {

/// The memo of a copy of the module that `own` are the tensors of, with those of `state` in their
/// places. Throws as `functional_call` says.
REEL_API Substitution substitution(const NamedTensors& own, const NamedTensors& state);

template <nn::Module M>
NamedTensors named_tensors(const M& module) {
  nn::detail::StateCollector state;
  nn::detail::walk_constant(module, state);
  return state.take();
}

template <nn::Module M, class... Args>
auto functional_call(const M& module, const NamedTensors& state, Args&&... args) {
  Substitution tensors = substitution(named_tensors(module), state);
  M other = substitute(module, tensors);
  return nn::detail::call(
      &other, [&] { return other(std::forward<Args>(args)...); }, args...);
}

}  // namespace detail

/// `module(x...)` with other parameters and buffers: those of `state`, under the names of
/// `nn::state_dict`, in place of its own. The tensors are taken as they are, on the tape or off it,
/// so that gradients flow to them. What `state` does not name stays the module's own; of its buffers
/// the call sees copies. The module is left as it was. A tensor that the module has under two names
/// is replaced under both. Follows `torch.func.functional_call`.
///
/// Throws when `state` has a name that the module has not, a tensor of another shape, or two tensors
/// for one.
///
/// **Example**
/// ```cpp
/// const auto loss_of = [&](const StateDict& weights) {
///   return nn::cross_entropy(func::functional_call(net, weights, images), labels);
/// };
/// const StateDict g = func::grad(loss_of)(nn::state_dict(net));
/// ```
template <nn::Module M, class... Args>
auto functional_call(const M& module, const StateDict& state, Args&&... x) {
  return detail::functional_call(module, NamedTensors(state.begin(), state.end()),
                                 std::forward<Args>(x)...);
}
/// The same with all parameters and buffers of another module of its type: its own are the options,
/// the mode among them.
template <nn::Module M, class... Args>
auto functional_call(const M& module, const M& state, Args&&... x) {
  return detail::functional_call(module, detail::named_tensors(state), std::forward<Args>(x)...);
}

}  // namespace reel::func
