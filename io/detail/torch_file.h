#pragma once

// Internal: what torch.save wrote, read only.

#include <memory>
#include <string>

#include "reel/io/detail/reader.h"

namespace reel::io::detail {

/// A `.pt` or `.pth` file: a zip archive of a pickle, `data.pkl`, and a file for each storage.
/// Tensors that share a storage share memory.
std::unique_ptr<Reader> read_torch(const char* op, const std::string& path);

}  // namespace reel::io::detail
