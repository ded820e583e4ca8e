#include "reel/optim/muon.h"

#include <algorithm>
#include <cmath>

#include "reel/base/fail.h"
#include "reel/ops/ops.h"

namespace reel::optim {
namespace {

/// The matrix with the same singular vectors and singular values near 1, by Newton and Schulz.
Tensor orthogonal(const Tensor& matrix, const MuonOptions& o) {
  const bool is_tall = matrix.size(0) > matrix.size(1);
  const auto& [a, b, c] = o.ns_coefficients;
  Tensor x = is_tall ? matrix.t() : matrix;
  x = x / std::max(norm(x).item(), o.eps);
  for (Size i = 0; i < o.ns_steps; ++i) {
    const Tensor gram = matmul(x, x.t());
    x = a * x + matmul(b * gram + c * matmul(gram, gram), x);
  }
  return is_tall ? x.t() : x;
}

double adjusted(AdjustLR how, const Tensor& matrix) {
  const auto n = static_cast<double>(matrix.size(0)), m = static_cast<double>(matrix.size(1));
  switch (how) {
    case AdjustLR::original:
      return std::sqrt(std::max(1.0, n / m));
    case AdjustLR::match_rms_adamw:
      return 0.2 * std::sqrt(std::max(n, m));
    case AdjustLR::spectral_unclamped:
      return std::sqrt(n / m);
  }
  return 1;
}

}  // namespace

Muon::Muon(const std::vector<Tensor>& parameters, const MuonOptions& options)
    : Muon(std::vector<Group>{{parameters, options}}) {}
Muon::Muon(const std::vector<Group>& groups) : GroupedOptimizer("Muon") { add_groups(groups); }

std::span<const Optimizer::StateField> Muon::state_fields() const {
  static constexpr StateField fields[] = {{.name = "momentum_buffer"}};
  return fields;
}

void Muon::check_parameter(const Tensor& parameter, const std::string& at) const {
  check(parameter.dim() == 2, name(),
        "expected matrices, got one of shape {} as {}\n"
        "help: give biases, norms, embeddings and filters to another optimizer, as AdamW",
        parameter.shape(), at);
}

void Muon::update(Size group, const Update& update) {
  const MuonOptions& o = options_of(group);
  const Tensor &p = update.parameter, &g = update.gradient, &average = update.buffer(0);
  if (p.numel() == 0) return;
  average.add_((1 - o.momentum) * (g - average));
  const Tensor direction = orthogonal(o.nesterov ? g + o.momentum * (average - g) : average, o);
  p.mul_(1 - o.lr * o.weight_decay);
  p.sub_(direction * (o.lr * adjusted(o.adjust_lr_fn, p)));
}

}  // namespace reel::optim
