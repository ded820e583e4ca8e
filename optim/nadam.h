#pragma once

#include <cmath>
#include <utility>

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `NAdam`.
struct NAdamOptions {
  double lr = 2e-3;                                ///< about how far a parameter moves in a step
  std::pair<double, double> betas = {0.9, 0.999};  ///< how much the averages of g and g^2 keep
  double eps = 1e-8;                               ///< keeps the divisor above 0
  double weight_decay = 0;       ///< adds this times the parameter to the gradient (L2 penalty)
  double momentum_decay = 4e-3;  ///< how fast the momentum comes up to `betas.first`
  bool decoupled_weight_decay = false;  ///< decays as `AdamW` does
  bool maximize = false;                ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr, eps, weight_decay, momentum_decay);
    must.be_below_1(betas);
  }
};

namespace detail {

struct NAdamRule {
  static constexpr const char* name = "NAdam";
  using Options = NAdamOptions;
  template <class T>
  struct State {
    T exp_avg, exp_avg_sq;
    double mu_product = 1;  // of the momenta so far
  };

  double rest1, beta2, rest2, inverse_root, eps, shrink, decay;
  double from_gradient, from_average;

  NAdamRule(const NAdamOptions& o, double step, State<Buffer>& state)
      : rest1(1 - o.betas.first),
        beta2(o.betas.second),
        rest2(1 - o.betas.second),
        inverse_root(1 / std::sqrt(1 - std::pow(o.betas.second, step))),
        eps(o.eps),
        shrink(o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1),
        decay(o.decoupled_weight_decay ? 0 : o.weight_decay) {
    const auto momentum_at = [&](double t) {
      return o.betas.first * (1 - 0.5 * std::pow(0.96, t * o.momentum_decay));
    };
    const double now = momentum_at(step), next = momentum_at(step + 1);
    state.mu_product *= now;
    from_gradient = o.lr * (1 - now) / (1 - state.mu_product);
    from_average = o.lr * next / (1 - state.mu_product * next);
  }

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    auto& [m, v, unused] = state;
    p *= shrink;
    const N g = gradient + decay * p;
    m += rest1 * (g - m);
    v = rest2 * g * g + beta2 * v;
    p -= over_root(1, from_gradient * g + from_average * m, v, inverse_root, eps);
  }
};

}  // namespace detail

/// Adam with Nesterov's look ahead (Dozat 2016). Follows `torch.optim.NAdam`: the momentum of step
/// t is `mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)`.
///
/// Throws for negative or non-finite options and for betas outside [0, 1).
///
/// **Example** `optim::NAdam nadam{nn::parameters(net), {.lr = 2e-3}};`
using NAdam = Elementwise<detail::NAdamRule>;
extern template class REEL_API Elementwise<detail::NAdamRule>;

}  // namespace reel::optim
