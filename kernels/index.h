#pragma once

// Internal: reading and writing elements at positions known only at run time. Indices have been
// checked.

#include "reel/kernels/array.h"

namespace reel::kernels {

// Indices and positions are int64 and contiguous.

/// rows[i] = rows[i] * extent + indices[i], an index below 0 counting from the end where `wrap`
/// says so. Returns the first i whose index is out of range, or -1.
Size append_index(const ConstArray& indices, Size extent, bool wrap, const Array& rows);

/// How many elements of a contiguous bool array are true. (Bools are read as bytes: what shares
/// memory with a tensor may have put another there than 0 and 1.)
Size count_true(const ConstArray& mask);
/// The positions of those elements, which are as many as `positions` has room for.
void true_positions(const ConstArray& mask, const Array& positions);

/// coordinates[i, :] = the indices, in an array of `shape`, of the element at row-major position
/// positions[i].
void unravel(const ConstArray& positions, const Shape& shape, const Array& coordinates);

/// A matrix of blocks `[outer, rows, inner]` whose innermost elements are neighbours; strides in
/// elements.
struct Blocks {
  Size outer = 1;
  Size inner = 1;
  Size outer_stride = 0;
  Size row_stride = 0;
};

/// out[o, i, :] = x[o, rows[i], :]; `out` is contiguous.
void take_rows(const ConstArray& x, const Blocks& of_x, const ConstArray& rows, const Array& out);

/// out[o, rows[i], :] = x[o, i, :]; `x` is contiguous; of equal rows the last one stays.
void put_rows(const ConstArray& x, const ConstArray& rows, const Array& out, const Blocks& of_out);

/// out[o, rows[i], :] += x[o, i, :]; `x` is contiguous; equal rows are added in order of i.
void add_rows(const ConstArray& x, const ConstArray& rows, const Array& out, const Blocks& of_out);

// These walk over every element of `index`, which replaces the coordinate of dimension `dim` in the
// array that is indexed.

/// direct[i, j, ...] = indexed[index[i, j, ...], j, ...], as for dim = 0.
void gather(const ConstArray& indexed, Size dim, const ConstArray& index, const Array& direct);
/// indexed[index[i, j, ...], j, ...] = direct[i, j, ...]; of equal targets the last one stays.
void scatter(const ConstArray& direct, Size dim, const ConstArray& index, const Array& indexed);
/// indexed[index[i, j, ...], j, ...] += direct[i, j, ...], in order.
void scatter_add(const ConstArray& direct, Size dim, const ConstArray& index, const Array& indexed);

}  // namespace reel::kernels
