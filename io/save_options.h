#pragma once

#include "reel/base/dtype.h"
#include "reel/io/tensor_info.h"

namespace reel::io {

/// What `save` can be told.
struct SaveOptions {
  /// Words that go into the file. The default tells Python's `transformers` that names and layouts
  /// are PyTorch's. Only safetensors carries others.
  Metadata metadata = {{"format", "pt"}};
  /// Of a model in several files: a file ends before it has more bytes of tensors than this, unless
  /// one tensor alone has.
  Size max_shard_bytes = 5'000'000'000;
};

}  // namespace reel::io
