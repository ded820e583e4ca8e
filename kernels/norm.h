#pragma once

#include "reel/base/dtype.h"

namespace reel::kernels {

// What normalisation needs, over row-major matrices [rows, columns] of float32 or float64: per
// column (batch norm, where a column is a channel) and per row (layer norm). Statistics are summed
// in double, in an order that depends on the shape only.

struct NormShape {
  Size rows = 0, columns = 0;
};

/// The mean and the biased variance of every column.
void column_moments(DType dtype, const NormShape& shape, const void* x, double* mean, double* var);

/// The sums over every column of dy and of dy (x - mean).
void column_products(DType dtype, const NormShape& shape, const void* dy, const void* x,
                     const double* mean, double* sum_dy, double* sum_dy_x);

/// y = (x - center) scale + shift (then max(0, .) if `relu`), each given per column.
void scale_columns(DType dtype, const NormShape& shape, const void* x, const double* center,
                   const double* scale, const double* shift, bool relu, void* y);

/// dx = dy a + (x - center) b + c, each given per column.
void combine_columns(DType dtype, const NormShape& shape, const void* dy, const void* x,
                     const double* center, const double* a, const double* b, const double* c,
                     void* dx);

/// y = (x - mean) / sqrt(var + eps) weight + bias with the moments of each row; `weight` and `bias`
/// [columns] may be null. Keeps the mean and the inverse deviation of every row.
void normalize_rows(DType dtype, const NormShape& shape, const void* x, const void* weight,
                    const void* bias, double eps, void* y, double* mean, double* inverse);

/// The gradients of `normalize_rows`; `dweight` and `dbias` may be null.
void normalize_rows_backward(DType dtype, const NormShape& shape, const void* dy, const void* x,
                             const void* weight, const double* mean, const double* inverse,
                             void* dx, void* dweight, void* dbias);

}  // namespace reel::kernels
