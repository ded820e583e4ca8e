#pragma once

// Internal: the dimensions of a reduction and the shapes that follow from them.

#include <cstdint>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tensor.h"
#include "reel/kernels/reduce.h"

namespace reel::detail {

/// How a result goes back to the shape that was reduced.
struct Spread {
  Shape kept;  // of the input, with 1 for each reduced dimension
  Shape input;

  /// A result, or its gradient, repeated along the dimensions that were reduced: a view.
  Tensor operator()(const Tensor& result) const;
};

/// Which dimensions a call reduces.
struct Reduced {
  /// Throws `[sum] expected a dimension in [-2, 1], got 3` and
  /// `[sum] expected different dimensions, got [0, -2]`.
  Reduced(const char* op, const Tensor& x, const Dims& dims, bool keepdim);

  OpScope scope;           // tells the profiler, from here to the end of the op
  std::uint32_t mask = 0;  // bit i: dimension i is reduced
  Size length = 1;         // elements folded into one
  Shape out;
  Spread spread;
};

/// Where `x` equals the result `y` of its reduction; where that is NaN, where `x` is.
Tensor equal_or_nan(const Tensor& x, const Tensor& y, const Spread& spread);

/// The numbers of a reduction, outside the tape.
Tensor reduce(kernels::Reduction op, const Tensor& x, const Reduced& reduced,
              const kernels::ReduceOptions& options = {});

}  // namespace reel::detail
