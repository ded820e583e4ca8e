#pragma once

#include <memory>
#include <string>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel::detail {

/// The bytes of a file, decompressed on the way when its content (not its name) is gzip. Neither
/// the compressed nor the decompressed file is ever held as a whole.
///
/// Every failure is an `Error` that names `op`, the file and the offset: a gzip file that is cut
/// off, damaged (its CRC-32 and length are checked), or followed by other bytes.
class REEL_API ByteSource {
 public:
  ByteSource(const char* op, const std::string& path);
  ~ByteSource();

  /// Bytes of the file as it lies on the disk.
  Size file_size() const;

  bool compressed() const;

  /// The position in the decompressed bytes.
  Size offset() const;

  /// Reads `bytes` bytes, fewer only where the content ends, and returns how many came.
  Size read(void* buffer, Size bytes);

  /// "(file, offset 16)", to end an error's text with.
  std::string where(Size offset) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reel::detail
