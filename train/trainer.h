#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "reel/train/evaluation.h"
#include "reel/train/history.h"
#include "reel/train/model.h"
#include "reel/train/options.h"

namespace reel::train {

namespace detail {

/// Trains; where there is no optimizer, makes one and leaves it in `purpose`.
REEL_API History fit(AnyModel& model, TrainerOptions& purpose, const Data& data,
                     const RunOptions& options);
REEL_API Evaluation evaluate(AnyModel& model, const TrainerOptions& purpose, const Data& data,
                             const PassOptions& options);
REEL_API Tensor predict(AnyModel& model, const Batches& data, const PredictOptions& options);
REEL_API Tensor predict(AnyModel& model, const Tensor& inputs, const PredictOptions& options);
/// Throws unless the model has parameters to train.
REEL_API AnyOptimizer default_optimizer(AnyModel& model);

/// The outputs for a tensor, a data set or a loader.
template <class D>
Tensor predict_any(AnyModel& model, D&& data, const PredictOptions& options) {
  using Plain = std::remove_cvref_t<D>;
  constexpr bool knows = requires { typename BatchesOf<Plain>::type; };
  static_assert(std::convertible_to<Plain, Tensor> || std::derived_from<Plain, Batches> || knows,
                "Reel: predict takes a tensor of inputs [N, ...], a data set or a DataLoader");
  if constexpr (std::convertible_to<Plain, Tensor>) {
    return predict(model, static_cast<const Tensor&>(data), options);
  } else if constexpr (std::derived_from<Plain, Batches>) {
    return predict(model, static_cast<const Batches&>(data), options);
  } else if constexpr (knows) {
    return predict(model, Batches(std::forward<D>(data)), options);
  }
}

}  // namespace detail

/// A model and what it is trained for. The model stays where it is and must live as long as this.
///
/// **Example**
/// ```cpp
/// train::Trainer trainer{model, {.loss = nn::MSELoss{},
///                                .metrics = {train::MeanAbsoluteError{}},
///                                .optimizer = optim::Adam{nn::parameters(model), {.lr = 2e-3}}}};
/// trainer.fit(train_set, {.epochs = 5});
/// const auto result = trainer.evaluate(test_set);
/// const Tensor outputs = trainer.predict(x);
/// ```
/// `Model`: any callable module that takes tensors, up to eight, and gives one. Follows
/// `keras.Model`, with its `compile`.
template <class Model>
class Trainer {
 public:
  /// Of a model of the caller's, left where it is, which must live as long as this.
  explicit Trainer(Model& model, TrainerOptions options = {})
      : model_(model), options_(std::move(options)) {}
  /// Not of a model that nobody else could use.
  Trainer(const Model&&, const TrainerOptions& = {}) : model_(*static_cast<Model*>(nullptr)) {
    static_assert(sizeof(Model) == 0,
                  "Reel: a Trainer leaves the model where it is: give the model a name");
  }

  /// Trains on the batches of `data`, in train mode, and returns what happened in each epoch; modes
  /// are restored. A later run goes on with the same optimizer. Follows `keras.Model.fit`.
  ///
  /// Warns once when outputs look like probabilities but the loss takes logits, or the other way
  /// round, and when the optimizer leaves out some of the model's parameters.
  ///
  /// Throws `Error` when there is no data, no parameter, or an option out of range; when the model
  /// does not take the inputs of a batch; when cross-entropy, the default, is given one output or
  /// numbers as targets; when the optimizer holds none of the parameters; when two metrics have one
  /// name; and when the loss or a gradient is not finite: before the step that would spoil the
  /// parameters, except for single elements of large gradients, which are told a little later.
  History fit(const Data& data, const RunOptions& options = {}) {
    return detail::fit(model_, options_, data, options);
  }
  /// Row i of `x` is an input, row i of `y` its target.
  History fit(const Tensor& x, const Tensor& y, const RunOptions& options = {}) {
    return fit(Data(x, y), options);
  }

  /// The loss and the metrics on `data`, in eval mode, off the tape; modes are restored. Warns and
  /// throws about data, losses and outputs as `fit` does. Follows `keras.Model.evaluate`.
  Evaluation evaluate(const Data& data, const PassOptions& options = {}) {
    return detail::evaluate(model_, options_, data, options);
  }
  /// Row i of `x` is an input, row i of `y` its target.
  Evaluation evaluate(const Tensor& x, const Tensor& y, const PassOptions& options = {}) {
    return evaluate(Data(x, y), options);
  }

  /// The outputs for `data` in its order, batch by batch, in eval mode, off the tape; modes are
  /// restored. `data`: inputs `[N, ...]`, or a data set or `DataLoader` of inputs, with targets or
  /// without. Of a batch, all tensors go into the model where it takes so many, else all but the
  /// last. Throws `Error` when there is no input, and for a loader that shuffles. Follows
  /// `keras.Model.predict`.
  template <class D>
  Tensor predict(D&& data, const PredictOptions& options = {}) {
    return detail::predict_any(model_, std::forward<D>(data), options);
  }

  /// What trains the model. Throws unless it has parameters to train.
  optim::Optimizer& optimizer() {
    if (options_.optimizer.get() == nullptr) {
      options_.optimizer = detail::default_optimizer(model_);
    }
    return *options_.optimizer.get();
  }

 private:
  detail::ModelOf<Model> model_;
  TrainerOptions options_;
};

}  // namespace reel::train
