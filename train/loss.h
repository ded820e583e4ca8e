#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "reel/nn/loss.h"

namespace reel::train {

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
  Loss() : Loss(nn::CrossEntropyLoss{}) { is_default_ = true; }

  /// Any callable of outputs and targets; what is none does not compile.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Loss>)
  Loss(F&& loss) {
    using Plain = std::remove_cvref_t<F>;
    static_assert(LossFunction<Plain>,
                  "Reel: a loss is an object or a function of outputs and targets, not its name: "
                  "write .loss = nn::MSELoss{}");
    if constexpr (std::same_as<Plain, nn::CrossEntropyLoss>) {
      takes_ = loss.from_logits ? Takes::logits : Takes::probabilities;
    } else if constexpr (std::same_as<Plain, nn::NLLLoss>) {
      takes_ = Takes::log_probabilities;
    }
    if constexpr (requires { loss.ignore_index; }) ignore_index_ = loss.ignore_index;
    if constexpr (LossFunction<Plain>) function_ = std::forward<F>(loss);
  }

  /// What the loss expects of the outputs, as far as fit knows it; all but `anything` want one for
  /// each class.
  enum class Takes { anything, logits, probabilities, log_probabilities };

  /// What it expects; `anything` of losses that Reel does not know.
  Takes takes() const { return takes_; }
  /// Whether nobody chose it.
  bool is_default() const { return is_default_; }
  /// The class whose samples the loss passes over, if there is one.
  std::optional<Size> ignore_index() const { return ignore_index_; }
  /// The loss of a batch.
  Tensor operator()(const Tensor& outputs, const Tensor& targets) const {
    return function_(outputs, targets);
  }

 private:
  std::function<Tensor(const Tensor&, const Tensor&)> function_;
  Takes takes_ = Takes::anything;
  bool is_default_ = false;
  std::optional<Size> ignore_index_;
};

}  // namespace reel::train
