#pragma once

#include <map>
#include <string>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/shape.h"

namespace reel::io {

/// Words about a file that some formats carry beside the tensors.
using Metadata = std::map<std::string, std::string>;

/// What a file says of one of its tensors.
struct TensorInfo {
  /// What `load` matches with a model's names: the key in safetensors, the path through dicts and
  /// lists in PyTorch's files (`"model.fc1.weight"`), the array's name in NumPy's.
  std::string name = {};
  /// The element type in the file, as safetensors writes it: `"F32"`, `"BF16"`, `"I16"`.
  std::string stored_as = {};
  /// The dtype it has once it is loaded, which holds all values of the stored type.
  DType dtype = float32;
  /// Whether loading converts: Reel has no dtype for 16-bit and 8-bit floats, for `I8`, `I16` and
  /// the unsigned types above `U8`.
  bool converted = false;
  Shape shape = {};  ///< which loading keeps
  Size bytes = 0;    ///< of the elements in the file, decompressed
};

}  // namespace reel::io
