#pragma once

#include "reel/kernels/array.h"

namespace reel::kernels {

/// What a product does besides.
struct GemmOptions {
  bool b_transposed = false;  // b is given as [n, k]
  ConstArray bias = {};       // [n], contiguous, added to every row; may be missing
  bool accumulate = false;    // c += a b instead of c = a b; not together with bias
};

/// Whether `gemm` reads the matrices of the last two dimensions as they lie: one stride is 1 and
/// the other at least as long as what it steps over. Others are to be copied first.
bool gemm_reads(const ConstArray& x);

/// c [.., m, n] = a [.., m, k] b [.., k, n] + bias, where the dimensions in front broadcast to
/// those of c, which is contiguous. One matrix b may also serve a contiguous a of any number of
/// dimensions, as a linear layer's. float32 by oneDNN, float64 by CBLAS, int64, int32 and uint8 by
/// plain loops; bool is not known. Sums over k do not depend on the number of threads.
void gemm(const ConstArray& a, const ConstArray& b, const Array& c,
          const GemmOptions& options = {});

}  // namespace reel::kernels
