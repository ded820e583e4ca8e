#pragma once

// Internal: what simd/optim.cpp offers to optim.cpp for each instruction set; index [0] for
// float32, [1] for float64.

#include "reel/kernels/dispatch.h"
#include "reel/kernels/optim.h"

namespace reel::kernels {

struct OptimTable {
  void (*sgd[2])(Size n, const SgdStep& step, const void* gradient, void* parameter, void* buffer);
  void (*adam[2])(Size n, const AdamStep& step, const void* gradient, void* parameter, void* mean,
                  void* variance, void* max_variance);
};

REEL_DISPATCH_TABLE(OptimTable, optim_table)

}  // namespace reel::kernels
