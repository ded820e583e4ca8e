#pragma once

#include "reel/base/shape.h"

namespace reel::kernels {

/// A dense array seen as `[outer, n, inner]`, `n` the dimension that softmax runs along.
struct SoftmaxLayout {
  Size outer;
  Size n;
  Size inner;
};

/// y = softmax(x), or its logarithm, along the middle. `dtype` is float32 or float64 here and
/// below.
void softmax(DType dtype, const void* x, const SoftmaxLayout& layout, bool log, void* y);

/// dx from y = softmax(x) (or its logarithm) and dy, all of one layout.
void softmax_backward(DType dtype, const void* y, const void* dy, const SoftmaxLayout& layout,
                      bool log, void* dx);

/// The loss of classifying: for row i of `x` `[rows, classes]` with target t,
/// `(1 - s) w_t (l - x_t) + s / classes * sum_c w_c (l - x_c)`, where l = logsumexp(x), s is
/// `label_smoothing` and w the class weights; 0 where t is `ignore_index`.
struct CrossEntropy {
  DType dtype;
  const void* x;
  const std::int64_t* targets;
  const void* weight;  ///< of each class; null for ones
  Size rows;
  Size classes;
  Size ignore_index;
  double label_smoothing;
};

/// The first row whose target is neither a class nor `ignore_index`; -1 if there is none.
Size find_bad_target(const CrossEntropy& problem);

/// Writes the loss of each row and its logsumexp, which backward needs.
void cross_entropy(const CrossEntropy& problem, void* losses, void* logsumexp);

/// The sum of w_t over the rows that count: what the mean divides by.
double cross_entropy_weight(const CrossEntropy& problem);

/// dx `[rows, classes]` = `dy_i` d(loss_i)/dx; `dy` holds one value, or one per row.
void cross_entropy_backward(const CrossEntropy& problem, const void* logsumexp, const void* dy,
                            bool dy_per_row, double scale, void* dx);

}  // namespace reel::kernels
