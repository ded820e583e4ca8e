#pragma once

#include "reel/kernels/array.h"
#include "reel/kernels/window_axis.h"

namespace reel::kernels {

/// The shape of a pooling over up to three axes. Images lie channels-last ([N, D, H, W, C] in
/// memory). Axes that they lack come first.
struct PoolShape {
  Size batch = 0, channels = 0;
  WindowAxis depth, rows, columns;
  /// Windows cover each axis evenly: the one of output i has the pixels from i * in / out to
  /// (i + 1) * in / out, rounded outwards, at most `kernel` of them.
  bool even = false;
};

/// Where a maximum came from: the number of the cell in its window, as uint8 if the window has less
/// than 255 cells, else as int32; all bits set where nothing was picked.
DType max_pool_index_dtype(const PoolShape& shape);

/// y = the largest of each window (NaN if there is one), `index` = where it was. With `relu` that
/// of max(0, x): where nothing is positive, nothing is picked. `index` may be missing. float32 and
/// float64.
void max_pool(const PoolShape& shape, const ConstArray& x, bool relu, const Array& y,
              const Array& index);

/// dx = each dy added where its maximum was, zeros elsewhere.
void max_pool_scatter(const PoolShape& shape, const ConstArray& dy, const ConstArray& index,
                      const Array& dx);

/// The number of the pixel in its image that each maximum came from, int64; -1 where nothing was
/// picked.
void max_pool_positions(const PoolShape& shape, const ConstArray& index, const Array& positions);

/// y = what lies where the maxima were; 0 where nothing was picked.
void max_pool_gather(const PoolShape& shape, const ConstArray& x, const ConstArray& index,
                     const Array& y);

/// The pixels along an axis that one pixel of the output averages, and by how many cells it divides.
struct Window {
  Size begin = 0, end = 0;
  Size divisor = 1;
};

/// An axis of images that are averaged over given windows.
struct AvgAxis {
  Size in = 1, out = 1;
  const Window* windows = nullptr;  // [out]
};

/// Averages over windows given along each axis; a window divides by the product of its divisors.
struct AvgPoolShape {
  Size batch = 0, channels = 0;
  AvgAxis depth, rows, columns;
};

/// y = the sum of each window over its divisor.
void avg_pool(const AvgPoolShape& shape, const ConstArray& x, const Array& y);

/// dx = each dy over its divisor, added to all cells of its window.
void avg_pool_scatter(const AvgPoolShape& shape, const ConstArray& dy, const Array& dx);

}  // namespace reel::kernels
