#pragma once

#include "reel/base/dtype.h"

namespace reel::kernels {

/// The shape of a pooling. Images lie channels-last ([N, H, W, C] in memory); `dilation` 1 is an
/// ordinary window.
struct PoolShape {
  Size batch = 0, channels = 0;
  Size in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  Size kernel_h = 0, kernel_w = 0;
  Size stride_h = 1, stride_w = 1;
  Size padding_h = 0, padding_w = 0;
  Size dilation_h = 1, dilation_w = 1;
};

/// Where a maximum came from: the number of the cell in its window, as uint8 if the window has less
/// than 255 cells, else as int32; all bits set where nothing was picked.
DType max_pool_index_dtype(const PoolShape& shape);

/// y = the largest of each window (NaN if there is one), `index` = where it was. With `relu` that
/// of max(0, x): where nothing is positive, nothing is picked. `index` may be null. float32 and
/// float64.
void max_pool2d(DType dtype, const PoolShape& shape, const void* x, bool relu, void* y,
                void* index);

/// dx = each dy added where its maximum was, zeros elsewhere.
void max_pool2d_scatter(DType dtype, const PoolShape& shape, const void* dy, const void* index,
                        void* dx);

/// y = what lies where the maxima were; 0 where nothing was picked.
void max_pool2d_gather(DType dtype, const PoolShape& shape, const void* x, const void* index,
                       void* y);

/// The rows (or columns) that one row of the output averages, and by how many cells it divides.
struct Window {
  Size begin = 0, end = 0;
  Size divisor = 1;
};

/// Averages over windows given along each axis: `rows[out_h]`, `columns[out_w]`.
struct AvgPoolShape {
  Size batch = 0, channels = 0;
  Size in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  const Window* rows = nullptr;
  const Window* columns = nullptr;
};

/// y = the sum of each window over its divisor.
void avg_pool2d(DType dtype, const AvgPoolShape& shape, const void* x, void* y);

/// dx = each dy over its divisor, added to all cells of its window.
void avg_pool2d_scatter(DType dtype, const AvgPoolShape& shape, const void* dy, void* dx);

}  // namespace reel::kernels
