#pragma once

/// @file
/// Functions of one's own with a derivative of one's own, in PyTorch's form.

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "reel/autograd/detail/function_call.h"
#include "reel/autograd/tape.h"
#include "reel/autograd/tensor.h"

namespace reel {

/// A function with a derivative of its own: a struct that derives from this and has a `forward` and
/// a `backward`. Follows `torch.autograd.Function`.
///
/// `forward` is given a `Context` and what `apply` is given, of any types; a parameter that is a
/// `Tensor`, a `std::optional<Tensor>` or a `std::vector<Tensor>` is one that gradients are for. It
/// runs outside the tape, so it may compute as it likes, and returns new tensors: one, or a
/// `std::tuple`, `std::pair`, `std::array` or `std::vector` of them.
///
/// `backward` is given the context and the gradient of each output, or a list of them, and returns
/// one gradient for each tensor argument, in order, as `Gradients`, or a `Tensor` if there is one:
/// undefined where none is needed. Optional tensors count, a vector counts each of its tensors. It
/// is written in tensor ops, so that it can be differentiated again; a function that declares
/// `static constexpr bool once_differentiable = true;` may do as it likes there too, and throws
/// under `create_graph`.
///
/// Under `create_graph` a backward that leaves the tape, by `data_ptr()`, xtensor or `detach()`,
/// throws instead of giving a wrong second derivative, and so does one that uses what forward has
/// saved but is neither an argument nor an output; what `gradgradcheck` is for is a saved argument
/// that is detached. The errors name the struct, or what it declares as `static constexpr const
/// char* name`.
///
/// **Example**
/// ```cpp
/// struct Clamp : Function<Clamp> {
///   static Tensor forward(Context& context, const Tensor& x, double limit) {
///     context.save(x);
///     context.keep("limit", limit);
///     return clamp(x, -limit, limit);
///   }
///   static Gradients backward(Context& context, const Tensor& dy) {
///     const auto [x] = context.saved<1>();
///     return {dy * (abs(x) <= context.kept<double>("limit")).to(dy.dtype())};
///   }
/// };
/// Tensor y = Clamp::apply(x, 2.0);
/// ```
template <class F>
struct Function {
  /// Runs `forward` and puts it on the tape. Takes what `forward` takes behind its context.
  ///
  /// Throws when an output is undefined, is an argument returned unchanged, or was on the tape
  /// before.
  template <class... Args>
  static auto apply(Args&&... args) {
    return detail::apply_function<F>(std::forward<Args>(args)...);
  }
};

}  // namespace reel
