#pragma once

// Internal: the numbers of one pass over data.

#include <optional>
#include <string_view>
#include <vector>

#include "reel/train/figures.h"
#include "reel/train/loss.h"
#include "reel/train/metrics/accuracy.h"
#include "reel/train/metrics/mean.h"
#include "reel/train/metrics/metric.h"

namespace reel::train::detail {

/// Loss and metrics over the samples since `begin`. Where no metric was chosen, accuracy if the
/// targets are classes.
class Score {
 public:
  /// Throws for metrics that could not be told from each other or from the loss. `op`: whose pass.
  Score(const char* op, const Loss& loss, std::vector<Metric> metrics);

  /// Forgets all samples.
  void begin();
  /// Counts a batch. `loss`: its mean.
  void add(double loss, const Tensor& outputs, const Tensor& targets);
  Figures figures() const;
  /// Whether `figures` has a number of this name, or may have one once the first batch is there.
  bool uses(std::string_view name) const;

 private:
  const Loss& loss_;
  std::vector<Metric> metrics_;
  bool metrics_chosen_;
  bool first_ = true;  // no batch yet
  std::optional<Accuracy> accuracy_;
  Mean mean_loss_;
};

}  // namespace reel::train::detail
