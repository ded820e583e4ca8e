#pragma once

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `Adagrad`.
struct AdagradOptions {
  double lr = 1e-2;         ///< about how far a parameter moves in the first step
  double lr_decay = 0;      ///< the rate of step t is `lr / (1 + (t - 1) lr_decay)`
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  double initial_accumulator_value = 0;  ///< what the sum of g^2 begins with
  double eps = 1e-10;                    ///< keeps the divisor above 0
  bool maximize = false;                 ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr, lr_decay, weight_decay, initial_accumulator_value, eps);
  }
};

namespace detail {

struct AdagradRule {
  static constexpr const char* name = "Adagrad";
  using Options = AdagradOptions;
  template <class T>
  struct State {
    T sum;
  };

  double step_size, decay, initial, eps;
  bool first;

  AdagradRule(const AdagradOptions& o, double step, State<Buffer>& state)
      : step_size(o.lr / (1 + (step - 1) * o.lr_decay)),
        decay(o.weight_decay),
        initial(o.initial_accumulator_value),
        eps(o.eps),
        first(state.sum.is_new) {}

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    N& sum = state.sum;
    const N g = gradient + decay * p;
    if (first) sum = initial;
    sum += g * g;
    p -= over_root(step_size, g, sum, 1, eps);
  }
};

}  // namespace detail

/// Steps that become smaller where gradients have been large (Duchi et al. 2011). Follows
/// `torch.optim.Adagrad`: `p = p - lr g / (sqrt(sum of all g^2) + eps)`.
///
/// Throws for negative or non-finite options.
///
/// **Example** `optim::Adagrad adagrad{nn::parameters(net), {.lr = 0.01}};`
using Adagrad = Elementwise<detail::AdagradRule>;
extern template class REEL_API Elementwise<detail::AdagradRule>;

}  // namespace reel::optim
