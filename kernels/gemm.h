#pragma once

#include "reel/base/dtype.h"
#include "reel/base/shape.h"

namespace reel::kernels {

/// A matrix in memory: element (i, j) is `data[i * row + j * col]`, strides in elements.
struct Matrix {
  const void* data = nullptr;
  Size row = 0;
  Size col = 0;
};

/// What a product does besides.
struct GemmOptions {
  const void* bias = nullptr;  // n elements, added to every row
  bool relu = false;           // then max(0, .); not together with accumulate
  bool accumulate = false;     // c += a b instead of c = a b; not together with bias
};

/// Whether `gemm` reads a [rows, cols] matrix with these strides: one of them is 1 and the other at
/// least as long as what it steps over. Others are to be copied first.
bool gemm_reads(Size rows, Size cols, Size row, Size col);

/// c [m, n] = a [m, k] b [k, n] + bias; c is row-major. float32 by oneDNN, float64 by CBLAS, int64,
/// int32 and uint8 by plain loops; bool is not known. Sums over k do not depend on the number of
/// threads.
void gemm(DType dtype, Size m, Size n, Size k, const Matrix& a, const Matrix& b, void* c,
          const GemmOptions& options = {});

/// One product for every index of `batch`, where a and b step by the strides given (0 where they
/// are broadcast) and the results lie one behind the other.
void batched_gemm(DType dtype, const Shape& batch, Size m, Size n, Size k, const Matrix& a,
                  const Strides& a_batch, const Matrix& b, const Strides& b_batch, void* c);

}  // namespace reel::kernels
