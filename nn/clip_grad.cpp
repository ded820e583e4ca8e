#include "reel/nn/clip_grad.h"

#include <cmath>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/ops.h"

namespace reel::nn {
namespace {

std::vector<Tensor> gradients_of(const char* op, const std::vector<Tensor>& parameters) {
  std::vector<Tensor> gradients;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    check(parameters[i].defined(), op, "expected tensors, got an undefined one as parameter {}", i);
    const Tensor gradient = parameters[i].grad();
    if (gradient.defined()) gradients.push_back(gradient);
  }
  return gradients;
}

}  // namespace

Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                       const ClipGradNormOptions& options) {
  constexpr const char* op = "clip_grad_norm_";
  check(max_norm >= 0, op, "expected a max_norm of at least 0, got {}", max_norm);
  const NoGradGuard no_grad;
  const std::vector<Tensor> gradients = gradients_of(op, parameters);
  std::vector<double> norms;
  for (const Tensor& gradient : gradients)
    norms.push_back(norm(gradient, options.norm_type).item());
  const TensorOptions in_double{.dtype = float64};
  const Tensor total =
      norms.empty() ? zeros({}, in_double) : norm(tensor(norms, in_double), options.norm_type);
  const double length = total.item();
  check(!options.error_if_nonfinite || std::isfinite(length), op,
        "expected gradients of a finite norm, got {}; they are left as they are", length);
  const double scale = max_norm / (length + 1e-6);
  if (scale >= 1) return total;
  for (const Tensor& gradient : gradients) gradient.mul_(scale);
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  constexpr const char* op = "clip_grad_value_";
  check(clip_value >= 0, op, "expected a clip_value of at least 0, got {}", clip_value);
  const NoGradGuard no_grad;
  for (const Tensor& gradient : gradients_of(op, parameters)) {
    gradient.clamp_(-clip_value, clip_value);
  }
}

}  // namespace reel::nn
