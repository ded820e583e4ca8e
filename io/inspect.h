#pragma once

#include <string>
#include <vector>

#include "reel/base/export.h"
#include "reel/io/tensor_info.h"

namespace reel::io {

/// What a file of tensors holds, apart from their elements.
struct FileInfo {
  std::string format = {};               ///< `"safetensors"`, `"PyTorch"`
  std::vector<TensorInfo> tensors = {};  ///< in the file's order
  Metadata metadata = {};  ///< safetensors' `__metadata__`; PyTorch's strings and `None`
};

/// Looks into any file that `load` reads, without reading its tensors. Throws as `load` does.
REEL_API FileInfo inspect(const std::string& path);

}  // namespace reel::io
