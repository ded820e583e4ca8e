#pragma once

#include <concepts>
#include <optional>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel {

// ---- indices

/// `start:stop:step` as in Python; left out, the bounds are the ends. Bounds below 0 count from the
/// end and those beyond it are cut; the step is positive. `Slice{}` is all of a dimension.
struct Slice {
  std::optional<Size> start = {};  ///< the first entry; from the beginning unless given
  std::optional<Size> stop = {};   ///< the entry behind the last; to the end unless given
  Size step = 1;                   ///< from one entry to the next, 1 or more
};

/// A new dimension of size 1, as `None` or `numpy.newaxis` in Python.
struct NoneIndex {};
/// As in `x.index({None, 0})`.
inline constexpr NoneIndex None{};

/// All dimensions that the other indices leave, as `...` in Python.
struct EllipsisIndex {};
/// As in `x.index({Ellipsis, 0})`; once at most.
inline constexpr EllipsisIndex Ellipsis{};

/// One entry of `x.index({...})`: a number, a `Slice`, `None`, `Ellipsis`, or a tensor of integers
/// or bools.
struct REEL_API Index {
  /// Which of them it is.
  enum class Kind { number, slice, none, ellipsis, tensor };

  /// One entry, whose dimension disappears; below 0 it counts from the end.
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Index(T index) : kind(Kind::number), number(static_cast<Size>(index)) {}
  /// Some entries in a row, or every so many.
  Index(const Slice& range) : kind(Kind::slice), slice(range) {}
  /// A new dimension of size 1.
  Index(NoneIndex) : kind(Kind::none) {}
  /// What the other indices leave.
  Index(EllipsisIndex) : kind(Kind::ellipsis) {}
  /// Integers to pick entries by, or a mask.
  Index(const Tensor& indices) : kind(Kind::tensor), tensor(indices) {}

  Kind kind;           ///< says which of the members below counts, if any
  Size number = 0;     ///< of `Kind::number`
  Slice slice = {};    ///< of `Kind::slice`
  Tensor tensor = {};  ///< of `Kind::tensor`
};

/// `x[indices]` as in NumPy: `index(x, {0, Slice{1, 5}, Ellipsis})`.
///
/// Numbers, slices and `None` give a view. Integer tensors pick entries and broadcast together; a
/// bool tensor stands for the indices of its true elements (a 0-d one takes all or nothing, under a
/// new dimension). Their dimensions take the place of those they index, or come first when slices
/// stand between them. Every entry of an int64 or int32 tensor lies in `[-size, size)`.
/// Differentiable with respect to `x`. `index(x, {...}) = y` writes to `x`.
///
/// Throws when there are more indices than dimensions, when one is out of range, when a mask has
/// another shape than what it covers, and when a tensor has another dtype.
REEL_API Indexed index(const Tensor& x, const std::vector<Index>& indices);

/// A copy of `x` with `x[indices] = values`, or `+= values` with `accumulate`; differentiable with
/// respect to both. Where indices repeat, the last value stays. Follows `torch.index_put`.
///
/// Throws as `index` does, and when `values` does not broadcast to the shape of `x[indices]`.
REEL_API Tensor index_put(const Tensor& x, const std::vector<Index>& indices, const Tensor& values,
                          bool accumulate = false);

/// The same in place; only where the tape does not record.
REEL_API const Tensor& index_put_(const Tensor& x, const std::vector<Index>& indices,
                                  const Tensor& values, bool accumulate = false);

/// Entries of dimension `dim` by a 1-d `index`: as `x[:, index]` for dimension 1, but indices count
/// from the front only. A 0-d `x` has one entry, 0. Follows `torch.index_select`.
///
/// Throws `[index_select] expected indices in [0, 10), got 12`.
REEL_API Tensor index_select(const Tensor& x, Size dim, const Tensor& index);

/// A copy of `x` with entry `i` of `source` added to entry `index[i]` along dimension `dim`.
/// Follows `torch.index_add`.
///
/// Throws when `source` has another shape than `x` has with `dim` as long as `index`.
REEL_API Tensor index_add(const Tensor& x, Size dim, const Tensor& index, const Tensor& source);

/// What `embedding` can be told.
struct EmbeddingOptions {
  /// The gradient leaves this row alone; below 0 it counts from the end.
  std::optional<Size> padding_idx = {};
};

/// The rows of `weight` `[n, d]` that `input`, of any shape `[..]` and int64 or int32, names:
/// `[.., d]`. Follows `torch.nn.functional.embedding`.
///
/// Throws `[embedding] expected indices in [0, 10), got 12`, and when `padding_idx` is no row.
REEL_API Tensor embedding(const Tensor& input, const Tensor& weight,
                          const EmbeddingOptions& options = {});

// ---- element by element

/// `out[i, j] = x[index[i, j], j]` for dimension 0, and so on; `out` has the shape of `index`,
/// which is no larger than `x` in the other dimensions. Here and in its kin a 0-d tensor counts as
/// a vector of one. Follows `torch.gather`.
///
/// Throws `[gather] expected indices in [0, 10), got 12`.
REEL_API Tensor gather(const Tensor& x, Size dim, const Tensor& index);

/// `gather` after `x` and `index` are broadcast together in the other dimensions, with indices
/// below 0 counting from the end: takes what `argmax(x, dim, true)` or a sort points at. Follows
/// `torch.take_along_dim`.
REEL_API Tensor take_along_dim(const Tensor& x, const Tensor& index, Size dim);

/// A copy of `x` with `out[index[i, j], j] = source[i, j]` for dimension 0, and so on. Where
/// indices repeat, the last value stays, and the gradient of `source` is that of all. A 0-d
/// `source` serves every index. Follows `torch.scatter`.
REEL_API Tensor scatter(const Tensor& x, Size dim, const Tensor& index, const Tensor& source);

/// The same with `+=`; where indices repeat, all are added. Follows `torch.scatter_add`.
REEL_API Tensor scatter_add(const Tensor& x, Size dim, const Tensor& index, const Tensor& source);

// ---- masks

/// `x` with `value` (0-d) where `mask` (bool) is true; the two shapes broadcast.
/// Follows `torch.masked_fill`.
REEL_API Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);

/// The elements of `x` where `mask` (bool) is true, as a vector; the two shapes broadcast.
/// Follows `torch.masked_select`.
REEL_API Tensor masked_select(const Tensor& x, const Tensor& mask);

/// The indices of the elements that are not 0, int64 `[count, x.dim()]`, in row-major order.
/// Follows `torch.nonzero`.
REEL_API Tensor nonzero(const Tensor& x);

/// Integer labels `[...]` as int64 rows `[..., num_classes]` with a single 1 in each; `num_classes`
/// is one more than the largest label if left out. Follows `torch.nn.functional.one_hot`.
///
/// Throws when a label lies outside `[0, num_classes)`.
REEL_API Tensor one_hot(const Tensor& labels, std::optional<Size> num_classes = {});

/// `x` (a matrix, or a batch of them) with zeros above the diagonal `diagonal` places right of the
/// main one. Follows `torch.tril`.
REEL_API Tensor tril(const Tensor& x, Size diagonal = 0);
/// `x` (a matrix, or a batch of them) with zeros below that diagonal. Follows `torch.triu`.
REEL_API Tensor triu(const Tensor& x, Size diagonal = 0);

}  // namespace reel
