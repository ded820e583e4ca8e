#pragma once

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

/// Normalisation of elements T, over some rows of a matrix with that many columns.
template <class T>
struct NormKernels {
  /// sums[c] = sum of x - center, squares[c] = sum of (x - center)^2.
  void (*moments)(Size rows, Size columns, const T* x, const T* center, double* sums,
                  double* squares);
  void (*products)(Size rows, Size columns, const T* dy, const T* x, const T* mean, double* sum_dy,
                   double* sum_dy_x);
  void (*scale)(Size rows, Size columns, const T* x, const T* center, const T* scale,
                const T* shift, T* y);
  void (*combine)(Size rows, Size columns, const T* dy, const T* x, const T* center, const T* a,
                  const T* b, const T* c, T* dx);
  void (*normalize)(Size rows, Size columns, const T* x, const T* weight, const T* bias, double eps,
                    T* y, double* mean, double* inverse);
  /// Adds to sum_dy and sum_dy_x: dbias and dweight of these rows.
  void (*normalize_backward)(Size rows, Size columns, const T* dy, const T* x, const T* weight,
                             const double* mean, const double* inverse, T* dx, double* sum_dy,
                             double* sum_dy_x);
};

struct NormTable {
  NormKernels<float> of_float;
  NormKernels<double> of_double;
};

REEL_DISPATCH_TABLE(NormTable, norm_table)

}  // namespace reel::kernels
