#pragma once

// Internal: NumPy's files of one array, and the header that each array of its archives has too.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

#include <memory>
#include <string>
#include <string_view>

#include "reel/autograd/state_dict.h"
#include "reel/io/detail/reader.h"
#include "reel/io/save_options.h"

namespace reel::io::detail {

/// What stands before the elements of an array.
struct NpyHeader {
  const StoredType* type = nullptr;
  bool big_endian = false;
  bool fortran_order = false;  ///< the first dimension's neighbours are neighbours in the file
  Shape shape = {};
  Size bytes = 0;  ///< of the header
};

/// Bytes of the longest header that is read.
inline constexpr Size longest_npy_header = 1 << 17;

/// Reads the header in the first bytes of a file of `file_bytes` bytes, and holds its size to it.
/// Throws, naming `where`, for what is none, for types that no tensor holds, and for objects.
NpyHeader parse_npy_header(const char* op, std::string_view begin, Size file_bytes,
                           const std::string& where);

/// The header of a little-endian array in row-major order.
std::string npy_header(const StoredType& type, const Shape& shape);

TensorInfo npy_info(std::string name, const NpyHeader& header);

/// The array behind a header, in row-major order; `read` gives its bytes as they are stored.
Tensor npy_tensor(const char* op, const NpyHeader& header, const ReadBytes& read,
                  const std::string& where);

std::unique_ptr<Reader> read_npy(const char* op, const std::string& path);
void write_npy(const char* op, const std::string& path, const StateDict& state,
               const SaveOptions& options);

}  // namespace reel::io::detail
