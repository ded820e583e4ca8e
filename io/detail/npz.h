#pragma once

// Internal: NumPy's archives of named arrays.

#include <memory>
#include <string>

#include "reel/autograd/state_dict.h"
#include "reel/io/detail/reader.h"
#include "reel/io/save_options.h"

namespace reel::io::detail {

/// What `numpy.savez` and `savez_compressed` write.
std::unique_ptr<Reader> read_npz(const char* op, const std::string& path);

/// What `numpy.savez` writes.
void write_npz(const char* op, const std::string& path, const StateDict& state,
               const SaveOptions& options);

}  // namespace reel::io::detail
