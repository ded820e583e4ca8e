#include "reel/train/callbacks/clip_grad_norm.h"

#include <cmath>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/reduce/reduce.h"

namespace reel::train {

void ClipGradNorm::fit_begin(Run&) {
  check(max_norm > 0, "ClipGradNorm", "expected max_norm > 0, got {}", max_norm);
}

void ClipGradNorm::backward_end(Run& run) {
  const NoGradGuard no_grad;
  double squares = 0;
  for (const auto& [name, parameter] : run.parameters()) {
    const Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    const double norm = gradient.norm().item();
    squares += norm * norm;
  }
  last_norm = std::sqrt(squares);
  check(std::isfinite(last_norm), "ClipGradNorm",
        "expected gradients of finite norm, got {} in step {} of epoch {}", last_norm, run.step(),
        run.epoch());
  if (last_norm <= max_norm) return;
  const double scale = max_norm / (last_norm + 1e-6);
  for (const auto& [name, parameter] : run.parameters()) {
    if (Tensor gradient = parameter.grad(); gradient.defined()) gradient.mul_(scale);
  }
}

}  // namespace reel::train
