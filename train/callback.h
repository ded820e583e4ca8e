#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::train {

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

/// Anything that can be called with an `EpochEnd&`. One of the caller's is left where it is, so
/// that what it found can be read there after `fit`, and must live until then; one made in place is
/// kept.
///
/// **Example**
/// ```cpp
/// train::EarlyStopping stopping;
/// train::fit(model, train_set, {.epochs = 100, .validation = held_out, .callbacks = {stopping}});
/// fmt::print("best after epoch {}\n", stopping.best_epoch);
/// ```
class Callback {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Callback>)
  Callback(F&& f) {
    constexpr bool fits = std::is_invocable_v<std::remove_reference_t<F>&, EpochEnd&>;
    static_assert(fits,
                  "Reel: a callback of fit is called as callback(epoch): write "
                  "[&](train::EpochEnd& epoch) { ... }");
    if constexpr (fits && std::is_lvalue_reference_v<F>) {
      call_ = std::ref(f);
    } else if constexpr (fits) {
      call_ = [kept = std::make_shared<F>(std::move(f))](EpochEnd& epoch) { (*kept)(epoch); };
    }
  }

  void operator()(EpochEnd& epoch) const { call_(epoch); }

 private:
  std::function<void(EpochEnd&)> call_;
};

/// Stops a training whose loss no longer falls; begins anew with each run of `fit`. Follows
/// `keras.callbacks.EarlyStopping`.
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

}  // namespace reel::train
