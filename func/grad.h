#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "reel/func/detail/loss.h"
#include "reel/func/detail/run.h"

namespace reel::func {

/// The function that gives the gradient of `f` where it is called: `grad(f)(x...)` is d f(x...) / d
/// x0; `grad<1>(f)` is with respect to the argument at position 1, `grad<0, 2>(f)` with respect to
/// two of them, as a tuple. `f` is a function, or any object to call, of tensors and other
/// arguments; it returns a tensor with one element, or a pair or tuple whose first is that, whose
/// rest is handed out beside the gradient: `auto [g, aux] = grad(f)(x)`.
///
/// A gradient is what the argument is. Of a tensor it is a tensor of the same shape; of a container
/// of tensors (`std::vector`, `StateDict`, ...) one with a gradient in each place; of a module the
/// same module with gradients where the parameters were: `g.fc1.weight`. There, frozen parameters
/// have zeros, buffers nothing. Of a struct that has tensors but no parameters, its floating
/// tensors count. What the loss does not depend on gets zeros.
///
/// Arguments are left as they are, `.grad()` too, and `f` must leave them so. What it captures is
/// constant to the gradient. `grad(grad(f))` works, to any depth. The tape follows the result only
/// where it depends on what the tape follows outside: tensors that require gradients, as arguments
/// or captured. Parameters of a module that is an argument do not count as such. A `NoGradGuard`
/// outside stops that, and nothing else. Follows `torch.func.grad`.
///
/// Throws when the loss has not one floating element, when an argument named is no floating tensor
/// and has none inside, and when `f` changes one in place.
///
/// **Example**
/// ```cpp
/// const auto f = [](const Tensor& x) { return (x * x * x).sum(); };
/// func::grad(f)(tensor({1.0, 2.0}));              // 3 x^2: [3, 12]
/// func::grad(func::grad(f))(tensor(2.0));         // 6 x: 12
/// ```
template <std::size_t... argnums, class F>
auto grad(F f) {
  return [f = std::move(f)]<class... Args>(const Args&... args) {
    using Chosen = detail::NumbersOrFirst<argnums...>;
    auto [value, gradient, aux] = detail::value_and_grad("grad", f, Chosen{}, args...);
    if constexpr (std::tuple_size_v<decltype(aux)> == 0) {
      return std::move(gradient);
    } else {
      return std::tuple_cat(std::tuple{std::move(gradient)}, std::move(aux));
    }
  };
}

/// As `grad`, with the loss before it: `auto [loss, g] = value_and_grad(f)(x)`, and what else `f`
/// returns behind: `auto [loss, g, aux] = ...`. Follows `jax.value_and_grad`;
/// `torch.func.grad_and_value` has the gradient first.
///
/// **Example**
/// ```cpp
/// const auto loss_of = [](const Classifier& net, const Tensor& images, const Tensor& labels) {
///   return nn::cross_entropy(net(images), labels);
/// };
/// const auto [loss, g] = func::value_and_grad(loss_of)(net, images, labels);
/// g.fc1.weight;                                   // d loss / d net.fc1.weight
/// ```
template <std::size_t... argnums, class F>
auto value_and_grad(F f) {
  return [f = std::move(f)]<class... Args>(const Args&... args) {
    using Chosen = detail::NumbersOrFirst<argnums...>;
    auto [value, gradient, aux] = detail::value_and_grad("value_and_grad", f, Chosen{}, args...);
    return std::tuple_cat(std::tuple{std::move(value), std::move(gradient)}, std::move(aux));
  };
}

}  // namespace reel::func
