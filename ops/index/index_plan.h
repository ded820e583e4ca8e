#pragma once

// Internal: how the ops of index.h reach their elements.

#include <optional>
#include <vector>

#include "reel/autograd/op_name.h"
#include "reel/autograd/tensor.h"
#include "reel/ops/index/index.h"

namespace reel::detail {

/// `index` as contiguous int64. Throws unless it is int64 or int32.
Tensor to_positions(const char* op, const Tensor& index);

/// rows[i] * extent + positions[i], an index below 0 counting from the end where `wrap` says so; both
/// are int64 and contiguous, and `rows` is written to. Throws
/// `[op] expected indices in [-3, 3), got 3`.
Tensor append_index(const char* op, const Tensor& rows, const Tensor& positions, Size extent,
                    bool wrap);

/// `mask` as contiguous bool. Throws unless it is bool.
Tensor to_mask(const char* op, const Tensor& mask);

/// The positions of the true elements of a contiguous mask, int64.
Tensor true_positions(const Tensor& mask);

/// Which entries of some neighbouring dimensions of a tensor are meant: of dimensions `dim` to
/// `dim + count`, taken as one, entry `rows[i]` is the i-th.
struct RowIndex {
  Tensor rows;  ///< int64, checked, contiguous
  Size dim = 0;
  Size count = 1;
  Shape shape = {};  ///< what takes the place of these dimensions
};

/// The shape of `x` with the indexed dimensions replaced.
Shape indexed_shape(const Shape& x, const RowIndex& index);

/// `x[indices]` in two steps: a view by numbers, slices and None, then entries by tensors, if any.
struct IndexPlan {
  Tensor view;
  std::optional<RowIndex> rows;
};

/// Reads the entries; the derivative of `add_rows`, as that is of it.
Tensor take_rows(OpName op, const Tensor& x, const RowIndex& index);

/// Zeros of `shape` with `x` added at the entries.
Tensor add_rows(OpName op, const Tensor& x, const RowIndex& index, const Shape& shape);

/// A copy of `x` with zeros at the entries.
Tensor without_rows(OpName op, const Tensor& x, const RowIndex& index);

/// Writes `values`, of the indexed shape and the dtype of `x`, to the entries in place, or adds
/// them, without the tape.
void put_rows(const Tensor& x, const RowIndex& index, const Tensor& values, bool accumulate);

}  // namespace reel::detail
