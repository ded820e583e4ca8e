#pragma once

#include <optional>
#include <utility>

#include "reel/optim/optimizer.h"

namespace reel::optim {

/// Options of `Adafactor`.
struct AdafactorOptions {
  double lr = 1e-2;           ///< the most that a step is, in parts of the parameter's size
  double beta2_decay = -0.8;  ///< averages take `t^beta2_decay` of the squares of step t
  /// The least average of g^2, at first its root (none: the dtype's epsilon), and the least size
  /// that a parameter counts with.
  std::pair<std::optional<double>, double> eps = {std::nullopt, 1e-3};
  double d = 1;             ///< steps are scaled down to this root mean square
  double weight_decay = 0;  ///< each step shrinks parameters by `1 - lr * weight_decay`
  bool maximize = false;    ///< goes up instead of down

  void check(const auto& must) const {
    must.be_at_least_0(lr);
    must.be_finite(beta2_decay);
    must.agree(beta2_decay <= 0, "beta2_decay of at most 0", beta2_decay);
    must.be_at_least_0(eps);
    must.be_finite(d);
    must.agree(d >= 1, "d of at least 1", d);
    must.be_at_least_0(weight_decay);
  }
};

/// Adam's divisor from the averages of rows and columns alone, so that a matrix of n x m numbers
/// keeps n + m beside it (Shazeer and Stern 2018). Follows `torch.optim.Adafactor`. A parameter of
/// more dimensions is a batch of matrices; a vector keeps its averages whole.
///
/// Throws for negative or non-finite options, for a beta2_decay above 0 and a d below 1.
///
/// **Example** `optim::Adafactor adafactor{nn::parameters(net), {.lr = 0.01}};`
class REEL_API Adafactor final : public GroupedOptimizer<AdafactorOptions> {
 public:
  /// The constructors that say of a wrong call what to write.
  using GroupedOptimizer::GroupedOptimizer;
  /// One group. Throws unless `parameters` are leaves that require grad, at least one and none of
  /// them twice.
  explicit Adafactor(const std::vector<Tensor>& parameters, const AdafactorOptions& options = {});
  /// Groups with options of their own, at least one; of their parameters as above.
  explicit Adafactor(const std::vector<Group>& groups);

 private:
  void update(Size group, const Update& update) override;
  std::span<const StateField> state_fields() const override;
};

}  // namespace reel::optim
