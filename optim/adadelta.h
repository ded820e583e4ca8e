#pragma once

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `Adadelta`.
struct AdadeltaOptions {
  double lr = 1;            ///< scales the step
  double rho = 0.9;         ///< how much the averages of g^2 and of the steps' squares keep
  double eps = 1e-6;        ///< keeps both roots above 0
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  bool maximize = false;    ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr);
    must.be_in_0_to_1(rho);
    must.be_at_least_0(eps, weight_decay);
  }
};

namespace detail {

struct AdadeltaRule {
  static constexpr const char* name = "Adadelta";
  using Options = AdadeltaOptions;
  template <class T>
  struct State {
    T square_avg, acc_delta;
  };

  double lr, rho, rest, eps, decay;

  AdadeltaRule(const AdadeltaOptions& o, double, State<Buffer>&)
      : lr(o.lr), rho(o.rho), rest(1 - o.rho), eps(o.eps), decay(o.weight_decay) {}

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    auto& [v, moved] = state;
    const N g = gradient + decay * p;
    v = rest * g * g + rho * v;
    const N delta = over_root(sqrt(moved + eps), g, v + eps, 1, 0);
    moved = rest * delta * delta + rho * moved;
    p -= lr * delta;
  }
};

}  // namespace detail

/// Steps in the parameter's own unit: the gradient over the root of its average square, times that
/// of the steps so far (Zeiler 2012). Follows `torch.optim.Adadelta`.
///
/// Throws for negative or non-finite options and for a rho outside [0, 1].
///
/// **Example** `optim::Adadelta adadelta{nn::parameters(net), {.rho = 0.95}};`
using Adadelta = Elementwise<detail::AdadeltaRule>;
extern template class REEL_API Elementwise<detail::AdadeltaRule>;

}  // namespace reel::optim
