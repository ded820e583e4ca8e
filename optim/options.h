#pragma once

// Internal: what the constructors and options of optimizers share.

#include <cmath>
#include <vector>

#include "reel/base/fail.h"

namespace reel::optim::detail {

template <class O, class Group>
void add_groups(O& optimizer, const char* name, const std::vector<Group>& groups) {
  check(!groups.empty(), name, "expected at least one group of parameters, got none");
  for (const Group& group : groups) optimizer.add_param_group(group);
}

inline void check_not_negative(const char* optimizer, const char* option, double value) {
  check(value >= 0 && std::isfinite(value), optimizer, "expected a finite {} of at least 0, got {}",
        option, value);
}

inline void check_finite(const char* optimizer, const char* option, double value) {
  check(std::isfinite(value), optimizer, "expected a finite {}, got {}", option, value);
}

/// A switch, saved as 0 or 1.
template <class Visitor>
void visit_flag(const char* name, bool& flag, const Visitor& visit) {
  double value = flag ? 1 : 0;
  visit(name, value);
  flag = value != 0;
}

}  // namespace reel::optim::detail
