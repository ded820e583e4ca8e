#pragma once

// Internal: reading and writing elements at positions known only at run time. Indices have been
// checked.

#include <cstdint>

#include "reel/base/dtype.h"
#include "reel/base/shape.h"

namespace reel::kernels {

/// rows[i] = rows[i] * extent + indices[i], an index below 0 counting from the end where `wrap`
/// says so. Returns the first i whose index is out of range, or -1.
Size append_index(Size n, Size* rows, const Size* indices, Size extent, bool wrap);

/// How many of `n` bytes are not 0. (Bools are read as bytes: what shares memory with a tensor may
/// have put another there than 0 and 1.)
Size count_nonzero(Size n, const std::uint8_t* mask);
/// The positions of those bytes, of which there are `count`.
void nonzero_positions(Size n, const std::uint8_t* mask, Size count, Size* positions);

/// A matrix of blocks `[outer, rows, inner]` whose innermost elements are neighbours; strides in
/// elements.
struct Blocks {
  Size outer = 1;
  Size inner = 1;
  Size outer_stride = 0;
  Size row_stride = 0;
};

/// out[o, i, :] = x[o, rows[i], :] for `n` rows; `out` is contiguous, `item` the bytes of an
/// element.
void take_rows(Size n, const Size* rows, Size item, void* out, const void* x, const Blocks& of_x);

/// out[o, rows[i], :] = x[o, i, :]; `x` is contiguous; of equal rows the last one stays.
void put_rows(Size n, const Size* rows, Size item, void* out, const Blocks& of_out, const void* x);

/// out[o, rows[i], :] += x[o, i, :]; `x` is contiguous; equal rows are added in order of i.
void add_rows(Size n, const Size* rows, DType dtype, void* out, const Blocks& of_out,
              const void* x);

/// How `gather` and its kin walk: over every element of `shape`, with a contiguous index for each,
/// which replaces the coordinate of dimension `dim` in the indexed tensor.
struct GatherPlan {
  Shape shape;
  Size dim = 0;
  Strides indexed;  ///< strides of the tensor that is indexed
  Strides direct;   ///< strides of the tensor that is not
};

/// direct[i, j, ...] = indexed[index[i, j, ...], j, ...], as for dim = 0.
void gather(const GatherPlan& plan, Size item, const Size* index, void* direct,
            const void* indexed);
/// indexed[index[i, j, ...], j, ...] = direct[i, j, ...]; of equal targets the last one stays.
void scatter(const GatherPlan& plan, Size item, const Size* index, void* indexed,
             const void* direct);
/// indexed[index[i, j, ...], j, ...] += direct[i, j, ...], in order.
void scatter_add(const GatherPlan& plan, DType dtype, const Size* index, void* indexed,
                 const void* direct);

}  // namespace reel::kernels
