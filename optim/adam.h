#pragma once

#include <cmath>
#include <utility>

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `Adam`.
struct AdamOptions {
  double lr = 1e-3;                                ///< about how far a parameter moves in a step
  std::pair<double, double> betas = {0.9, 0.999};  ///< how much the averages of g and g^2 keep
  double eps = 1e-8;                               ///< keeps the divisor above 0
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  bool amsgrad = false;     ///< divides by the largest average of g^2 so far
  bool maximize = false;    ///< goes up instead of down
  bool decoupled_weight_decay = false;  ///< decays as `AdamW` does

  void check(const auto& must) const {
    must.be_at_least_0(lr, eps, weight_decay);
    must.be_below_1(betas);
  }
};

namespace detail {

struct AdamRule {
  static constexpr const char* name = "Adam";
  using Options = AdamOptions;
  template <class T>
  struct State {
    T exp_avg, exp_avg_sq, max_exp_avg_sq;
  };

  double step_size, rest1, beta2, rest2, inverse_root, eps, shrink, decay;
  bool amsgrad;

  AdamRule(const AdamOptions& o, double step, State<Buffer>& state)
      : step_size(o.lr / (1 - std::pow(o.betas.first, step))),
        rest1(1 - o.betas.first),
        beta2(o.betas.second),
        rest2(1 - o.betas.second),
        inverse_root(1 / std::sqrt(1 - std::pow(o.betas.second, step))),
        eps(o.eps),
        shrink(o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1),
        decay(o.decoupled_weight_decay ? 0 : o.weight_decay),
        amsgrad(o.amsgrad) {
    state.max_exp_avg_sq.used = amsgrad;
  }

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    auto& [m, v, most] = state;
    p *= shrink;
    const N g = gradient + decay * p;
    m += rest1 * (g - m);
    v = rest2 * g * g + beta2 * v;
    if (amsgrad) most = max(most, v);
    p -= over_root(step_size, m, amsgrad ? most : v, inverse_root, eps);
  }
};

}  // namespace detail

/// Adam: steps of even size in all directions (Kingma and Ba 2015; amsgrad: Reddi et al. 2018).
/// Follows `torch.optim.Adam`: `m` and `v` are running averages of the gradient and its square,
/// corrected for their start at 0, and `p = p - lr m / (sqrt(v) + eps)`.
///
/// Throws for negative or non-finite options and for betas outside [0, 1).
///
/// **Example** `optim::Adam adam{nn::parameters(net), {.lr = 1e-3}};`
using Adam = Elementwise<detail::AdamRule>;
extern template class REEL_API Elementwise<detail::AdamRule>;

}  // namespace reel::optim
