#pragma once

// Internal: copying, casting, transposing and filling.

#include <cstdint>

#include "reel/kernels/array.h"
#include "reel/kernels/dispatch.h"
#include "reel/kernels/loops.h"

namespace reel::kernels {

/// `to[c * to_stride + r] = from[r * from_stride + c]` for `rows` times `cols` elements.
using Transpose = void (*)(void* to, Size to_stride, const void* from, Size from_stride, Size rows,
                           Size cols);

struct CopyTable {
  Loop cast[6][6] = {};         // [to][from]
  Loop scale_bytes = nullptr;   // float32 from uint8, times params[0]
  Loop fill[3] = {};            // of items of 1, 4 and 8 bytes, from an operand with strides 0
  Transpose transpose[3] = {};  // of items of 1, 4 and 8 bytes
};

REEL_DISPATCH_TABLE(CopyTable, copy_table)

/// Copies `from`, broadcast to the shape of `to`, converting as C does: to bool by "not zero", to
/// integers towards zero. A floating-point number beyond an integer type becomes the nearest it
/// has, and NaN 0. The two must not overlap unless they are the same.
void copy(const ConstArray& from, const Array& to);

/// Sets every element to the one that `value`, of the same dtype, points at.
void fill(const void* value, const Array& to);

/// Converts one number.
void convert(void* to, DType to_dtype, const void* from, DType from_dtype);

/// `to[i] = from[i] * scale`: what turns bytes of images into floats. Contiguous.
void scale_bytes(Size n, float* to, const std::uint8_t* from, float scale);

}  // namespace reel::kernels
