#pragma once

#include <concepts>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/base/export.h"

namespace reel {

/// How `gradcheck` compares. Defaults are PyTorch's, made for float64.
struct GradcheckOptions {
  double eps = 1e-6;   ///< the step of the central differences
  double atol = 1e-5;  ///< allowed: |backward - differences| <= atol + rtol * |differences|
  double rtol = 1e-3;  ///< the part that grows with the gradient
};

/// What `gradcheck` found: true, or a message that says where backward and differences disagree.
struct GradcheckResult {
  bool ok = true;            ///< whether they agree everywhere
  std::string message = {};  ///< the first place where they do not; empty if there is none

  /// `ok`, so that the result can be asserted.
  explicit operator bool() const { return ok; }
};
/// Writes the message, or `gradients agree`.
REEL_API std::ostream& operator<<(std::ostream& out, const GradcheckResult& result);

/// A function under test: any number of tensors in, any number out.
using TensorFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// Compares the gradients that backward gives with central differences, for every element of every
/// input that requires grad and every element of every floating output; also checks that gradients
/// are linear in the incoming one, defined, and the same in a second run.
///
/// Inputs must be float64 leaves (or results) that require grad; those that do not are held fixed.
/// Throws when no input can be checked, when elements of one share memory, as in an expanded
/// tensor, and when `f` changes an input in place. Follows `torch.autograd.gradcheck`.
///
/// **Example**
/// ```cpp
/// CHECK(gradcheck(softplus, x));  // "input 0 element 2: backward says 0.01, differences say 0.02"
/// ```
REEL_API GradcheckResult gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                   const GradcheckOptions& options = {});

/// The same for the gradients of the gradients: `gradcheck` of the function's backward.
REEL_API GradcheckResult gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                       const GradcheckOptions& options = {});

namespace detail {

/// Turns `f(x, y)` returning a tensor, or several, into a `TensorFunction` of `count` inputs.
template <std::size_t... I>
TensorFunction as_tensor_function(auto f, std::index_sequence<I...>) {
  return [f](const std::vector<Tensor>& x) -> std::vector<Tensor> {
    if constexpr (std::convertible_to<decltype(f(x[I]...)), Tensor>) {
      return {f(x[I]...)};
    } else {
      return f(x[I]...);
    }
  };
}

}  // namespace detail

/// `gradcheck(f, x)`, `gradcheck(f, x, y)`: for a function of that many tensors.
template <class F, std::derived_from<Tensor>... Tensors>
  requires std::invocable<F, Tensor, Tensors...>
GradcheckResult gradcheck(F f, const Tensor& x, const Tensors&... more) {
  return gradcheck(detail::as_tensor_function(f, std::make_index_sequence<1 + sizeof...(more)>{}),
                   std::vector<Tensor>{x, more...});
}

/// `gradgradcheck(f, x)`, `gradgradcheck(f, x, y)`: likewise.
template <class F, std::derived_from<Tensor>... Tensors>
  requires std::invocable<F, Tensor, Tensors...>
GradcheckResult gradgradcheck(F f, const Tensor& x, const Tensors&... more) {
  return gradgradcheck(
      detail::as_tensor_function(f, std::make_index_sequence<1 + sizeof...(more)>{}),
      std::vector<Tensor>{x, more...});
}

}  // namespace reel
