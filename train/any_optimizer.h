#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "reel/optim/optimizer.h"
#include "reel/train/detail/kept.h"

namespace reel::train {

/// An optimizer of the caller's, left where it is, or a temporary one, kept.
class AnyOptimizer {
 public:
  /// None: `fit` then makes an Adam with its defaults for all parameters.
  AnyOptimizer() = default;
  /// The caller's, which must live as long as this.
  AnyOptimizer(optim::Optimizer& optimizer) : optimizer_(detail::kept(optimizer)) {}
  /// One made in place, kept.
  template <std::derived_from<optim::Optimizer> O>
  AnyOptimizer(O&& optimizer) : optimizer_(detail::kept(std::move(optimizer))) {}
  /// Anything else does not compile.
  template <class O>
    requires(!std::same_as<std::remove_cvref_t<O>, AnyOptimizer> &&
             !std::derived_from<std::remove_cvref_t<O>, optim::Optimizer>)
  AnyOptimizer(O&&) {
    static_assert(sizeof(O) == 0,
                  "Reel: .optimizer takes an optimizer, as optim::Adam{nn::parameters(model)}");
  }

  /// The optimizer, or null.
  optim::Optimizer* get() const { return optimizer_.get(); }

 private:
  std::shared_ptr<optim::Optimizer> optimizer_;
};

}  // namespace reel::train
