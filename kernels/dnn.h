#pragma once

// Internal: float32 products and convolutions by oneDNN. dnn.cpp and dnn_primitives.* alone
// know its API, of version 2 (Debian 12 ships 2.6) and of version 3. Primitives are cached by
// shape, per thread.

#include "reel/base/dtype.h"
#include "reel/kernels/conv.h"

namespace reel::kernels {

/// The shape of a product c [m, n] = a [m, k] b [k, n]. Element (i, j) of a is a[i * a_row + j *
/// a_col]; one of the two strides is 1, as for b. Rows of c are `c_row` elements apart.
struct DnnMatmul {
  Size m = 0, n = 0, k = 0;
  Size a_row = 0, a_col = 0;
  Size b_row = 0, b_col = 0;
  Size c_row = 0;
  bool bias = false;        // + bias[n]
  bool accumulate = false;  // c += instead of c =; not together with bias
};

/// Computes the product on the calling thread. No dimension may be 0.
void dnn_matmul(const DnnMatmul& shape, const float* a, const float* b, const float* bias,
                float* c);

/// y = conv(x, w) (+ bias).
void dnn_conv(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y);

/// The gradient of the images from that of the output.
void dnn_conv_input(const ConvShape& shape, const float* dy, const float* w, float* dx);

/// The gradient of the weights and, unless null, of the bias. The batch is summed in an order that
/// depends on the shape only.
void dnn_conv_weight(const ConvShape& shape, const float* x, const float* dy, float* dw, float* db);

/// Drops the primitives made so far: this thread's now, those of the others when they next use one.
void dnn_empty_cache();

}  // namespace reel::kernels
