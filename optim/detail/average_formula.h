#pragma once

namespace reel::optim::detail {

/// An average takes in a part of a number.
struct AverageFormula {
  template <class T>
  struct State {};

  double weight;

  template <class N>
  void operator()(N& average, N x, State<N>&) const {
    average += weight * (x - average);
  }
};

}  // namespace reel::optim::detail
