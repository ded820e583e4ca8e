#pragma once

// Internal: zip archives of stored entries, written front to back into an OutputFile, whose
// guarantees libzip, which writes a file of its own, would not give.
// Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reel/base/detail/file.h"

namespace reel::io::detail {

class ZipWriter {
 public:
  explicit ZipWriter(const char* op, reel::detail::OutputFile& file) : op_(op), file_(file) {}

  /// Adds an entry of `head` and then `bytes` bytes of `data`. Throws for a name that does not fit.
  void add(const std::string& name, std::string_view head, const void* data, std::size_t bytes);

  /// Writes the list of entries.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint32_t crc;
    std::uint64_t bytes;
    std::uint64_t offset;
  };
  void write(const void* data, std::size_t bytes);

  const char* op_;
  reel::detail::OutputFile& file_;
  std::uint64_t written_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace reel::io::detail
