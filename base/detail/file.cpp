#include "reel/base/detail/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "reel/base/fail.h"

namespace reel::detail {
namespace {

constexpr std::size_t piece = 1 << 16;  // smaller writes are gathered up to this
constexpr int most_parts = 1000;        // of one file at a time

/// Whether a path, links followed, names an open file of this process: `/dev/stdout` leads to
/// `/proc/self/fd/1`. What that leads to is not to be replaced: others write to it too.
bool is_descriptor(const std::string& path) {
  return path.starts_with("/proc/") || path.starts_with("/dev/fd/");
}

/// Where `path` leads, also when the last link leads to a file that is yet to be made.
std::string followed(const char* op, const std::string& path) {
  constexpr int most_links = 40;  // the kernel's own limit
  std::filesystem::path at = path;
  for (int links = 0; !is_descriptor(at); ++links) {
    std::error_code error;
    const std::filesystem::path target = std::filesystem::read_symlink(at, error);
    if (error) break;  // no link
    check(links < most_links, op, "expected a path that ends, got links in a circle ({})", path);
    at = target.is_absolute() ? target : at.parent_path() / target;
  }
  return at;
}

bool is_still_named(int descriptor, const std::string& name) {
  struct stat open {
  }, named{};
  return ::fstat(descriptor, &open) == 0 && ::lstat(name.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/// Removes a part that no process has open any more; false when it is in use, or no part of ours.
bool remove_if_left(const std::string& part) {
  // Without waiting: a pipe may lie there.
  const int descriptor = ::open(part.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT;
  struct stat status {};
  const bool ours =
      ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid();
  bool removed = false;
  if (ours && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    // Whoever was quicker has removed it, and the name may be a new writer's by now.
    removed = !is_still_named(descriptor, part) || ::unlink(part.c_str()) == 0;
  }
  ::close(descriptor);
  return removed;
}

/// False when the disk failed. Pipes, terminals and some file systems' folders know no sync.
bool synced(int descriptor) {
  return ::fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
}

/// Makes the name itself survive a crash of the machine, where the folder may be opened.
bool synced_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  const int descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return true;
  const bool done = synced(descriptor);
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  return done;
}

}  // namespace

InputFile::InputFile(const char* op, std::string path) : op_(op), path_(std::move(path)) {
  struct stat status {};
  // Looked at before it is opened: opening a pipe would wait for its writer.
  if (::stat(path_.c_str(), &status) != 0) {
    fail(op_, "expected a readable file, got \"{}\" ({})", std::strerror(errno), path_);
  }
  check(S_ISREG(status.st_mode), op_, "expected a regular file, got a {} ({})",
        S_ISDIR(status.st_mode) ? "directory" : "device or pipe", path_);
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) {
    fail(op_, "expected a readable file, got \"{}\" ({})", std::strerror(errno), path_);
  }
  size_ = static_cast<Size>(status.st_size);
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

/// Calls `read(done)`, which reads on after `done` bytes, until there are `bytes` or the file ends.
template <class Read>
std::size_t InputFile::read_all(std::size_t bytes, const Read& read) const {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got = read(done);
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      fail(op_, "expected to read the file to its end, got \"{}\" ({})", std::strerror(errno),
           path_);
    }
  }
  return done;
}

std::size_t InputFile::read(void* buffer, std::size_t bytes) const {
  return read_all(bytes, [&](std::size_t done) {
    return ::read(descriptor_, static_cast<char*>(buffer) + done, bytes - done);
  });
}

std::size_t InputFile::read_at(Size offset, void* buffer, std::size_t bytes) const {
  return read_all(bytes, [&](std::size_t done) {
    return ::pread(descriptor_, static_cast<char*>(buffer) + done, bytes - done,
                   offset + static_cast<Size>(done));
  });
}

MappedFile::MappedFile(const InputFile& file) : size_(file.size()) {
  if (size_ == 0) return;
  // Not reserved: a file larger than the memory can be mapped, as only what is written is copied.
  void* const mapped = ::mmap(nullptr, static_cast<std::size_t>(size_), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_NORESERVE, file.descriptor_, 0);
  if (mapped == MAP_FAILED) {
    fail(file.op_, "expected to map {} bytes, got \"{}\" ({})", size_, std::strerror(errno),
         file.path_);
  }
  data_ = static_cast<std::byte*>(mapped);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, static_cast<std::size_t>(size_));
}

OutputFile::OutputFile(const char* op, const std::string& path)
    : OutputFile(op, followed(op, path), Followed{}) {
  struct stat old {};
  const bool exists = ::stat(path_.c_str(), &old) == 0;
  if (is_descriptor(path_) || (exists && !S_ISREG(old.st_mode))) {
    // A directory refuses this.
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
    if (descriptor_ < 0) fail_with_errno(path_);
    return;
  }
  if (!exists) {
    open_part(0666);
    return;
  }
  if (::faccessat(AT_FDCWD, path_.c_str(), W_OK, AT_EACCESS) != 0) fail_with_errno(path_);
  const mode_t mode = old.st_mode & 0777;
  open_part(mode);
  if (::fchmod(descriptor_, mode) != 0) fail_with_errno(part_);
  // Only root may give a file away; others become the owner of what they replace.
  [[maybe_unused]] const int given = ::fchown(descriptor_, old.st_uid, old.st_gid);
}

OutputFile::OutputFile(const char* op, std::string path, Followed)
    : op_(op), path_(std::move(path)) {}

OutputFile::~OutputFile() {
  if (!part_.empty()) ::unlink(part_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::open_part(unsigned mode) {
  int number = 0;
  while (number < most_parts) {
    const std::string part = fmt::format("{}.reel-part-{}", path_, number);
    const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0 && errno != EEXIST) fail_with_errno(part);
    if (descriptor < 0) {
      if (!remove_if_left(part)) ++number;
      continue;
    }
    // Another writer may look at the part before it is locked, take it for one that was left, and
    // remove it. A file system without locks never removes any.
    const bool taken = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && is_still_named(descriptor, part)) {
      descriptor_ = descriptor;
      part_ = part;
      return;
    }
    ::close(descriptor);
  }
  fail(op_, "expected at most {} part files beside the file, got more ({}.reel-part-0 ...)",
       most_parts, path_);
}

void OutputFile::check_whole() const {
  check(!failed_, op_, "expected to write the file whole, got an earlier failure ({})", path_);
}

void OutputFile::write(const void* data, std::size_t bytes) {
  check_whole();
  if (pending_.size() + bytes > piece) flush();
  auto* from = static_cast<const char*>(data);
  if (bytes >= piece) {
    put(from, bytes);
  } else {
    pending_.insert(pending_.end(), from, from + bytes);
  }
}

void OutputFile::commit() {
  check_whole();
  flush();
  // Without the sync a crash of the machine could leave the new name on empty content.
  if (!synced(descriptor_)) fail_with_errno(path_);
  // The lock, which goes when the file is closed, has to last until the part has its name.
  if (!part_.empty()) {
    if (::rename(part_.c_str(), path_.c_str()) != 0) fail_with_errno(path_);
    part_.clear();
    if (!synced_folder_of(path_)) fail_with_errno(path_);
  }
  if (::close(std::exchange(descriptor_, -1)) != 0) fail_with_errno(path_);
}

void OutputFile::flush() {
  put(pending_.data(), pending_.size());
  pending_.clear();
}

void OutputFile::put(const char* data, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor_, data, bytes);
    if (written >= 0) {
      data += written;
      bytes -= static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      fail_with_errno(path_);
    }
  }
}

void OutputFile::fail_with_errno(const std::string& file) {
  failed_ = true;
  const bool full = errno == ENOSPC || errno == EDQUOT;
  fail(op_, "expected to write the file, got \"{}\" ({}){}", std::strerror(errno), file,
       full ? "\nhelp: make room on its disk, or write to another" : "");
}

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace reel::detail
