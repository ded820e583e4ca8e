#pragma once

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

/// Products of two matrices that both lie along the inner size, as a linear layer's input and
/// weights do: every result is the dot product of two rows. Unlike a general product it rearranges
/// neither, which for few rows costs as much as a quarter of the product.
struct DotGemmTable {
  /// c[i * ldc + j] = sum_p a[i * lda + p] b[j * ldb + p] (+ bias[j]) for i in [0, m) and j in
  /// [begin, end). Sums do not depend on the ranges.
  void (*run)(Size m, Size begin, Size end, Size k, const float* a, Size lda, const float* b,
              Size ldb, const float* bias, float* c, Size ldc);
};

REEL_DISPATCH_TABLE(DotGemmTable, dot_gemm_table)

}  // namespace reel::kernels
