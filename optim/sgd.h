#pragma once

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `SGD`.
struct SGDOptions {
  double lr = 1e-3;         ///< the step along the negative gradient
  double momentum = 0;      ///< how much of the last direction is kept
  double dampening = 0;     ///< how much less the gradient counts in the direction
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  bool nesterov = false;    ///< looks ahead along the direction; needs momentum without dampening
  bool maximize = false;    ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr, momentum);
    must.be_finite(dampening);
    must.be_at_least_0(weight_decay);
    must.agree(!nesterov || (momentum > 0 && dampening == 0),
               "momentum above 0 and no dampening for nesterov", momentum, dampening);
  }
};

namespace detail {

struct SGDRule {
  static constexpr const char* name = "SGD";
  using Options = SGDOptions;
  template <class T>
  struct State {
    T momentum_buffer;
  };

  double lr, decay, keep, take;       // the buffer keeps and takes
  double from_gradient, from_buffer;  // the direction
  bool has_momentum;

  SGDRule(const SGDOptions& o, double, State<Buffer>& state)
      : lr(o.lr),
        decay(o.weight_decay),
        keep(state.momentum_buffer.is_new ? 0 : o.momentum),
        take(state.momentum_buffer.is_new ? 1 : 1 - o.dampening),
        from_gradient(o.nesterov ? 1 : 0),
        from_buffer(o.nesterov ? o.momentum : 1),
        has_momentum(o.momentum != 0) {
    state.momentum_buffer.used = has_momentum;
  }

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    const N g = gradient + decay * p;
    if (has_momentum) {
      N& velocity = state.momentum_buffer;
      velocity = take * g + keep * velocity;
      p -= lr * (from_buffer * velocity + from_gradient * g);
    } else {
      p -= lr * g;
    }
  }
};

}  // namespace detail

/// Stochastic gradient descent, with momentum (Sutskever et al. 2013). Follows `torch.optim.SGD`:
/// `v = momentum v + (1 - dampening) g`, `p = p - lr v`, the first v being g.
///
/// Throws for a negative or non-finite option, and for `nesterov` without momentum or with
/// dampening.
///
/// **Example** `optim::SGD sgd{nn::parameters(net), {.lr = 0.1, .momentum = 0.9}};`
using SGD = Elementwise<detail::SGDRule>;
extern template class REEL_API Elementwise<detail::SGDRule>;

}  // namespace reel::optim
