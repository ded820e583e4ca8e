#pragma once

#include <iosfwd>
#include <string>

#include "reel/autograd/tensor.h"

namespace reel {

/// How tensors are written. Defaults are PyTorch's.
struct PrintOptions {
  int precision = 4;      ///< digits behind the point, in `[0, 20]`
  Size threshold = 1000;  ///< larger tensors are summarised
  Size edge_items = 3;    ///< how many entries of either end of a dimension a summary shows
  Size line_width = 80;   ///< where lines break
};

/// The elements in nested brackets, one row a line, then dtype, shape and what the tape knows. As
/// `tensor([[1., 2.], [3., 4.]], dtype=float32, shape=[2, 2], grad_fn=mul)`, or `requires_grad` for
/// a leaf; an undefined tensor is `tensor(undefined)`.
///
/// Numbers share one format: without decimals where all are whole, scientific where the largest is
/// more than 1000 times the smallest, above 1e8 or below 1e-4.
REEL_API std::string to_string(const Tensor& tensor, const PrintOptions& options = {});

/// `to_string` with the default options.
REEL_API std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace reel
