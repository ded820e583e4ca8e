#pragma once

#include "reel/train/trainer.h"

// The stations of a training as functions, for a model that is trained once: a `Trainer` behind
// each.

namespace reel::train {

namespace detail {

REEL_API TrainerOptions purpose_of(const FitOptions& options);
REEL_API TrainerOptions purpose_of(const EvaluateOptions& options);
REEL_API RunOptions run_of(const FitOptions& options);
REEL_API PassOptions pass_of(const EvaluateOptions& options);

}  // namespace detail

/// Trains `model` on the batches of `data`: `Trainer::fit`, which says more.
///
/// **Example**
/// ```cpp
/// auto history = train::fit(model, train_set, {.epochs = 5, .validation = test_set});
/// ```
/// `model`: any callable module; its parameters change, its modes are restored. `data`: a data set
/// or `DataLoader` whose batches are inputs and targets. Follows `keras.Model.fit`.
template <class Model>
History fit(Model& model, const Data& data, const FitOptions& options = {}) {
  return Trainer<Model>(model, detail::purpose_of(options)).fit(data, detail::run_of(options));
}

/// Row i of `x` is an input, row i of `y` its target.
template <class Model>
History fit(Model& model, const Tensor& x, const Tensor& y, const FitOptions& options = {}) {
  return fit(model, Data(x, y), options);
}

/// The loss and the metrics of `model` on `data`: `Trainer::evaluate`. Give the `.loss` that `fit`
/// was given. Follows `keras.Model.evaluate`.
template <class Model>
Evaluation evaluate(Model& model, const Data& data, const EvaluateOptions& options = {}) {
  return Trainer<Model>(model, detail::purpose_of(options))
      .evaluate(data, detail::pass_of(options));
}

/// Row i of `x` is an input, row i of `y` its target.
template <class Model>
Evaluation evaluate(Model& model, const Tensor& x, const Tensor& y,
                    const EvaluateOptions& options = {}) {
  return evaluate(model, Data(x, y), options);
}

/// The outputs of `model` for inputs `[N, ...]`, or for all of a data set: `Trainer::predict`.
/// Follows `keras.Model.predict`.
///
/// **Example** `Tensor outputs = train::predict(model, test_set);`
template <class Model, class D>
Tensor predict(Model& model, D&& data, const PredictOptions& options = {}) {
  detail::ModelOf<Model> any(model);
  return detail::predict_any(any, std::forward<D>(data), options);
}

}  // namespace reel::train
