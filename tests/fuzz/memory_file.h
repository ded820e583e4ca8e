#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "fuzz/demand.h"

namespace reel::testing {

/// A file in memory, under a path.
class MemoryFile {
 public:
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  void clear() const { DEMAND(::ftruncate(descriptor_, 0) == 0); }
  void fill(const std::string& content) const {
    clear();
    const ssize_t put = ::pwrite(descriptor_, content.data(), content.size(), 0);
    DEMAND(put == static_cast<ssize_t>(content.size()));
  }

 private:
  int descriptor_ = ::memfd_create("fuzz", MFD_CLOEXEC);
};

/// A link to a file under a name, for what goes by names' endings.
class LinkTo {
 public:
  LinkTo(const MemoryFile& file, const std::string& name) {
    std::string folder = (std::filesystem::temp_directory_path() / "reel-fuzz-XXXXXX").string();
    DEMAND(::mkdtemp(folder.data()) != nullptr);
    path_ = std::filesystem::path(folder) / name;
    std::filesystem::create_symlink(file.path(), path_);
  }
  ~LinkTo() {
    std::error_code ignored;
    std::filesystem::remove_all(path_.parent_path(), ignored);
  }
  LinkTo(const LinkTo&) = delete;
  LinkTo& operator=(const LinkTo&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace reel::testing
