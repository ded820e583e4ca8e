#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/nn/any_module.h"
#include "reel/nn/detail/call.h"
#include "reel/nn/detail/deep_copy.h"
#include "reel/nn/detail/walk.h"

namespace reel::nn {

/// Modules in a list; write `operator()` to say how they are used. Follows `torch.nn.ModuleList`.
using ModuleList = std::vector<AnyModule>;

namespace detail {

/// The place of layer `index` among `size`, negative ones counted from the end.
REEL_API std::size_t layer_index(Size index, std::size_t size);
[[noreturn]] REEL_API void wrong_layer(Size index, std::string_view wanted, std::string_view got);

}  // namespace detail

/// Layers one after the other: modules, functions, lambdas. Their parameters are named `0.weight`,
/// `2.bias`. Copies share the layers, as copies of a tensor share its elements; `nn::clone` copies
/// them. Follows `torch.nn.Sequential`.
///
/// A lambda that captures something, and has room for a reference, does not compile, because the
/// parameters of a module that it captured would not be found: write a struct with `operator()`.
///
/// **Example**
/// ```cpp
/// nn::Sequential model{nn::Flatten{}, nn::Linear{784, 128}, nn::ReLU{}, nn::Linear{128, 10}};
/// Tensor logits = model(images);
/// model.at<nn::Linear>(1).bias;
///
/// nn::Sequential deep;
/// for (Size width : widths) deep.push_back(nn::Linear{width, width});
/// ```
class REEL_API Sequential {
 public:
  Sequential() = default;
  /// Of layers in a list.
  explicit Sequential(ModuleList layers) : layers_(std::move(layers)) {}

  /// Of layers in this order.
  template <class... Layers>
    requires(sizeof...(Layers) > 0 &&
             !(std::same_as<std::remove_cvref_t<Layers>, ModuleList> || ...) &&
             !(sizeof...(Layers) == 1 &&
               (std::same_as<std::remove_cvref_t<Layers>, Sequential> || ...)))
  explicit(sizeof...(Layers) == 1) Sequential(Layers&&... layers) {
    static_assert((UnaryModule<std::decay_t<Layers>> && ...),
                  "Reel: a layer of a Sequential takes one tensor and returns one; one of these "
                  "cannot be called with a tensor");
    layers_.reserve(sizeof...(Layers));
    (layers_.emplace_back(std::forward<Layers>(layers)), ...);
  }

  /// Runs `x` through all layers; without any it is the identity.
  Tensor operator()(Tensor x) const;

  /// Adds a layer at the end.
  void push_back(AnyModule layer) { layers_.push_back(std::move(layer)); }
  /// How many layers there are.
  std::size_t size() const { return layers_.size(); }
  /// Whether there is none.
  bool empty() const { return layers_.empty(); }

  /// Layer `index`; negative ones count from the end. Throws where there is none.
  AnyModule& operator[](Size index) { return layers_[detail::layer_index(index, size())]; }
  /// The same, to be read.
  const AnyModule& operator[](Size index) const {
    return layers_[detail::layer_index(index, size())];
  }
  /// Layer `index` as what it is, to read and to change. Throws where there is none, and when it is
  /// no `M`.
  template <class M>
  M& at(Size index) const {
    const AnyModule& layer = (*this)[index];
    M* found = layer.as<M>();
    if (found == nullptr) detail::wrong_layer(index, detail::type_name<M>(), layer.type_name());
    return *found;
  }

  Hooks hooks = {};  ///< see `nn::Hooks`; each layer has its own

  auto begin() { return layers_.begin(); }
  auto end() { return layers_.end(); }
  auto begin() const { return layers_.begin(); }
  auto end() const { return layers_.end(); }

  using reel_self = Sequential;
  static void reel_walk(const Sequential& self, detail::Visitor& visitor) {
    const ModuleRef here(const_cast<Sequential&>(self), visitor.path());
    visitor.enter(here);
    std::size_t index = 0;
    for (const AnyModule& layer : self.layers_) detail::walk_member(layer, index++, visitor);
    visitor.leave(here);
  }
  static Sequential reel_copy(const Sequential& self, detail::CopyMemo& memo) {
    return Sequential(detail::deep_copy(self.layers_, memo));
  }

 private:
  Tensor run(Tensor x) const;

  ModuleList layers_;
};

}  // namespace reel::nn
