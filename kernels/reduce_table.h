#pragma once

// Internal: what simd/reduce.cpp offers to reduce.cpp for each instruction set.

#include <cstdint>

#include "reel/base/dtype.h"
#include "reel/kernels/dispatch.h"

namespace reel::kernels {

/// What a reduction does with the elements x that it meets. `center` is a value per output.
enum class Reduction : std::uint8_t {
  sum,                     ///< x
  sum_abs,                 ///< |x|
  sum_squares,             ///< x^2
  sum_pow,                 ///< |x|^p
  sum_squared_deviations,  ///< (x - center)^2
  sum_exp,                 ///< e^(x - center), for x <= center
  count_nonzero,           ///< 1 where x is not 0
  prod,
  max,  ///< NaN where there is one
  min,  ///< NaN where there is one
  max_abs,
  min_abs,
  any,
  all,
};
inline constexpr int reduction_count = 14;
inline constexpr int dtype_count = 6;

/// Kinds of running results: floating sums and products are kept in double, counts and integer sums
/// in int64, extremes in the dtype of the elements.
enum class Accumulator : std::uint8_t { float64, int64, element };

constexpr Accumulator accumulator_of(Reduction op, DType dtype) {
  if (op == Reduction::max || op == Reduction::min || op == Reduction::max_abs ||
      op == Reduction::min_abs) {
    return Accumulator::element;
  }
  const bool logical = op == Reduction::any || op == Reduction::all;
  return is_floating(dtype) && !logical ? Accumulator::float64 : Accumulator::int64;
}

/// A block of elements: `rows` rows `row_stride` elements apart, each of `columns` neighbours.
struct Block {
  const void* x;
  Size rows;
  Size row_stride;
  Size columns;
};

/// Adds a block to running results: one per row, or one per column. `center` likewise.
using ReduceKernel = void (*)(const Block& block, void* results, const void* center, double p);

/// For each row the value of its extreme and where it stands; for columns the same. A NaN counts as
/// the extreme, the first of equals wins.
using ArgReduceKernel = void (*)(const Block& block, void* values, std::int64_t* indices);

struct ReduceTable {
  ReduceKernel rows[reduction_count][dtype_count];  // null where there is no such reduction
  ReduceKernel columns[reduction_count][dtype_count];
};

struct ArgReduceTable {
  ArgReduceKernel rows[2][dtype_count];  // [0] max, [1] min
  ArgReduceKernel columns[2][dtype_count];
};

REEL_DISPATCH_TABLE(ReduceTable, reduce_table)
REEL_DISPATCH_TABLE(ArgReduceTable, arg_reduce_table)

}  // namespace reel::kernels
