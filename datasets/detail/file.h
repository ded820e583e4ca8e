#pragma once

#include <cstddef>
#include <string>

#include "reel/autograd/dtype.h"
#include "reel/autograd/export.h"

namespace reel::datasets::detail {

/// A regular file open for reading. Every failure is an `Error` that names `op` and the file.
class REEL_API InputFile {
 public:
  /// Throws when the file is missing, may not be read, or is a directory or a device.
  InputFile(const char* op, std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }

  /// Bytes of the file when it was opened.
  Size size() const { return size_; }

  /// Reads `bytes` bytes, fewer only where the file ends, and returns how many came.
  std::size_t read(void* buffer, std::size_t bytes) const;

 private:
  const char* op_;
  std::string path_;
  int descriptor_ = -1;
  Size size_ = 0;
};

/// A file written beside its final place and renamed by `commit`, so that a kill, an exception or a
/// full disk leaves the old file or the new one, never half of it.
class REEL_API OutputFile {
 public:
  /// Creates the temporary. Throws when the folder is missing or may not be written.
  OutputFile(const char* op, std::string path);

  /// Removes the temporary unless `commit` was reached.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws when the disk is full.
  void write(const void* data, std::size_t bytes);

  /// Puts the file in its place, over what was there.
  void commit();

 private:
  [[noreturn]] void fail_with_errno() const;

  const char* op_;
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

/// Whether `path` is a regular file.
REEL_API bool is_file(const std::string& path);

}  // namespace reel::datasets::detail
