#pragma once

#include "reel/kernels/array.h"
#include "reel/kernels/reduce_table.h"

namespace reel::kernels {

/// What happens to a floating result before it is stored.
enum class Finish : std::uint8_t {
  scale,       ///< scale * result
  sqrt,        ///< sqrt(scale * result)
  root,        ///< result^(1/p)
  log_center,  ///< center + log(result); the center itself where that is infinite
};

struct ReduceOptions {
  double p = 2;  ///< of sum_pow and of Finish::root
  /// One value per output, contiguous, in the elements' dtype; may be missing.
  ConstArray center = {};
  Finish finish = Finish::scale;
  double scale = 1;
};

/// The dtype of the results: bool for any and all, int64 for integer sums, products and counts, and
/// that of the elements otherwise.
DType reduced_dtype(Reduction op, DType dtype);

/// Reduces the dimensions of `x` that `reduced` marks (bit i for dimension i) and writes the
/// results to contiguous memory, in row-major order of the others. An empty reduction gives the
/// neutral element.
///
/// Long sums are split by their size only, and floating sums are carried in double, so the result
/// neither depends on the number of threads nor loses digits with length.
void reduce(Reduction op, const ConstArray& x, std::uint32_t reduced, const Array& out,
            const ReduceOptions& options = {});

/// The greatest (or least) value along one dimension and its int64 index, contiguous, row-major
/// over the others. The dimension must not be empty. A NaN counts as the extreme; the first of
/// equals wins. `values` may be missing.
void arg_reduce(bool greatest, const ConstArray& x, Size dim, const Array& values,
                const Array& indices);

}  // namespace reel::kernels
