#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cases.h"

namespace bench {

/// A case and the median of each side that has it, in the case's unit.
struct Row {
  Case what;
  std::map<std::string, double> medians;

  /// The side's figure, 0 where it has none.
  double of(const std::string& side) const;
  /// The peer with the least; "" where there is none.
  std::string best_peer() const;
  /// How many times Reel's figure the best peer's is; 0 where either is missing.
  double ratio() const;
};

/// Measures a case on all sides in turns: 5 repetitions of 0.1 s; 3 of 0.02 s when `quick`. What a
/// side throws counts as "does not have it" and is told on stderr.
Row measure(const Case& c, const std::vector<Side>& sides, bool quick);

}  // namespace bench
