#pragma once

// Internal: PyTorch's pickles, read without running anything.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "reel/base/export.h"
#include "reel/io/detail/stored_type.h"
#include "reel/io/tensor_info.h"

namespace reel::io::detail {

/// A tensor of a pickle: a view of a storage, which is elsewhere.
struct PickledTensor {
  std::string storage;  ///< its key
  Size storage_numel;   ///< elements that the pickle says it has
  const StoredType* type;
  Size offset;  ///< in elements, as are the strides
  Shape shape;
  Strides strides;
};

/// An entry of a state dict under its whole name: keys of nested dicts and places in lists, joined
/// by dots.
struct PickledEntry {
  std::string name;
  std::variant<PickledTensor, bool, std::int64_t, double> value;
};

/// What a pickle holds; words and None are metadata.
struct PickledState {
  std::vector<PickledEntry> entries = {};
  Metadata metadata = {};
};

/// Reads what `torch.save` pickled of tensors, numbers and words in dicts, lists and tuples. Calls
/// nothing: of all that a pickle can name it knows what rebuilds tensors and containers, and
/// refuses any other by its name. `root` names a tensor that is not in a container.
///
/// Throws, with `where` and the offset, for anything else, and for tensors that reach beyond their
/// storage. Work and memory are in proportion to the pickle.
REEL_API PickledState unpickled(const char* op, std::string_view pickle, const std::string& root,
                                const std::string& where);

}  // namespace reel::io::detail
