#pragma once

namespace reel::train {

/// A weighted mean of numbers that come one at a time.
class Mean {
 public:
  /// Counts a number as often as `weight` says.
  void add(double value, double weight = 1) {
    sum_ += value * weight;
    weight_ += weight;
  }
  /// The mean; NaN before the first number.
  double value() const { return sum_ / weight_; }
  /// The sum of the weights.
  double weight() const { return weight_; }
  /// Forgets all numbers.
  void reset() { *this = Mean(); }

 private:
  double sum_ = 0;
  double weight_ = 0;
};

}  // namespace reel::train
