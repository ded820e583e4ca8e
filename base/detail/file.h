#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel::detail {

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

  /// The same from a place in the file, which `read` does not notice: several threads may call it.
  std::size_t read_at(Size offset, void* buffer, std::size_t bytes) const;

 private:
  friend class MappedFile;
  template <class Read>
  std::size_t read_all(std::size_t bytes, const Read& read) const;

  const char* op_;
  std::string path_;
  int descriptor_ = -1;
  Size size_ = 0;
};

/// A file's bytes as memory of this process, which the kernel reads as they are touched. Writing to
/// them changes this process' copy, not the file.
///
/// Whoever shortens the file meanwhile makes touching the lost bytes end this process (SIGBUS): it
/// is for files that are replaced whole, as `OutputFile` does.
class REEL_API MappedFile {
 public:
  /// Maps the `file.size()` bytes; `file` may go. Throws when the kernel has no room for them.
  explicit MappedFile(const InputFile& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// Null for an empty file.
  std::byte* data() const { return data_; }
  Size size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  Size size_ = 0;
};

/// A file written whole: into a part file beside it, `<file>.reel-part-<number>`, which takes its
/// name in `commit`. A kill, an exception, a full disk or a crash of the machine leaves the old
/// file or the new one, never half of it.
///
/// - A link is followed: the file that it leads to is replaced, or made, and the link stays.
/// - A file that is replaced keeps its mode and, where this process may give it away, its owner;
///   one that may not be written is not replaced. Other hard links to it keep the old content.
/// - Devices, pipes and `/dev/stdout` have no whole to replace: they are written to as they stand.
/// - A part that a killed process left is removed by the next one to write the same file. A lock
///   tells it from a part in use: locks end with their process, in whichever container that ran.
class REEL_API OutputFile {
 public:
  /// Opens the part. Throws when the folder is missing, or it or the file may not be written.
  OutputFile(const char* op, const std::string& path);

  /// Removes the part unless `commit` was reached.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws when the disk is full, here or, as pieces are gathered, in a later call; and after any
  /// failure, as `commit` does.
  void write(const void* data, std::size_t bytes);

  /// Puts the file in its place, over what was there, and returns once it is on the disk.
  void commit();

 private:
  struct Followed {};
  // The public constructor begins with this one, so that it too ends in the destructor on failure.
  OutputFile(const char* op, std::string path, Followed);
  void open_part(unsigned mode);
  void flush();
  void check_whole() const;
  void put(const char* data, std::size_t bytes);
  [[noreturn]] void fail_with_errno(const std::string& file);

  const char* op_;
  std::string path_;       // with links followed
  std::string part_ = {};  // empty when written through, and once it has taken its name
  int descriptor_ = -1;
  std::vector<char> pending_ = {};
  bool failed_ = false;  // nobody knows how much of a failed write is in the part
};

/// Whether `path` is a regular file.
REEL_API bool is_file(const std::string& path);

}  // namespace reel::detail
