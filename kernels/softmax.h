#pragma once

#include "reel/kernels/array.h"

namespace reel::kernels {

/// y = softmax(x), or its logarithm, along dimension `dim`. Elements are float32 or float64, here
/// and below; x and y are dense and of one layout.
void softmax(const ConstArray& x, Size dim, bool log, const Array& y);

/// dx from y = softmax(x) (or its logarithm) and dy, all of one layout.
void softmax_backward(const ConstArray& y, const ConstArray& dy, Size dim, bool log,
                      const Array& dx);

/// The first of contiguous int64 targets that is neither a class in [0, classes) nor
/// `ignore_index`; -1 if there is none.
Size find_wrong_class(const ConstArray& targets, Size classes, Size ignore_index);

/// The loss of classifying, of contiguous arrays: for row i of `x` `[rows, classes]` with target t,
/// `(1 - s) w_t (l - x_t) + s / classes * sum_c w_c (l - x_c)`, where l = logsumexp(x), s is
/// `label_smoothing` and w the class weights; 0 where t is `ignore_index`.
struct CrossEntropy {
  ConstArray x;
  ConstArray targets;  ///< int64 `[rows]`
  ConstArray weight;   ///< of each class; may be missing for ones
  Size ignore_index;
  double label_smoothing;

  Size rows() const { return x.size(0); }
  Size classes() const { return x.size(1); }
};

/// Writes the loss of each row and its logsumexp, which backward needs.
void cross_entropy(const CrossEntropy& problem, const Array& losses, const Array& logsumexp);

/// The sum of w_t over the rows that count: what the mean divides by.
double cross_entropy_weight(const CrossEntropy& problem);

/// dx `[rows, classes]` = `scale dy_i` d(loss_i)/dx; `dy` holds one value `[]`, or one per row.
void cross_entropy_backward(const CrossEntropy& problem, const ConstArray& logsumexp,
                            const ConstArray& dy, double scale, const Array& dx);

}  // namespace reel::kernels
