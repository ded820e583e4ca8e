#pragma once

#include "reel/base/shape.h"
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
  double p = 2;                  ///< of sum_pow and of Finish::root
  const void* center = nullptr;  ///< one value per output, in the elements' dtype
  Finish finish = Finish::scale;
  double scale = 1;
};

/// The dtype of the results: bool for any and all, int64 for integer sums, products and counts, and
/// that of the elements otherwise.
DType reduced_dtype(Reduction op, DType dtype);

/// Reduces the dimensions of a strided array that `reduced` marks (bit i for dimension i) and
/// writes the results in row-major order of the others. An empty reduction gives the neutral
/// element.
///
/// Long sums are split by their size only, and floating sums are carried in double, so the result
/// neither depends on the number of threads nor loses digits with length.
void reduce(Reduction op, DType dtype, const void* x, const Shape& shape, const Strides& strides,
            std::uint32_t reduced, void* out, const ReduceOptions& options = {});

/// The greatest (or least) value along one dimension and its index, row-major over the others. The
/// dimension must not be empty. A NaN counts as the extreme; the first of equals wins.
/// `values` may be null.
void arg_reduce(bool greatest, DType dtype, const void* x, const Shape& shape,
                const Strides& strides, Size dim, void* values, std::int64_t* indices);

}  // namespace reel::kernels
