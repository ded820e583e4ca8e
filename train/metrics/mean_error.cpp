#include "reel/train/metrics/mean_error.h"

#include <cmath>

#include "reel/base/fail.h"

namespace reel::train {
namespace {

/// Adds `error(output - target)` of every element. In double, so that batches of any size give the
/// same mean, up to its rounding.
template <class Error>
void add_errors(const std::string& op, Mean& mean, const Tensor& outputs, const Tensor& targets,
                Error error) {
  check(outputs.shape() == targets.shape(), op.c_str(),
        "expected targets of the outputs' shape {}, got {}", outputs.shape(), targets.shape());
  const Tensor left = outputs.detach().to(float64).contiguous();
  const Tensor right = targets.detach().to(float64).contiguous();
  const double* x = left.data_ptr<double>();
  const double* y = right.data_ptr<double>();
  for (Size i = 0; i < left.numel(); ++i) mean.add(error(x[i] - y[i]));
}

}  // namespace

void MeanAbsoluteError::update(const Tensor& outputs, const Tensor& targets) {
  add_errors(name(), mean, outputs, targets,
             [](double difference) { return std::abs(difference); });
}

void MeanSquaredError::update(const Tensor& outputs, const Tensor& targets) {
  add_errors(name(), mean, outputs, targets,
             [](double difference) { return difference * difference; });
}

}  // namespace reel::train
