#pragma once

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

/// Products of a matrix and a vector: bound by the reading of the matrix, where a general product
/// would first rearrange it.
struct GemvTable {
  /// y[i] = sum_j a[i * lda + j] x[j] (+ bias[i]) for rows [begin, end).
  void (*rows)(Size begin, Size end, Size k, const float* a, Size lda, const float* x,
               const float* bias, float* y);
  /// y[j] = sum_i x[i] a[i * lda + j] (+ bias[j]) for columns [begin, end).
  void (*columns)(Size k, Size begin, Size end, const float* a, Size lda, const float* x,
                  const float* bias, float* y);
};

REEL_DISPATCH_TABLE(GemvTable, gemv_table)

}  // namespace reel::kernels
