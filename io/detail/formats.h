#pragma once

// Internal: which format a file is in, told by the ending of its name.

#include <memory>
#include <string>
#include <string_view>

#include "reel/autograd/state_dict.h"
#include "reel/io/detail/reader.h"
#include "reel/io/save_options.h"

namespace reel::io::detail {

struct Format {
  std::string_view ending;
  const char* name;
  std::unique_ptr<Reader> (*read)(const char* op, const std::string& path);
  /// Null where files are only read. The tensors are defined.
  void (*write)(const char* op, const std::string& path, const StateDict& state,
                const SaveOptions& options) = nullptr;
  bool has_metadata = false;  ///< whether files that are written have words
};

/// Throws, with the endings there are, for another.
const Format& format_of(const char* op, const std::string& path);

/// Throws, with the endings that can be written, for another.
const Format& writable_format_of(const char* op, const std::string& path);

}  // namespace reel::io::detail
