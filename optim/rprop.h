#pragma once

#include <utility>

#include "reel/optim/elementwise.h"

namespace reel::optim {

/// Options of `Rprop`.
struct RpropOptions {
  double lr = 1e-2;  ///< how far each number of a parameter moves in the first step
  /// What a step is multiplied by where the gradient turns, and where it does not.
  std::pair<double, double> etas = {0.5, 1.2};
  std::pair<double, double> step_sizes = {1e-6, 50};  ///< the smallest and the largest step
  bool maximize = false;                              ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr);
    must.be_above_0(etas);
    must.agree(etas.first < 1 && etas.second > 1, "0 < etas.first < 1 < etas.second", etas);
    must.be_at_least_0(step_sizes);
    must.agree(step_sizes.first <= step_sizes.second, "step_sizes in order", step_sizes);
  }
};

namespace detail {

struct RpropRule {
  static constexpr const char* name = "Rprop";
  using Options = RpropOptions;
  template <class T>
  struct State {
    T prev, step_size;
  };

  double lr, shrink, grow, least, most;
  bool first;

  RpropRule(const RpropOptions& o, double, State<Buffer>& state)
      : lr(o.lr),
        shrink(o.etas.first),
        grow(o.etas.second),
        least(o.step_sizes.first),
        most(o.step_sizes.second),
        first(state.step_size.is_new) {}

  template <class N>
  void operator()(N& p, N gradient, State<N>& state) const {
    auto& [before, size] = state;
    if (first) size = lr;
    const N turned = gradient * before;  // below 0 where it did
    size = min(max(size * by_sign(turned, grow, shrink, 1), least), most);
    const N g = by_sign(turned, gradient, 0, gradient);
    p -= sign(g) * size;
    before = g;
  }
};

}  // namespace detail

/// Steps by the gradient's sign, each number with a step of its own, which grows until the sign turns
/// (Riedmiller and Braun 1993). For gradients of all data, not of batches. Follows
/// `torch.optim.Rprop`. `lr` is where the steps begin; changed later, it has no effect.
///
/// Throws for negative or non-finite options, unless `0 < etas.first < 1 < etas.second`, and for
/// step sizes out of order.
///
/// **Example** `optim::Rprop rprop{nn::parameters(net), {.lr = 0.01}};`
using Rprop = Elementwise<detail::RpropRule>;
extern template class REEL_API Elementwise<detail::RpropRule>;

}  // namespace reel::optim
