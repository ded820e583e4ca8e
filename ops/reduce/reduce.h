#pragma once

#include <optional>

#include "reel/autograd/tensor.h"

namespace reel {

// In all of these `dims` names the dimensions that are folded into one number, negative ones
// counted from the end; `{}` means all. With `keepdim` they stay, with size 1, so that the result
// broadcasts against the input. All throw for a dimension that is out of range or named twice.
// Results do not depend on the number of threads.

// ---- sums

/// Adds up elements; 0 for none. Integers and bools are counted in int64. Follows `torch.sum`.
REEL_API Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The average; NaN of nothing. Throws unless `x` is floating. Follows `torch.mean`.
REEL_API Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The average squared distance from the mean, dividing by n - `correction`: 1 for a sample's
/// estimate (Bessel), 0 for a whole population. NaN where n <= correction. Throws unless `x` is
/// floating and `correction` 0 or more. Follows `torch.var`.
REEL_API Tensor var(const Tensor& x, const Dims& dims = {}, Size correction = 1,
                    bool keepdim = false);
/// The square root of `var`; where it is 0 its gradient is 0. (Where a program says `using
/// namespace reel`, write `x.std()`: C++ takes a bare `std` for its own namespace.) Follows
/// `torch.std`.
REEL_API Tensor std(const Tensor& x, const Dims& dims = {}, Size correction = 1,
                    bool keepdim = false);
/// Multiplies elements; 1 for none. Integers and bools give int64. Gradients are exact with zeros
/// among the elements. Follows `torch.prod`.
REEL_API Tensor prod(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// `(sum |x|^p)^(1/p)`: the length for p = 2, the sum of magnitudes for 1, the largest and the
/// smallest magnitude for plus and minus infinity, the number of non-zeros for 0. Where the norm is
/// 0 its gradient is 0. Throws unless `x` is floating, and for an infinite p of nothing. Follows
/// `torch.linalg.vector_norm`.
REEL_API Tensor norm(const Tensor& x, double p = 2, const Dims& dims = {}, bool keepdim = false);
/// `log(sum(exp(x)))` without overflow; -inf of nothing. Throws unless `x` is floating.
/// Follows `torch.logsumexp`.
REEL_API Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);
/// Running sums along one dimension: entry i is the sum of the entries 0 to i. Integers and bools
/// give int64. Follows `torch.cumsum`.
REEL_API Tensor cumsum(const Tensor& x, Size dim);

// ---- extremes
//
// NaN counts as the greatest and as the least, and takes the gradient. All throw when there is
// nothing to choose from.

/// The greatest element. Where several are, they share the gradient evenly. Follows `torch.amax`.
REEL_API Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The least element, as `amax`. Follows `torch.amin`.
REEL_API Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The greatest element of all, as `amax(x)`. Follows `torch.max`.
REEL_API Tensor max(const Tensor& x);
/// The least element of all, as `amin(x)`. Follows `torch.min`.
REEL_API Tensor min(const Tensor& x);

/// What `max` and `min` along a dimension give.
struct ValuesAndIndices {
  Tensor values;   ///< the extremes, of the dtype of the input
  Tensor indices;  ///< int64: where along the dimension they stand
};

/// The greatest element along one dimension and where it stands, the first if several are; the
/// gradient goes there alone. Follows `torch.max`.
///
/// **Example** `auto [score, label] = max(logits, 1);`
REEL_API ValuesAndIndices max(const Tensor& x, Size dim, bool keepdim = false);
/// The least element along one dimension, as `max`. Follows `torch.min`.
REEL_API ValuesAndIndices min(const Tensor& x, Size dim, bool keepdim = false);
/// Where the greatest element stands (int64), the first if several are: along `dim`, or without one
/// in the row-major order of all elements. Follows `torch.argmax`.
REEL_API Tensor argmax(const Tensor& x, std::optional<Size> dim = {}, bool keepdim = false);
/// Where the least element stands, as `argmax`. Follows `torch.argmin`.
REEL_API Tensor argmin(const Tensor& x, std::optional<Size> dim = {}, bool keepdim = false);

// ---- truth

/// Whether any element is not 0; false for none. Follows `torch.any`.
REEL_API Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Whether no element is 0; true for none. Follows `torch.all`.
REEL_API Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);

}  // namespace reel
