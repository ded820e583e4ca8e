#pragma once

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `RMSprop`.
struct RMSpropOptions {
  double lr = 1e-2;         ///< about how far a parameter moves in a step
  double alpha = 0.99;      ///< how much the average of g^2 keeps
  double eps = 1e-8;        ///< keeps the divisor above 0
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  double momentum = 0;      ///< how much of the last direction is kept
  bool centered = false;    ///< divides by the deviation of the gradient instead of its size
  bool maximize = false;    ///< goes up instead of down

  void check(const auto& must) const { must.be_at_least_0(lr, alpha, eps, weight_decay, momentum); }
};

namespace detail {

struct RMSpropRule {
  static constexpr const char* name = "RMSprop";
  using Options = RMSpropOptions;
  template <class T>
  struct State {
    T square_avg, momentum_buffer, grad_avg;
  };

  double lr, alpha, rest, eps, decay, momentum;
  bool centered;

  RMSpropRule(const RMSpropOptions& o, double, State<Buffer>& state)
      : lr(o.lr),
        alpha(o.alpha),
        rest(1 - o.alpha),
        eps(o.eps),
        decay(o.weight_decay),
        momentum(o.momentum),
        centered(o.centered) {
    state.momentum_buffer.used = momentum > 0;
    state.grad_avg.used = centered;
  }

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    auto& [v, velocity, mean] = state;
    const N g = gradient + decay * p;
    v = rest * g * g + alpha * v;
    N spread = v;
    if (centered) {
      mean += rest * (g - mean);
      spread = max(v - mean * mean, 0);  // rounded, it may come out below 0
    }
    if (momentum > 0) {
      velocity = over_root(1, g, spread, 1, eps) + momentum * velocity;
      p -= lr * velocity;
    } else {
      p -= over_root(lr, g, spread, 1, eps);
    }
  }
};

}  // namespace detail

/// The gradient over the root of its average square (Tieleman and Hinton 2012; centered: Graves
/// 2013). Follows `torch.optim.RMSprop`: `p = p - lr g / (sqrt(v) + eps)`. Where rounding makes a
/// centered variance negative it counts as 0, and not as NaN.
///
/// Throws for negative or non-finite options.
///
/// **Example** `optim::RMSprop rmsprop{nn::parameters(net), {.lr = 1e-3, .momentum = 0.9}};`
using RMSprop = Elementwise<detail::RMSpropRule>;
extern template class REEL_API Elementwise<detail::RMSpropRule>;

}  // namespace reel::optim
