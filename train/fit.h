#pragma once

#include <array>
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

#include "reel/datasets/dataset.h"
#include "reel/nn/loss.h"
#include "reel/nn/module.h"
#include "reel/optim/optimizer.h"
#include "reel/train/progress.h"

namespace reel::train {

// --- what fit can be handed --------------------------------------------------------------------

class LabeledData;

/// A data set whose batches are two tensors, inputs and targets.
template <class D>
concept LabeledDataset =
    !std::same_as<D, LabeledData> && Dataset<D> && (std::tuple_size<BatchOf<D>>::value == 2);

/// Any such data set, its type forgotten; itself a data set. A handle: copies share the set.
class LabeledData {
 public:
  /// No data.
  LabeledData() = default;

  template <LabeledDataset D>
  LabeledData(const D& set) : set_(std::make_shared<const Of<D>>(set)) {}

  bool defined() const { return set_ != nullptr; }
  Size size() const { return set_->size(); }
  std::array<Tensor, 2> batch(std::span<const Size> indices) const { return set_->batch(indices); }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual Size size() const = 0;
    virtual std::array<Tensor, 2> batch(std::span<const Size> indices) const = 0;
  };
  template <class D>
  struct Of final : Any {
    explicit Of(const D& data) : set(data) {}
    Size size() const override { return set.size(); }
    std::array<Tensor, 2> batch(std::span<const Size> indices) const override {
      auto [inputs, targets] = batch_of(set, indices);
      return {std::move(inputs), std::move(targets)};
    }
    D set;
  };

  std::shared_ptr<const Any> set_;
};

class Loss;

/// A callable that makes a loss of outputs and targets.
template <class F>
concept LossFunction =
    !std::same_as<F, Loss> && std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&>;

/// Any loss: a callable that makes a scalar from outputs and targets. One that averages over the
/// samples, as all of Reel's do by default, gives the mean over an epoch its meaning.
class Loss {
 public:
  /// Cross-entropy from logits.
  Loss() : Loss(nn::CrossEntropyLoss{}) {}

  template <LossFunction F>
  Loss(F loss) {
    if constexpr (std::same_as<F, nn::CrossEntropyLoss>) {
      takes_ = loss.from_logits ? Takes::logits : Takes::probabilities;
    }
    if constexpr (requires { loss.ignore_index; }) ignore_index_ = loss.ignore_index;
    function_ = std::move(loss);
  }

  /// What the loss expects of the outputs, as far as fit knows it.
  enum class Takes { anything, logits, probabilities };

  Takes takes() const { return takes_; }
  /// The class whose samples the loss passes over, if there is one.
  std::optional<Size> ignore_index() const { return ignore_index_; }
  Tensor operator()(const Tensor& outputs, const Tensor& targets) const {
    return function_(outputs, targets);
  }

 private:
  std::function<Tensor(const Tensor&, const Tensor&)> function_;
  Takes takes_ = Takes::anything;
  std::optional<Size> ignore_index_;
};

/// An optimizer of the caller's, left where it is, or a temporary one, kept.
class AnyOptimizer {
 public:
  /// None: `fit` then makes an Adam with its defaults for all parameters.
  AnyOptimizer() = default;
  AnyOptimizer(optim::Optimizer& optimizer) : optimizer_(&optimizer, [](optim::Optimizer*) {}) {}
  template <std::derived_from<optim::Optimizer> O>
  AnyOptimizer(O&& optimizer) : optimizer_(std::make_shared<O>(std::move(optimizer))) {}

  optim::Optimizer* get() const { return optimizer_.get(); }

 private:
  std::shared_ptr<optim::Optimizer> optimizer_;
};

/// What a callback sees when an epoch has ended, its validation included.
struct EpochEnd {
  Size epoch = 1;   ///< counted from 1
  Size epochs = 1;  ///< how many were asked for
  double loss = 0;  ///< mean over the samples of the epoch, while they were learnt
  std::optional<double> accuracy = {};  ///< the same; none where targets are not classes
  std::optional<double> val_loss = {};  ///< after the epoch; none without validation data
  std::optional<double> val_accuracy = {};
  double seconds = 0;              ///< of the training steps, without validation
  bool stop = false;               ///< set it to end the training here
  std::vector<Tensor> state = {};  ///< the model's parameters and buffers, not copied
};

/// Stops a training whose loss no longer falls. Follows `keras.callbacks.EarlyStopping`.
///
/// **Example**
/// ```cpp
/// train::fit(model, train_set, {.epochs = 100, .validation = held_out,
///                               .callbacks = {train::EarlyStopping{.patience = 3}}});
/// ```
struct EarlyStopping {
  Size patience = 3;         ///< epochs in a row without a better loss before it stops
  double min_delta = 0;      ///< how much lower a loss must be to count as better
  bool restore_best = true;  ///< whether the model goes back to its best epoch at the end

  /// Looks at `val_loss`, or at `loss` where there is no validation.
  REEL_API void operator()(EpochEnd& epoch);

  double best_loss = 0;                 ///< the lowest loss seen, 0 before the first epoch
  Size best_epoch = 0;                  ///< where it was seen, 0 before the first epoch
  std::vector<Tensor> best_state = {};  ///< copies of the model's tensors there
};

/// What `fit` can be told. The defaults are those of Keras.
struct FitOptions {
  AnyOptimizer optimizer = {};             ///< `optim::Adam` with lr 1e-3 unless given
  Loss loss = {};                          ///< cross-entropy from logits
  Size epochs = 1;                         ///< passes over the data
  Size batch_size = 32;                    ///< samples a step
  bool shuffle = true;                     ///< a new order in each epoch
  std::optional<std::uint64_t> seed = {};  ///< of the orders; unset: `manual_seed` rules them
  LabeledData validation = {};             ///< evaluated after each epoch
  std::vector<std::function<void(EpochEnd&)>> callbacks = {};  ///< called in order after each epoch
  Verbose verbose = Verbose::automatic;                        ///< progress on stdout
  std::function<void(const std::string&)> on_warning = {};     ///< unset: printed on stderr
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
  Loss loss = {};                        ///< cross-entropy from logits
  Size batch_size = 256;                 ///< changes speed and memory, not the result
  Verbose verbose = Verbose::automatic;  ///< progress on stdout
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

// --- behind them -------------------------------------------------------------------------------

namespace detail {

/// What training needs of a model, whatever its type: so that the loop is compiled once.
class REEL_API AnyModel {
 public:
  virtual ~AnyModel() = default;
  virtual Tensor forward(const Tensor& inputs) = 0;
  virtual std::vector<Tensor> parameters() = 0;
  virtual std::vector<Tensor> state() = 0;
  /// The fields `training` of all its modules.
  virtual std::vector<bool*> modes() = 0;
};

template <class Model>
class ModelOf final : public AnyModel {
  static_assert(!std::is_const_v<Model>,
                "Reel: fit, evaluate and predict switch the model between training and evaluation "
                "mode: hand over one that is not const");

 public:
  explicit ModelOf(Model& model) : model_(model) {}
  Tensor forward(const Tensor& inputs) override { return model_(inputs); }
  std::vector<Tensor> parameters() override { return nn::parameters(model_); }
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

}  // namespace detail

/// A model that takes one tensor and gives one.
template <class Model>
concept TensorModel = std::is_invocable_r_v<Tensor, Model&, const Tensor&>;

// --- the three functions -----------------------------------------------------------------------

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
/// round. Throws `Error` when there is no data, no parameter, an option out of range, or when the
/// loss is no longer finite (before the step that would spoil the parameters). Follows
/// `keras.Model.fit`.
template <TensorModel Model>
History fit(Model& model, const LabeledData& data, const FitOptions& options = {}) {
  detail::ModelOf<Model> any(model);
  return detail::fit(any, data, options);
}

/// The loss and accuracy of `model` on `data`, in eval mode, off the tape; modes are restored.
/// Throws `Error` when there is no data. Follows `keras.Model.evaluate`.
template <TensorModel Model>
Evaluation evaluate(Model& model, const LabeledData& data, const EvaluateOptions& options = {}) {
  detail::ModelOf<Model> any(model);
  return detail::evaluate(any, data, options);
}

/// The outputs of `model` for `inputs` `[N, ...]`, batch by batch, in eval mode, off the tape;
/// modes are restored. Throws `Error` when there is no input. Follows `keras.Model.predict`.
template <TensorModel Model>
Tensor predict(Model& model, const Tensor& inputs, const PredictOptions& options = {}) {
  detail::ModelOf<Model> any(model);
  return detail::predict(any, inputs, options);
}

}  // namespace reel::train
