#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/nn/any_module.h"
#include "reel/nn/detail/call.h"
#include "reel/nn/detail/deep_copy.h"
#include "reel/nn/detail/walk.h"

namespace reel::nn {

struct ReLU;

/// Layers one after the other, of types known when compiling: modules, functions, lambdas. Their
/// parameters are named `0.weight`, `2.bias`; `get<I>(model)` is layer `I`.
/// Follows `torch.nn.Sequential`.
///
/// A lambda that captures something, and has room for a reference, does not compile, because the
/// parameters of a module that it captured would not be found: write a struct with `operator()`.
///
/// **Example**
/// ```cpp
/// nn::Sequential model{nn::Flatten{}, nn::Linear{784, 128}, nn::ReLU{}, nn::Linear{128, 10}};
/// Tensor logits = model(images);
///
/// struct Net {  // a member needs its types; or make it an nn::SequentialAny or an nn::AnyModule
///   nn::Sequential<nn::Linear, nn::ReLU> body{nn::Linear{784, 128}, nn::ReLU{}};
/// };
/// ```
template <class... Layers>
class Sequential {
  static_assert((UnaryModule<Layers> && ...),
                "Reel: a layer of a Sequential takes one tensor and returns one; one of these "
                "cannot be called with a tensor");

 public:
  explicit(sizeof...(Layers) == 1) Sequential(Layers... layers) : layers_(std::move(layers)...) {}

  Tensor operator()(const Tensor& x) const {
    const detail::Running running(this);
    return run(layers_, x);
  }
  Tensor operator()(const Tensor& x)
    requires(!(std::is_invocable_v<const Layers&, const Tensor&> && ...))
  {
    const detail::Running running(this);
    return run(layers_, x);
  }

  static constexpr std::size_t size() { return sizeof...(Layers); }

  template <std::size_t I>
  friend auto& get(Sequential& model) {
    return std::get<I>(model.layers_);
  }
  template <std::size_t I>
  friend const auto& get(const Sequential& model) {
    return std::get<I>(model.layers_);
  }

  using reel_self = Sequential;
  template <class Self>
  static void reel_walk(Self& self, detail::Visitor& visitor) {
    const ModuleRef here(self, visitor.path());
    visitor.enter(here);
    std::apply(
        [&](auto&... layer) {
          std::size_t index = 0;
          (detail::walk_member(layer, index++, visitor), ...);
        },
        self.layers_);
    visitor.leave(here);
  }
  static Sequential reel_copy(const Sequential& self, detail::CopyMemo& memo) {
    return std::apply(
        [&](const auto&... layer) { return Sequential{detail::deep_copy(layer, memo)...}; },
        self.layers_);
  }

 private:
  // Runs layer I and those after it. A ReLU is joined to its neighbours where that saves passes
  // over memory, except while a summary watches.
  template <std::size_t I = 0>
  static Tensor run(auto& layers, const Tensor& x) {
    if constexpr (I == sizeof...(Layers)) {
      return x;
    } else {
      auto& layer = std::get<I>(layers);
      if constexpr (is_relu<I + 1> && has_then_pool<I, I + 2>) {
        if (detail::observer == nullptr) {
          const auto& pool = std::get<I + 2>(layers);
          return run<I + 3>(layers,
                            layer.then_relu_max_pool2d(x, pool.kernel_size, pool.options()));
        }
      } else if constexpr (is_relu<I> && has_after_relu<I + 1>) {
        if (detail::observer == nullptr)
          return run<I + 2>(layers, std::get<I + 1>(layers).after_relu(x));
      } else if constexpr (has_then_relu<I> && is_relu<I + 1> && !has_after_relu<I + 2>) {
        if (detail::observer == nullptr) return run<I + 2>(layers, layer.then_relu(x));
      }
      return run<I + 1>(layers, detail::call(&layer, [&] { return layer(x); }));
    }
  }

  struct End {};
  template <std::size_t I>
  using Layer = std::tuple_element_t<I, std::tuple<Layers..., End, End, End>>;
  template <std::size_t I>
  static constexpr bool is_relu = std::is_same_v<Layer<I>, ReLU>;
  template <std::size_t I>
  static constexpr bool has_then_relu =
      requires(const Layer<I>& layer, const Tensor& x) { layer.then_relu(x); };
  template <std::size_t I>
  static constexpr bool has_after_relu =
      requires(const Layer<I>& layer, const Tensor& x) { layer.after_relu(x); };
  template <std::size_t I, std::size_t Pool>
  static constexpr bool has_then_pool =
      requires(const Layer<I>& layer, const Layer<Pool>& pool, const Tensor& x) {
        pool.after_relu(x);
        layer.then_relu_max_pool2d(x, pool.kernel_size, pool.options());
      };

  std::tuple<Layers...> layers_;
};

/// Modules in a list; write `operator()` to say how they are used. Follows `torch.nn.ModuleList`.
using ModuleList = std::vector<AnyModule>;

/// Layers one after the other, put together at run time. Names, summary and `clone` are those of
/// `Sequential`.
///
/// **Example**
/// ```cpp
/// nn::SequentialAny model;
/// for (Size width : widths) model.push_back(nn::Linear{width, width});
/// ```
class SequentialAny {
 public:
  SequentialAny() = default;
  explicit SequentialAny(ModuleList layers) : layers_(std::move(layers)) {}

  Tensor operator()(const Tensor& input) const {
    const detail::Running running(this);
    Tensor x = input;
    for (const AnyModule& layer : layers_) x = layer(x);
    return x;
  }

  void push_back(AnyModule layer) { layers_.push_back(std::move(layer)); }
  std::size_t size() const { return layers_.size(); }
  bool empty() const { return layers_.empty(); }
  AnyModule& operator[](std::size_t i) { return layers_[i]; }
  const AnyModule& operator[](std::size_t i) const { return layers_[i]; }
  auto begin() { return layers_.begin(); }
  auto end() { return layers_.end(); }
  auto begin() const { return layers_.begin(); }
  auto end() const { return layers_.end(); }

  using reel_self = SequentialAny;
  static void reel_walk(const SequentialAny& self, detail::Visitor& visitor) {
    const ModuleRef here(self, visitor.path());
    visitor.enter(here);
    std::size_t index = 0;
    for (const AnyModule& layer : self.layers_) detail::walk_member(layer, index++, visitor);
    visitor.leave(here);
  }
  static SequentialAny reel_copy(const SequentialAny& self, detail::CopyMemo& memo) {
    return SequentialAny(detail::deep_copy(self.layers_, memo));
  }

 private:
  ModuleList layers_;
};

}  // namespace reel::nn
