#include "reel/datasets/detail/whole_file.h"

#include <algorithm>

#include "reel/base/detail/byte_source.h"

namespace reel::datasets::detail {

std::string whole_file(const char* op, const std::string& path) {
  reel::detail::ByteSource source(op, path);
  std::string content;
  // One byte more than the file has, so that its end is seen without another piece.
  Size piece = source.compressed() ? Size{1} << 16 : source.file_size() + 1;
  for (Size got = piece; got == piece;) {
    const std::size_t before = content.size();
    piece = std::max<Size>(piece, static_cast<Size>(before / 2));
    content.resize(before + static_cast<std::size_t>(piece));
    got = source.read(content.data() + before, piece);
    content.resize(before + static_cast<std::size_t>(got));
  }
  return content;
}

}  // namespace reel::datasets::detail
