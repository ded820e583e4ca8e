#pragma once

#include <cstdint>

#include "reel/kernels/dispatch.h"
#include "reel/kernels/pool.h"

namespace reel::kernels {

/// Pooling of elements T with indices I. Rows are those of the output, counted through the whole
/// batch.
template <class T, class I>
struct MaxPoolKernels {
  void (*forward)(const PoolShape& shape, Size begin_row, Size end_row, const T* x, bool relu, T* y,
                  I* index);
  void (*gather)(const PoolShape& shape, Size begin_row, Size end_row, const T* x, const I* index,
                 T* y);
  void (*scatter)(const PoolShape& shape, Size begin_image, Size end_image, const T* dy,
                  const I* index, T* dx);
};

template <class T>
struct AvgPoolKernels {
  void (*forward)(const AvgPoolShape& shape, Size begin_row, Size end_row, const T* x, T* y);
  void (*scatter)(const AvgPoolShape& shape, Size begin_image, Size end_image, const T* dy, T* dx);
};

struct PoolTable {
  MaxPoolKernels<float, std::uint8_t> max_float_small;
  MaxPoolKernels<float, std::int32_t> max_float_large;
  MaxPoolKernels<double, std::uint8_t> max_double_small;
  MaxPoolKernels<double, std::int32_t> max_double_large;
  AvgPoolKernels<float> avg_float;
  AvgPoolKernels<double> avg_double;
};

REEL_DISPATCH_TABLE(PoolTable, pool_table)

}  // namespace reel::kernels
