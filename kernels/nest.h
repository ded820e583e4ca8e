#pragma once

// Internal: the loops behind one elementwise operation, after dimensions were ordered and merged.

#include <cstddef>
#include <span>

#include "reel/kernels/loops.h"

namespace reel::kernels {

/// A loop nest, outermost dimension first; strides in elements, items in bytes.
struct Nest {
  int rank = 0;
  int operands = 0;
  Size size[Shape::max_size];
  Size stride[Shape::max_size][max_operands];
  Size item[max_operands];
  std::byte* data[max_operands];

  Size numel() const {
    Size product = 1;
    for (int d = 0; d < rank; ++d) product *= size[d];
    return product;
  }
};

/// Orders the dimensions of `shape` by stride, leaves out those of size 1 and merges neighbours
/// that lie in one piece in every operand.
Nest make_nest(const Shape& shape, std::span<const Operand> operands);

/// Runs a kernel over a nest, on several threads where it is large.
void run_nest(Loop loop, const Nest& nest, const double* params);

}  // namespace reel::kernels
