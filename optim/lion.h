#pragma once

#include <utility>

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `Lion`.
struct LionOptions {
  double lr = 1e-4;  ///< how far each number of a parameter moves in a step
  std::pair<double, double> betas = {0.9, 0.99};  ///< how much the direction and the average keep
  double weight_decay = 0;  ///< each step shrinks parameters by `1 - lr * weight_decay`
  bool maximize = false;    ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr, weight_decay);
    must.be_below_1(betas);
  }
};

namespace detail {

struct LionRule {
  static constexpr const char* name = "Lion";
  using Options = LionOptions;
  template <class T>
  struct State {
    T exp_avg;
  };

  double lr, rest1, rest2, shrink;

  LionRule(const LionOptions& o, double, State<Buffer>&)
      : lr(o.lr),
        rest1(1 - o.betas.first),
        rest2(1 - o.betas.second),
        shrink(1 - o.lr * o.weight_decay) {}

  template <class N>
  void operator()(N& p, N g, State<N>& state) const {
    N& m = state.exp_avg;
    p = shrink * p - lr * sign(m + rest1 * (g - m));
    m += rest2 * (g - m);
  }
};

}  // namespace detail

/// Steps by the sign of an averaged gradient (Chen et al. 2023); takes a third to a tenth of AdamW's
/// rate and a weight decay as much larger. PyTorch has none.
///
/// Throws for negative or non-finite options and for betas outside [0, 1).
///
/// **Example** `optim::Lion lion{nn::parameters(net), {.lr = 1e-4, .weight_decay = 0.1}};`
using Lion = Elementwise<detail::LionRule>;
extern template class REEL_API Elementwise<detail::LionRule>;

}  // namespace reel::optim
