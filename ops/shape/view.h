#pragma once

#include <optional>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel {

// Views share their tensor's elements and version; gradients flow through all of them, also through
// what is written in place to the tensor, to the view or to another view of it.

/// The same elements under another shape, without a copy; one size may be -1 and is inferred.
/// Throws when the strides do not allow it (`reshape` copies then). Follows `torch.Tensor.view`.
REEL_API Tensor view(const Tensor& x, const Shape& shape);
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void view(const Tensor&, Sizes...) {
  static_assert(detail::never<Sizes...>, "write the sizes in braces: view(x, {2, 3})");
}

/// As `view`, but copies where a view is not possible.
REEL_API Tensor reshape(const Tensor& x, const Shape& shape);
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void reshape(const Tensor&, Sizes...) {
  static_assert(detail::never<Sizes...>, "write the sizes in braces: reshape(x, {2, 3})");
}

/// Joins the dimensions from `start_dim` to `end_dim`: `[N, C, H, W]` -> `[N, C*H*W]` for
/// `flatten(x, 1)`.
REEL_API Tensor flatten(const Tensor& x, Size start_dim = 0, Size end_dim = -1);

/// Drops all dimensions of size 1. Follows `torch.squeeze`.
REEL_API Tensor squeeze(const Tensor& x);
/// Drops dimension `dim` if its size is 1.
REEL_API Tensor squeeze(const Tensor& x, Size dim);

/// Inserts a dimension of size 1 before position `dim` (in `[-dim()-1, dim()]`).
REEL_API Tensor unsqueeze(const Tensor& x, Size dim);

/// Swaps two dimensions.
REEL_API Tensor transpose(const Tensor& x, Size dim0, Size dim1);

/// The transpose of a matrix; vectors and scalars stay as they are.
REEL_API Tensor t(const Tensor& x);

/// Reorders the dimensions: `permute(x, {0, 2, 3, 1})` turns `[N, C, H, W]` into `[N, H, W, C]`.
REEL_API Tensor permute(const Tensor& x, const Dims& dims);
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void permute(const Tensor&, Sizes...) {
  static_assert(detail::never<Sizes...>, "write the dimensions in braces: permute(x, {0, 2, 1})");
}

/// Repeats dimensions of size 1 without copying; new dimensions come first; -1 keeps a size.
REEL_API Tensor expand(const Tensor& x, const Shape& shape);
template <class... Sizes>
  requires detail::LooseSizes<Sizes...>
void expand(const Tensor&, Sizes...) {
  static_assert(detail::never<Sizes...>, "write the sizes in braces: expand(x, {2, 3})");
}

/// Rows `start` to `start + length` of a dimension; a negative `start` counts from the end.
REEL_API Tensor narrow(const Tensor& x, Size dim, Size start, Size length);

/// `x[..., start:end:step, ...]` as in Python, with a positive step; bounds beyond the end are cut.
REEL_API Tensor slice(const Tensor& x, Size dim, std::optional<Size> start = {},
                      std::optional<Size> end = {}, Size step = 1);

/// Entry `index` of a dimension, which disappears; negative counts from the end.
REEL_API Tensor select(const Tensor& x, Size dim, Size index);

/// The elements that lie at `storage_offset` and at steps of `strides` from there in the memory that
/// `x` shares with its views; without an offset, from the first element of `x` on. Elements may be
/// shown several times: their gradients add up. Throws for a layout beyond the memory, and where the
/// tape follows an `x` that is expanded. Follows `torch.as_strided`.
REEL_API Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides,
                           std::optional<Size> storage_offset = {});
/// A copy of `x` with `source` written to what `as_strided` would show. Throws as that does, where
/// elements overlap, and for a source of another shape or dtype. Follows `torch.as_strided_scatter`.
REEL_API Tensor as_strided_scatter(const Tensor& x, const Tensor& source, const Shape& shape,
                                   const Strides& strides, std::optional<Size> storage_offset = {});

/// Pieces of `split_size` entries along a dimension; the last may be smaller. Follows
/// `torch.split`.
REEL_API std::vector<Tensor> split(const Tensor& x, Size split_size, Size dim = 0);
/// Pieces of the given sizes, which must add up to that of the dimension.
REEL_API std::vector<Tensor> split(const Tensor& x, const std::vector<Size>& sizes, Size dim = 0);

/// At most `chunks` pieces of equal size (the last may be smaller).
REEL_API std::vector<Tensor> chunk(const Tensor& x, Size chunks, Size dim = 0);

/// All entries of a dimension, each without it.
REEL_API std::vector<Tensor> unbind(const Tensor& x, Size dim = 0);

/// The same tensor if already row-major, else a row-major copy.
REEL_API Tensor contiguous(const Tensor& x);

/// A copy in memory of its own, in the same memory order where that is dense.
REEL_API Tensor clone(const Tensor& x);

/// The same values as `dtype`; the tensor itself if it has that dtype already. Floating-point
/// numbers become integers towards zero, those out of range the nearest in it, and NaN 0 (PyTorch
/// leaves these two open). Gradients flow between floating dtypes.
REEL_API Tensor to(const Tensor& x, DType dtype);

/// Sums away what broadcasting from `shape` to `x.shape()` repeated.
REEL_API Tensor sum_to_size(const Tensor& x, const Shape& shape);

}  // namespace reel
