#include "reel/train/metrics/metric.h"

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel::train {

void MeanMetric::update(const Tensor& outputs, const Tensor& targets) {
  const NoGradGuard no_grad;
  const Tensor value = function(outputs.detach(), targets);
  check(value.defined() && value.numel() == 1, called.c_str(), "expected one element, got {}",
        value.defined() ? to_string(value.shape()) : "an undefined tensor");
  mean.add(value.item(), static_cast<double>(targets.dim() > 0 ? targets.size(0) : 1));
}

}  // namespace reel::train
