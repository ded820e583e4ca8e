#pragma once

// Internal: zip archives, read by libzip. A Reel built without it (REEL_ZIP=OFF) has no_zip.cpp
// instead, whose constructor throws.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "reel/base/dtype.h"

namespace reel::io::detail {

/// An open zip archive. Every failure is an `Error` that names `op`, the file and the entry.
class ZipFile {
 public:
  /// Reads the list of entries. Throws for a file that is no zip archive or is cut off, and for
  /// entries that are encrypted, compressed otherwise than by deflate, or said to be larger than
  /// their compressed bytes can be.
  ZipFile(const char* op, const std::string& path);
  ~ZipFile();

  struct Entry {
    std::string name;
    Size bytes;  ///< decompressed
  };
  const std::vector<Entry>& entries() const { return entries_; }

  /// Writes an entry's `bytes` bytes to `to` and checks their CRC-32.
  void read(std::size_t index, void* to) const;

  /// The first bytes of an entry, `most` or all, unchecked.
  std::string beginning(std::size_t index, Size most) const;

 private:
  struct State;
  class Stream;
  std::unique_ptr<State> state_;
  std::vector<Entry> entries_;
};

}  // namespace reel::io::detail
