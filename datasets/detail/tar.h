#pragma once

#include <string>

#include "reel/base/detail/byte_source.h"

namespace reel::datasets::detail {

/// Goes through a tar archive, plain or compressed by gzip, member by member (POSIX.1-1988, ustar).
/// Members are read, never unpacked: their names lead nowhere.
///
/// Every failure is an `Error` that names `op`, the file and the offset.
class TarReader {
 public:
  TarReader(const char* op, const std::string& path) : op_(op), source_(op, path) {}

  /// Goes to the next regular file; false at the end of the archive.
  bool next();

  /// As `folder/file`.
  const std::string& name() const { return name_; }

  /// The file's bytes; once a file.
  std::string content();

 private:
  Size padded(Size size) const { return (size + 511) / 512 * 512; }
  void skip(Size bytes);

  const char* op_;
  reel::detail::ByteSource source_;
  std::string name_;
  Size size_ = 0;    // of the file at hand
  Size unread_ = 0;  // of it and its padding
};

}  // namespace reel::datasets::detail
