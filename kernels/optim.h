#pragma once

#include "reel/base/dtype.h"

namespace reel::kernels {

/// Constants of one step of stochastic gradient descent.
struct SgdStep {
  double lr;
  double momentum;
  double dampening;
  double weight_decay;
  bool nesterov;
  bool first;  ///< the momentum buffer is empty: it takes the gradient undamped
};

/// One step on `n` neighbours; `buffer` is null without momentum. Follows `torch.optim.SGD`.
/// `dtype` is float32 or float64.
void sgd_step(DType dtype, Size n, const SgdStep& step, const void* gradient, void* parameter,
              void* buffer);

/// Constants of one step of Adam or AdamW.
struct AdamStep {
  double lr;
  double beta1;
  double beta2;
  double eps;
  double weight_decay;
  bool decoupled;      ///< AdamW: the decay does not pass through the moments
  double correction1;  ///< 1 - beta1^t
  double correction2;  ///< 1 - beta2^t
};

/// One step on `n` neighbours; `max_variance` is null without amsgrad. Follows `torch.optim.Adam`.
void adam_step(DType dtype, Size n, const AdamStep& step, const void* gradient, void* parameter,
               void* mean, void* variance, void* max_variance);

}  // namespace reel::kernels
