#pragma once

// Internal: float32 products and convolutions by oneDNN. The one place that knows its API, of
// version 2 (Debian 12 ships 2.6) and of version 3. Primitives are cached by shape, per thread.

#include <cstdint>

#include "reel/autograd/dtype.h"
#include "reel/autograd/kernels/conv.h"

namespace reel::kernels {

/// The shape of a product c [m, n] = a [m, k] b [k, n], strides in elements.
struct DnnMatmul {
  Size m = 0, n = 0, k = 0;
  Size a_row = 0,
       a_col = 0;  // a(i, j) = a[i * a_row + j * a_col]; one of the two is 1, the other dense
  Size b_row = 0, b_col = 0;
  bool bias = false;        // + bias[n]
  bool relu = false;        // then max(0, .)
  bool accumulate = false;  // c += instead of c =; not together with bias or relu
  bool single_thread = false;

  bool operator==(const DnnMatmul&) const = default;
};

/// Computes the product; c is row-major. No dimension may be 0.
void dnn_matmul(const DnnMatmul& shape, const float* a, const float* b, const float* bias,
                float* c);

/// c [m, n] = a b (+ c) for row-major c and matrices whose rows (columns, where transposed) are
/// `lda`, `ldb`, `ldc` elements apart: what `dnn_matmul` cannot read. `beta` is 0 or 1. One thread.
void dnn_sgemm(bool transpose_a, bool transpose_b, Size m, Size n, Size k, const float* a, Size lda,
               const float* b, Size ldb, float beta, float* c, Size ldc);

/// y = conv(x, w) (+ bias) (then ReLU).
void dnn_conv(const ConvShape& shape, const float* x, const float* w, const float* bias, bool relu,
              float* y);

/// The gradient of the images from that of the output.
void dnn_conv_input(const ConvShape& shape, const float* dy, const float* w, float* dx);

/// The gradient of the weights and, unless null, of the bias. The batch is summed in an order that
/// depends on the shape only.
void dnn_conv_weight(const ConvShape& shape, const float* x, const float* dy, float* dw, float* db);

/// Frees the calling thread's cached primitives and their memory.
void dnn_clear_cache();

}  // namespace reel::kernels
