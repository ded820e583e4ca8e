#pragma once

#include <utility>

#include "reel/optim/adam.h"

namespace reel::optim {

/// Options of `AdamW`.
struct AdamWOptions {
  double lr = 1e-3;                                ///< about how far a parameter moves in a step
  std::pair<double, double> betas = {0.9, 0.999};  ///< how much the averages of g and g^2 keep
  double eps = 1e-8;                               ///< keeps the divisor above 0
  double weight_decay = 1e-2;  ///< each step shrinks parameters by `1 - lr * weight_decay`
  bool amsgrad = false;        ///< divides by the largest average of g^2 so far
  bool maximize = false;       ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr, eps, weight_decay);
    must.be_below_1(betas);
  }
};

namespace detail {

struct AdamWRule : AdamRule {
  static constexpr const char* name = "AdamW";
  using Options = AdamWOptions;

  AdamWRule(const AdamWOptions& o, double step, State<Buffer>& state)
      : AdamRule({.lr = o.lr,
                  .betas = o.betas,
                  .eps = o.eps,
                  .weight_decay = o.weight_decay,
                  .amsgrad = o.amsgrad,
                  .decoupled_weight_decay = true},
                 step, state) {}
};

}  // namespace detail

/// Adam with weight decay apart from the gradient's averages (Loshchilov and Hutter 2019). Follows
/// `torch.optim.AdamW`.
///
/// Throws for negative or non-finite options and for betas outside [0, 1).
///
/// **Example** `optim::AdamW adamw{nn::parameters(net), {.lr = 3e-4, .weight_decay = 0.1}};`
using AdamW = Elementwise<detail::AdamWRule>;
extern template class REEL_API Elementwise<detail::AdamWRule>;

}  // namespace reel::optim
