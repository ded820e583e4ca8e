#include "reel/datasets/detail/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "reel/autograd/fail.h"

namespace reel::datasets::detail {

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

std::size_t InputFile::read(void* buffer, std::size_t bytes) const {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got = ::read(descriptor_, static_cast<char*>(buffer) + done, bytes - done);
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

OutputFile::OutputFile(const char* op, std::string path) : op_(op), path_(std::move(path)) {
  static std::atomic<unsigned> counter{0};
  temporary_ = fmt::format("{}.part-{}-{}", path_, ::getpid(), counter++);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    temporary_.clear();
    fail_with_errno();
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::write(const void* data, std::size_t bytes) {
  auto* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put = ::write(descriptor_, from, bytes);
    if (put >= 0) {
      from += put;
      bytes -= static_cast<std::size_t>(put);
    } else if (errno != EINTR) {
      fail_with_errno();
    }
  }
}

void OutputFile::commit() {
  // Without the sync a crash of the machine could leave the new name on empty content.
  if (::fsync(descriptor_) != 0) fail_with_errno();
  if (::close(std::exchange(descriptor_, -1)) != 0) fail_with_errno();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_errno();
  temporary_.clear();
}

void OutputFile::fail_with_errno() const {
  fail(op_, "expected to write the file, got \"{}\" ({})", std::strerror(errno), path_);
}

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace reel::datasets::detail
