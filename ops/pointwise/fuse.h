#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/tape.h"
#include "reel/ops/pointwise/pointwise.h"

namespace reel {

namespace detail {
class Trace;
}

/// Stands for one element of a tensor while `fuse` looks at what a function does with it. Knows
/// arithmetic with its like and with numbers and, under the same names, the functions of one and
/// two tensors that have a derivative; not comparisons and `where`.
class REEL_API Element {
 public:
  /// A number, the same for every element.
  Element(double number) : number_(number) {}  // NOLINT: numbers and elements mix

  /// @name Elementwise
  /// @{

  /// As the operator or function of that name of tensors; see `ops/pointwise/pointwise.h`.
  friend REEL_API Element operator+(const Element& a, const Element& b);
  friend REEL_API Element operator-(const Element& a, const Element& b);
  friend REEL_API Element operator*(const Element& a, const Element& b);
  friend REEL_API Element operator/(const Element& a, const Element& b);
  friend REEL_API Element operator-(const Element& x);

#define REEL_UNARY(name, ...) friend REEL_API Element name(const Element& x);
#define REEL_BINARY(name, ...) friend REEL_API Element name(const Element& a, const Element& b);
#include "reel/kernels/pointwise_rows.inc"

  friend REEL_API Element div(const Element& a, const Element& b, const DivOptions& options);
  friend REEL_API Element floor_divide(const Element& a, const Element& b);
  friend REEL_API Element fmod(const Element& a, const Element& b);
  friend REEL_API Element remainder(const Element& a, const Element& b);
  friend REEL_API Element pow(const Element& x, const Element& exponent);
  friend REEL_API Element clamp(const Element& x, std::optional<double> min,
                                std::optional<double> max);
  friend REEL_API Element polygamma(Size n, const Element& x);
  friend REEL_API Element logit(const Element& x, std::optional<double> eps);
  /// Needs all numbers: elements do not know the largest of their dtype.
  friend REEL_API Element nan_to_num(const Element& x, const NanToNumOptions& options);
  friend REEL_API Element relu(const Element& x);
  friend REEL_API Element leaky_relu(const Element& x, double negative_slope);
  friend REEL_API Element gelu(const Element& x, const GELUOptions& options);
  friend REEL_API Element softplus(const Element& x, double beta, double threshold);
  friend REEL_API Element elu(const Element& x, double alpha);
  friend REEL_API Element celu(const Element& x, double alpha);
  friend REEL_API Element hardtanh(const Element& x, double min_val, double max_val);
  friend REEL_API Element threshold(const Element& x, double threshold, double value);
  friend REEL_API Element softshrink(const Element& x, double lambd);
  friend REEL_API Element hardshrink(const Element& x, double lambd);
  friend REEL_API Element prelu(const Element& x, const Element& weight);

  // The defaults of the same functions of tensors.
  friend Element clamp(const Element& x, std::optional<double> min) { return clamp(x, min, {}); }
  friend Element logit(const Element& x) { return logit(x, {}); }
  friend Element leaky_relu(const Element& x) { return leaky_relu(x, 0.01); }
  friend Element gelu(const Element& x) { return gelu(x, {}); }
  friend Element softplus(const Element& x) { return softplus(x, 1, 20); }
  friend Element elu(const Element& x) { return elu(x, 1); }
  friend Element celu(const Element& x) { return celu(x, 1); }
  friend Element hardtanh(const Element& x) { return hardtanh(x, -1, 1); }
  friend Element relu6(const Element& x) { return hardtanh(x, 0, 6); }
  friend Element softshrink(const Element& x) { return softshrink(x, 0.5); }
  friend Element hardshrink(const Element& x) { return hardshrink(x, 0.5); }

  friend Element zeros_like(const Element&) { return 0; }
  /// @}

 private:
  friend class detail::Trace;
  Element(detail::Trace& trace, int value) : trace_(&trace), value_(value) {}

  detail::Trace* trace_ = nullptr;  // null for a number
  int value_ = -1;
  double number_ = 0;
};

namespace detail {

using FusedOnElements = std::function<Element(const std::vector<Element>&)>;
using FusedOnTensors = std::function<Tensor(const std::vector<Tensor>&)>;

/// Whether these tensors are worth a pass of their own: of one floating dtype, and many elements.
REEL_API bool worth_fusing(const std::vector<Tensor>& inputs);
REEL_API Tensor run_fused(const std::vector<Tensor>& inputs, const FusedOnElements& on_elements,
                          const FusedOnTensors& on_tensors);

template <class T, std::size_t>
using Each = T;

template <class F, class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return std::is_invocable_r_v<T, const F&, const Each<T, I>&...>;
}

/// What `fuse` may be called with: tensors, or what becomes one, as many as the function takes.
template <class F, class... Arguments>
concept as_many_tensors_as_the_fused_function_takes =
    sizeof...(Arguments) > 0 && (std::convertible_to<const Arguments&, Tensor> && ...) &&
    takes<F, Tensor>(std::index_sequence_for<Arguments...>());

/// A function of elements, to be called with tensors.
template <class F>
class Fused {
 public:
  explicit Fused(F f) : f_(std::move(f)) {}

  template <class... Arguments>
    requires as_many_tensors_as_the_fused_function_takes<F, Arguments...>
  Tensor operator()(const Arguments&... arguments) const {
    const std::vector<Tensor> inputs{Tensor(arguments)...};
    if (!worth_fusing(inputs)) return f_(static_cast<const Tensor&>(arguments)...);
    auto spread = [f = f_]<class T>(const std::vector<T>& values) {
      return [&]<std::size_t... I>(std::index_sequence<I...>) -> T {
        return f(values[I]...);
      }(std::index_sequence_for<Arguments...>{});
    };
    return run_fused(inputs, spread, spread);
  }

 private:
  F f_;
};

}  // namespace detail

/// A chain of elementwise ops as one op: `f` is a generic function of elements, and the result
/// calls it on tensors, broadcast together as ops do. Where the chain by itself would go through
/// memory once for each of its ops, forward and again backward, this does so once: each tile of a
/// few thousand elements goes through the whole chain while it is in the cache. Nothing between the
/// inputs and the result is kept; backward computes it anew.
///
/// What `f` computes, its derivatives of any order and its errors are those of the same ops on
/// tensors: for small or integer tensors, and where backward itself is recorded, they are what
/// runs. `f` must not depend on anything but its arguments and what it has captured by value.
///
/// **Example**
/// ```cpp
/// const auto gate = fuse([](auto a, auto b, auto c) { return tanh(a * b + c); });
/// Tensor y = gate(a, b, c);
/// ```
template <class F>
auto fuse(F f) {
  return detail::Fused<F>(std::move(f));
}

}  // namespace reel
