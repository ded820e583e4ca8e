#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/nn/module.h"
#include "reel/optim/optimizer.h"
#include "reel/train/callback.h"
#include "reel/train/data.h"
#include "reel/train/loss.h"
#include "reel/train/progress.h"

namespace reel::train {

// ---- what fit can be handed

/// An optimizer of the caller's, left where it is, or a temporary one, kept.
class AnyOptimizer {
 public:
  /// None: `fit` then makes an Adam with its defaults for all parameters.
  AnyOptimizer() = default;
  AnyOptimizer(optim::Optimizer& optimizer) : optimizer_(&optimizer, [](optim::Optimizer*) {}) {}
  template <std::derived_from<optim::Optimizer> O>
  AnyOptimizer(O&& optimizer) : optimizer_(std::make_shared<O>(std::move(optimizer))) {}
  template <class O>
    requires(!std::same_as<std::remove_cvref_t<O>, AnyOptimizer> &&
             !std::derived_from<std::remove_cvref_t<O>, optim::Optimizer>)
  AnyOptimizer(O&&) {
    static_assert(sizeof(O) == 0,
                  "Reel: .optimizer takes an optimizer, as optim::Adam{nn::parameters(model)}");
  }

  optim::Optimizer* get() const { return optimizer_.get(); }

 private:
  std::shared_ptr<optim::Optimizer> optimizer_;
};

/// What `fit` can be told. The defaults are those of Keras.
struct FitOptions {
  AnyOptimizer optimizer = {};             ///< `optim::Adam` with lr 1e-3 unless given
  Loss loss = {};                          ///< cross-entropy from logits
  Size epochs = 1;                         ///< passes over the data
  Size batch_size = 32;                    ///< samples a step
  bool shuffle = true;                     ///< a new order in each epoch
  bool drop_last = false;                  ///< leave out a last batch of fewer samples
  std::optional<std::uint64_t> seed = {};  ///< of the orders; unset: `manual_seed` rules them
  LabeledData validation = {};             ///< evaluated after each epoch
  std::vector<Callback> callbacks = {};    ///< called in order after each epoch
  Verbose verbose = Verbose::automatic;    ///< progress on stdout
  std::function<void(const std::string&)> on_warning = {};  ///< unset: printed on stderr
};

/// What happened, an entry an epoch.
struct History {
  std::vector<double> loss;
  std::vector<double> accuracy;  ///< empty where targets are not classes
  std::vector<double> val_loss;  ///< empty without validation data
  std::vector<double> val_accuracy;
  std::vector<double> seconds;  ///< of the training steps, without validation

  Size epochs() const { return static_cast<Size>(loss.size()); }
};

/// What `evaluate` can be told.
struct EvaluateOptions {
  Loss loss =
      {};  ///< cross-entropy from logits; a model knows no loss: give the one `fit` was given
  Size batch_size = 256;                 ///< changes speed and memory, not the result
  Verbose verbose = Verbose::automatic;  ///< progress on stdout
  std::function<void(const std::string&)> on_warning = {};  ///< unset: printed on stderr
};

/// How good a model is.
struct Evaluation {
  double loss = 0;                 ///< mean over all samples
  std::optional<double> accuracy;  ///< none where targets are not classes
  Size samples = 0;
  double seconds = 0;
};

/// What `predict` can be told.
struct PredictOptions {
  Size batch_size = 256;  ///< changes speed and memory, not the result
};

/// A model that takes one tensor and gives one.
template <class Model>
concept TensorModel = std::is_invocable_r_v<Tensor, Model&, const Tensor&>;

// ---- behind them

namespace detail {

/// What training needs of a model, whatever its type: so that the loop is compiled once.
class REEL_API AnyModel {
 public:
  virtual ~AnyModel() = default;
  virtual Tensor forward(const Tensor& inputs) = 0;
  virtual NamedTensors parameters() = 0;
  virtual std::vector<Tensor> state() = 0;
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
  Tensor forward(const Tensor& inputs) override {
    if constexpr (TensorModel<Model>) {
      const nn::detail::Running running(&model_);  // errors name the layer by its path in the model
      return model_(inputs);
    } else {
      return {};
    }
  }
  NamedTensors parameters() override { return nn::named_parameters(model_); }
  std::vector<Tensor> state() override {
    std::vector<Tensor> tensors;
    for (auto& [name, tensor] : nn::state_dict(model_)) tensors.push_back(tensor);
    return tensors;
  }
  std::vector<bool*> modes() override { return nn::detail::mode_flags(model_); }

 private:
  Model& model_;
};

REEL_API History fit(AnyModel& model, const LabeledData& data, const FitOptions& options);
REEL_API Evaluation evaluate(AnyModel& model, const LabeledData& data,
                             const EvaluateOptions& options);
REEL_API Tensor predict(AnyModel& model, const Tensor& inputs, const PredictOptions& options);
/// `inputs` gives those of a batch of the `samples` that there are.
REEL_API Tensor predict(AnyModel& model, Size samples,
                        const std::function<Tensor(std::span<const Size>)>& inputs,
                        const PredictOptions& options);

}  // namespace detail

// ---- the three functions

/// Trains `model` on the batches of `data`, in train mode, and returns what happened in each epoch.
///
/// **Example**
/// ```cpp
/// auto history = train::fit(model, train_set, {.epochs = 5, .validation = test_set});
/// ```
/// `model`: any callable module; its parameters change, its modes are restored. `data`: any data
/// set whose batches are inputs and targets, e.g. `TensorDataset{images, labels}`. Accuracy is
/// shown where targets are class indices, and for `nn::CrossEntropyLoss`.
///
/// Warns once when outputs look like probabilities but the loss takes logits, or the other way
/// round, and when the optimizer leaves out some of the model's parameters. Throws `Error` when
/// there is no data, no parameter, an option out of range, when cross-entropy, the default, is
/// given one output or numbers as targets, when the optimizer holds none of the parameters, and
/// when the loss or a gradient is not finite: before the step that would spoil the parameters,
/// except for single elements of large gradients, which are told a little later. Follows
/// `keras.Model.fit`.
template <class Model>
History fit(Model& model, const LabeledData& data, const FitOptions& options = {}) {
  detail::ModelOf<Model> any(model);
  return detail::fit(any, data, options);
}

/// Not from two tensors.
template <class Model>
History fit(Model&, const Tensor&, const Tensor&, const FitOptions& = {}) {
  static_assert(sizeof(Model) == 0,
                "Reel: inputs and targets become one data set: TensorDataset{x, y}");
  return {};
}

/// The loss and accuracy of `model` on `data`, in eval mode, off the tape; modes are restored. Give
/// the `.loss` that `fit` was given. Warns and throws about losses and outputs as `fit` does;
/// throws `Error` when there is no data. Follows `keras.Model.evaluate`.
template <class Model>
Evaluation evaluate(Model& model, const LabeledData& data, const EvaluateOptions& options = {}) {
  detail::ModelOf<Model> any(model);
  return detail::evaluate(any, data, options);
}

/// Not from two tensors.
template <class Model>
Evaluation evaluate(Model&, const Tensor&, const Tensor&, const EvaluateOptions& = {}) {
  static_assert(sizeof(Model) == 0,
                "Reel: inputs and targets become one data set: TensorDataset{x, y}");
  return {};
}

/// The outputs of `model` for `inputs` `[N, ...]`, batch by batch, in eval mode, off the tape;
/// modes are restored. Throws `Error` when there is no input. Follows `keras.Model.predict`.
template <class Model>
Tensor predict(Model& model, const Tensor& inputs, const PredictOptions& options = {}) {
  detail::ModelOf<Model> any(model);
  return detail::predict(any, inputs, options);
}

/// The outputs of `model` for all inputs of a data set, in its order; targets are passed over.
///
/// **Example** `Tensor outputs = train::predict(model, test_set);`
template <class Model, class D>
  requires(!std::convertible_to<const D&, Tensor>)
Tensor predict(Model& model, const D& data, const PredictOptions& options = {}) {
  static_assert(Dataset<D>, "Reel: predict takes a tensor of inputs [N, ...] or a data set");
  if constexpr (Dataset<D>) {
    detail::ModelOf<Model> any(model);
    const auto inputs = [&](std::span<const Size> indices) -> Tensor {
      if constexpr (std::convertible_to<BatchOf<D>, Tensor>) {
        return batch_of(data, indices);
      } else {
        return std::get<0>(batch_of(data, indices));
      }
    };
    return detail::predict(any, data.size(), inputs, options);
  }
}

}  // namespace reel::train
