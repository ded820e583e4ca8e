#pragma once

#include "reel/optim/optimizer.h"

namespace reel::optim {

struct SGDOptions {
  double lr = 1e-3;         ///< the step along the negative gradient
  double momentum = 0;      ///< how much of the last direction is kept
  double dampening = 0;     ///< how much less the gradient counts in the direction
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  bool nesterov = false;    ///< looks ahead along the direction; needs momentum without dampening
};

/// Stochastic gradient descent, with momentum (Sutskever et al. 2013). Follows `torch.optim.SGD`:
/// `v = momentum v + (1 - dampening) g`, `p = p - lr v`, the first v being g.
///
/// Throws for a negative or non-finite option, and for `nesterov` without momentum or with
/// dampening.
///
/// **Example** `optim::SGD sgd{nn::parameters(net), {.lr = 0.1, .momentum = 0.9}};`
class REEL_API SGD final : public GroupedOptimizer<SGDOptions> {
 public:
  using GroupedOptimizer::GroupedOptimizer;
  explicit SGD(const std::vector<Tensor>& parameters, const SGDOptions& options = {});
  explicit SGD(const std::vector<Group>& groups);

 private:
  void update(Size group, const Update& update) override;
  std::span<const BufferKind> buffer_kinds() const override;
  void visit_options(Size group, const OptionVisitor& visit) override;
  void check_options(Size group) const override;
};

}  // namespace reel::optim
