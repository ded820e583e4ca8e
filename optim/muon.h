#pragma once

#include <array>

#include "reel/optim/optimizer.h"

namespace reel::optim {

/// How `Muon` fits its rate to a matrix of n x m.
enum class AdjustLR {
  original,            ///< times sqrt(max(1, n / m))
  match_rms_adamw,     ///< times 0.2 sqrt(max(n, m)): AdamW's rate and decay will do
  spectral_unclamped,  ///< times sqrt(n / m)
  last = spectral_unclamped
};

/// Options of `Muon`.
struct MuonOptions {
  double lr = 1e-3;           ///< how far a matrix moves in a step, in its largest direction
  double weight_decay = 0.1;  ///< each step shrinks parameters by `1 - lr * weight_decay`
  double momentum = 0.95;     ///< how much the average of the gradients keeps
  bool nesterov = true;       ///< looks ahead along the average
  /// The polynomial `a x + b x^3 + c x^5` that brings singular values near 1.
  std::array<double, 3> ns_coefficients = {3.4445, -4.7750, 2.0315};
  double eps = 1e-7;                           ///< the least norm that a direction is divided by
  Size ns_steps = 5;                           ///< how often the polynomial is applied
  AdjustLR adjust_lr_fn = AdjustLR::original;  ///< how the rate follows the shape

  void check(const auto& must) const {
    must.be_at_least_0(lr, weight_decay, momentum);
    must.be_finite(ns_coefficients);
    must.be_at_least_0(eps);
    must.agree(ns_steps >= 0 && ns_steps < 100, "ns_steps in [0, 100)", ns_steps);
  }
};

/// Steps along an averaged gradient whose singular values are all brought near 1, for the matrices
/// of hidden layers (Jordan et al. 2024). Follows `torch.optim.Muon`, which iterates in bfloat16;
/// here the parameter's own dtype does.
///
/// Throws for negative or non-finite options, for ns_steps outside [0, 100) and for parameters that
/// are no matrices.
///
/// **Example** `optim::Muon muon{{fc1.weight, fc2.weight}, {.lr = 0.02}};`
class REEL_API Muon final : public GroupedOptimizer<MuonOptions> {
 public:
  /// The constructors that say of a wrong call what to write.
  using GroupedOptimizer::GroupedOptimizer;
  /// One group. Throws unless `parameters` are matrices, leaves that require grad, at least one and
  /// none of them twice.
  explicit Muon(const std::vector<Tensor>& parameters, const MuonOptions& options = {});
  /// Groups with options of their own, at least one; of their parameters as above.
  explicit Muon(const std::vector<Group>& groups);

 private:
  void update(Size group, const Update& update) override;
  std::span<const StateField> state_fields() const override;
  void check_parameter(const Tensor& parameter, const std::string& at) const override;
};

}  // namespace reel::optim
