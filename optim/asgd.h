#pragma once

#include <algorithm>
#include <cmath>

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `ASGD`.
struct ASGDOptions {
  double lr = 1e-2;         ///< the step along the negative gradient
  double lambd = 1e-4;      ///< how fast parameters and the rate decay
  double alpha = 0.75;      ///< the rate of step t is `lr / (1 + lambd lr t)^alpha`
  double t0 = 1e6;          ///< the step from which parameters are averaged
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  bool maximize = false;    ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr, lambd, alpha);
    must.be_finite(t0);
    must.be_at_least_0(weight_decay);
  }
};

namespace detail {

struct ASGDRule {
  static constexpr const char* name = "ASGD";
  using Options = ASGDOptions;
  template <class T>
  struct State {
    T ax;  // the average
    double eta = 0, mu = 1;
  };

  double rate, shrink, average, decay;

  ASGDRule(const ASGDOptions& o, double step, State<Buffer>& state)
      : rate(step == 1 ? o.lr : state.eta),
        shrink(1 - o.lambd * rate),
        average(state.mu),
        decay(o.weight_decay) {
    state.eta = o.lr / std::pow(1 + o.lambd * o.lr * step, o.alpha);
    state.mu = 1 / std::max(1.0, step - o.t0);
  }

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    const N g = gradient + decay * p;
    p = shrink * p - rate * g;
    state.ax = average == 1 ? p : state.ax + average * (p - state.ax);
  }
};

}  // namespace detail

/// Averaged stochastic gradient descent (Polyak and Juditsky 1992): the mean of the parameters since
/// step `t0` is kept as "ax" of the state. Follows `torch.optim.ASGD`.
///
/// Throws for negative or non-finite options.
///
/// **Example** `optim::ASGD asgd{nn::parameters(net), {.lr = 0.01, .t0 = 1000}};`
using ASGD = Elementwise<detail::ASGDRule>;
extern template class REEL_API Elementwise<detail::ASGDRule>;

}  // namespace reel::optim
