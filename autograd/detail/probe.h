#pragma once

// Internal: how a rule that a user has written is kept from leaving the tape unseen.

#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::detail {

/// Every rule is linear in the gradient that it is given, so what it returns must require grad
/// where that does: else it went by `data_ptr()`, xtensor or `detach()`, and the second derivative
/// would silently be wrong. This lends a rule gradients that require grad although they are
/// constants, and looks at what comes back. Without `create_graph` it does nothing.
class REEL_API Probe {
 public:
  /// For the rule of this op.
  explicit Probe(const char* op);

  /// The gradient to hand to the rule.
  Tensor lend(Tensor dy);
  /// Throws unless each of the gradients that are `needed` depends on what was lent; those that
  /// depend on nothing else become constants again. `help` is for the error.
  void check(std::vector<Tensor>& gradients, const std::vector<bool>& needed,
             const char* help) const;

 private:
  const char* op_;
  bool recording_;
  Tensor origin_;  // what gradients that were constants seem to come from
};

}  // namespace reel::detail
