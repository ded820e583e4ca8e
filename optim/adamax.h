#pragma once

#include <cmath>
#include <utility>

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `Adamax`.
struct AdamaxOptions {
  double lr = 2e-3;                                ///< about how far a parameter moves in a step
  std::pair<double, double> betas = {0.9, 0.999};  ///< how much the average and the maximum keep
  double eps = 1e-8;                               ///< keeps the divisor above 0
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  bool maximize = false;    ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr, eps, weight_decay);
    must.be_below_1(betas);
  }
};

namespace detail {

struct AdamaxRule {
  static constexpr const char* name = "Adamax";
  using Options = AdamaxOptions;
  template <class T>
  struct State {
    T exp_avg, exp_inf;
  };

  double step_size, rest1, beta2, eps, decay;

  AdamaxRule(const AdamaxOptions& o, double step, State<Buffer>&)
      : step_size(o.lr / (1 - std::pow(o.betas.first, step))),
        rest1(1 - o.betas.first),
        beta2(o.betas.second),
        eps(o.eps),
        decay(o.weight_decay) {}

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    auto& [m, most] = state;
    const N g = gradient + decay * p;
    m += rest1 * (g - m);
    most = max(beta2 * most, abs(g) + eps);
    p -= step_size * m / most;
  }
};

}  // namespace detail

/// Adam that divides by the largest recent gradient instead of the root of an average (Kingma and
/// Ba 2015, section 7). Follows `torch.optim.Adamax`.
///
/// Throws for negative or non-finite options and for betas outside [0, 1).
///
/// **Example** `optim::Adamax adamax{nn::parameters(net), {.lr = 2e-3}};`
using Adamax = Elementwise<detail::AdamaxRule>;
extern template class REEL_API Elementwise<detail::AdamaxRule>;

}  // namespace reel::optim
