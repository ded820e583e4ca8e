#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/nn/detail/call.h"
#include "reel/nn/module.h"

namespace reel::train {

namespace detail {

constexpr std::size_t most_inputs = 8;

/// Whether a model is called with the tensors `I...` and gives one.
template <class Model, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return std::is_invocable_r_v<Tensor, Model&, std::enable_if_t<(I >= 0), const Tensor&>...>;
}

/// Which numbers of inputs a model takes: `[n - 1]` for `n`.
template <class Model, std::size_t... N>
constexpr std::array<bool, sizeof...(N)> arities(std::index_sequence<N...>) {
  return {takes<Model>(std::make_index_sequence<N + 1>())...};
}
template <class Model>
inline constexpr std::array<bool, most_inputs> arities_of =
    arities<Model>(std::make_index_sequence<most_inputs>());

}  // namespace detail

/// A model that takes tensors, up to eight, and gives one: `Tensor operator()(const Tensor& a,
/// const Tensor& b) const`.
template <class Model>
concept TensorModel = (detail::arities_of<Model> != std::array<bool, detail::most_inputs>{});

namespace detail {

/// What training needs of a model, whatever its type: so that the loop is compiled once.
class REEL_API AnyModel {
 public:
  virtual ~AnyModel() = default;
  /// Whether it can be called with so many tensors.
  virtual bool takes(std::size_t inputs) const = 0;
  /// Its output; it must take so many.
  virtual Tensor forward(std::span<const Tensor> inputs) = 0;
  virtual NamedTensors parameters() = 0;
  virtual StateDict state_dict() = 0;
  /// The fields `training` of all its modules.
  virtual std::vector<bool*> modes() = 0;
};

template <class Model>
class ModelOf final : public AnyModel {
  static_assert(!std::is_const_v<Model>,
                "Reel: fit, evaluate and predict switch the model between training and evaluation "
                "mode: hand over one that is not const");
  static_assert(
      TensorModel<Model>,
      "Reel: a model is called as model(inputs): write Tensor operator()(const Tensor& x) "
      "const, which is what PyTorch calls forward");

 public:
  explicit ModelOf(Model& model) : model_(model) {}
  bool takes(std::size_t inputs) const override {
    return inputs >= 1 && inputs <= most_inputs && arities_of<Model>[inputs - 1];
  }
  Tensor forward(std::span<const Tensor> inputs) override {
    Tensor outputs;
    [&]<std::size_t... N>(std::index_sequence<N...>) {
      static_cast<void>(((inputs.size() == N + 1 &&
                          (call(inputs, outputs, std::make_index_sequence<N + 1>()), true)) ||
                         ...));
    }(std::make_index_sequence<most_inputs>());
    return outputs;
  }
  NamedTensors parameters() override { return nn::named_parameters(model_); }
  StateDict state_dict() override { return nn::state_dict(model_); }
  std::vector<bool*> modes() override { return nn::detail::mode_flags(model_); }

 private:
  template <std::size_t... I>
  void call([[maybe_unused]] std::span<const Tensor> inputs, [[maybe_unused]] Tensor& outputs,
            std::index_sequence<I...>) {
    if constexpr (arities_of<Model>[sizeof...(I) - 1])
      outputs = nn::detail::call(
          &model_, [&] { return model_(inputs[I]...); }, inputs[I]...);
  }

  Model& model_;
};

}  // namespace detail
}  // namespace reel::train
