#pragma once

#include <utility>

#include "reel/optim/optimizer.h"

namespace reel::optim {

struct AdamWOptions {
  double lr = 1e-3;                                ///< about how far a parameter moves in a step
  std::pair<double, double> betas = {0.9, 0.999};  ///< how much the averages of g and g^2 keep
  double eps = 1e-8;                               ///< keeps the divisor above 0
  double weight_decay = 1e-2;  ///< each step shrinks parameters by `1 - lr * weight_decay`
  bool amsgrad = false;        ///< divides by the largest average of g^2 so far
};

/// Adam with weight decay apart from the gradient's averages (Loshchilov and Hutter 2019). Follows
/// `torch.optim.AdamW`.
///
/// Throws for negative or non-finite options and for betas outside [0, 1).
///
/// **Example** `optim::AdamW adamw{nn::parameters(net), {.lr = 3e-4, .weight_decay = 0.1}};`
class REEL_API AdamW final : public GroupedOptimizer<AdamWOptions> {
 public:
  using GroupedOptimizer::GroupedOptimizer;
  explicit AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options = {});
  explicit AdamW(const std::vector<Group>& groups);

 private:
  void update(Size group, const Update& update) override;
  std::span<const BufferKind> buffer_kinds() const override;
  void visit_options(Size group, const OptionVisitor& visit) override;
  void check_options(Size group) const override;
};

}  // namespace reel::optim
