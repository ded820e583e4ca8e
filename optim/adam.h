#pragma once

#include <utility>

#include "reel/optim/optimizer.h"

namespace reel::optim {

struct AdamOptions {
  double lr = 1e-3;                                ///< about how far a parameter moves in a step
  std::pair<double, double> betas = {0.9, 0.999};  ///< how much the averages of g and g^2 keep
  double eps = 1e-8;                               ///< keeps the divisor above 0
  double weight_decay = 0;  ///< adds this times the parameter to the gradient (L2 penalty)
  bool amsgrad = false;     ///< divides by the largest average of g^2 so far
};

/// Adam: steps of even size in all directions (Kingma and Ba 2015; amsgrad: Reddi et al. 2018).
/// Follows `torch.optim.Adam`: `m` and `v` are running averages of the gradient and its square,
/// corrected for their start at 0, and `p = p - lr m / (sqrt(v) + eps)`.
///
/// Throws for negative or non-finite options and for betas outside [0, 1).
///
/// **Example** `optim::Adam adam{nn::parameters(net), {.lr = 1e-3}};`
class REEL_API Adam final : public GroupedOptimizer<AdamOptions> {
 public:
  using GroupedOptimizer::GroupedOptimizer;
  explicit Adam(const std::vector<Tensor>& parameters, const AdamOptions& options = {});
  explicit Adam(const std::vector<Group>& groups);

 private:
  void update(Size group, const Update& update) override;
  std::span<const BufferKind> buffer_kinds() const override;
  void visit_options(Size group, const OptionVisitor& visit) override;
  void check_options(Size group) const override;
};

}  // namespace reel::optim
