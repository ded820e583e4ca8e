#pragma once

#include <string>

#include "reel/autograd/tensor.h"

namespace reel::datasets {

/// Reads an idx file, the format of MNIST: a magic number `00 00 type rank`, `rank` big-endian
/// 32-bit counts, and the elements, big-endian, last dimension fastest.
///
/// The file may be compressed by gzip, which is told by its content, not its name. The dtype is the
/// file's: uint8, int32, float32 or float64; 8-bit and 16-bit signed integers become int32.
///
/// Sizes are checked against the file before memory is taken. Throws `Error`, in the form
/// `[read_idx] expected ..., got ... (file, offset 3)`, for a file that is missing, cut off,
/// damaged (gzip's CRC-32), too long, or no idx file at all.
///
/// Format: http://yann.lecun.com/exdb/mnist/ ("The IDX file format").
REEL_API Tensor read_idx(const std::string& path);

/// Writes a tensor of dtype uint8, int32, float32 or float64 as an idx file, compressed by gzip
/// when the name ends in `.gz`. The file is written beside and renamed, so a kill leaves the old
/// file or the new one; a link is followed, a file's mode kept, a device written to.
///
/// Throws `Error` for other dtypes, dimensions of 2^32 and more, and files that cannot be written.
REEL_API void write_idx(const std::string& path, const Tensor& tensor);

}  // namespace reel::datasets
