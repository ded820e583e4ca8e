// In the place of zip_file.cpp where libzip is not to be used.

#include "reel/base/fail.h"
#include "reel/io/detail/zip_file.h"

namespace reel::io::detail {

struct ZipFile::State {};

ZipFile::ZipFile(const char* op, const std::string& path) {
  fail(op,
       "expected a Reel that reads zip archives, got one built without libzip ({})\n"
       "help: build it with -DREEL_ZIP=ON; Debian has libzip-dev",
       path);
}

ZipFile::~ZipFile() = default;

void ZipFile::read(std::size_t, void*) const {}

std::string ZipFile::beginning(std::size_t, Size) const { return {}; }

}  // namespace reel::io::detail
