#pragma once

#include <cmath>
#include <utility>

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `RAdam`.
struct RAdamOptions {
  double lr = 1e-3;                                ///< about how far a parameter moves in a step
  std::pair<double, double> betas = {0.9, 0.999};  ///< how much the averages of g and g^2 keep
  double eps = 1e-8;                               ///< keeps the divisor above 0
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  bool decoupled_weight_decay = false;  ///< decays as `AdamW` does
  bool maximize = false;                ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr, eps, weight_decay);
    must.be_below_1(betas);
  }
};

namespace detail {

struct RAdamRule {
  static constexpr const char* name = "RAdam";
  using Options = RAdamOptions;
  template <class T>
  struct State {
    T exp_avg, exp_avg_sq;
  };

  double step_size, rest1, beta2, rest2, eps, shrink, decay;
  bool adaptive;

  RAdamRule(const RAdamOptions& o, double step, State<Buffer>&)
      : step_size(o.lr / (1 - std::pow(o.betas.first, step))),
        rest1(1 - o.betas.first),
        beta2(o.betas.second),
        rest2(1 - o.betas.second),
        eps(o.eps),
        shrink(o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1),
        decay(o.decoupled_weight_decay ? 0 : o.weight_decay) {
    // How many gradients the average of g^2 is worth, now and in the end.
    const double correction = 1 - std::pow(beta2, step);
    const double most = 2 / (1 - beta2) - 1;
    const double length = most - 2 * step * (1 - correction) / correction;
    adaptive = length > 5;
    if (adaptive) {
      step_size *= std::sqrt(correction * (length - 4) * (length - 2) * most /
                             ((most - 4) * (most - 2) * length));
    }
  }

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    auto& [m, v] = state;
    p *= shrink;
    const N g = gradient + decay * p;
    m += rest1 * (g - m);
    v = rest2 * g * g + beta2 * v;
    p -= adaptive ? over_root(step_size, m, v, 1, eps) : step_size * m;
  }
};

}  // namespace detail

/// Adam that takes the average of g^2 for as certain as it is (Liu et al. 2020): the first steps go
/// along the averaged gradient. Follows `torch.optim.RAdam`.
///
/// Throws for negative or non-finite options and for betas outside [0, 1).
///
/// **Example** `optim::RAdam radam{nn::parameters(net), {.lr = 1e-3}};`
using RAdam = Elementwise<detail::RAdamRule>;
extern template class REEL_API Elementwise<detail::RAdamRule>;

}  // namespace reel::optim
