#pragma once

#include <string>

#include "reel/base/export.h"

namespace reel::datasets::detail {

/// All bytes of a file, decompressed where its content is gzip. Memory grows with what was read,
/// not with what a header says. Throws `Error` naming `op` and the file.
REEL_API std::string whole_file(const char* op, const std::string& path);

}  // namespace reel::datasets::detail
