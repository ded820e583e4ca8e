#pragma once

// Internal: the element types that files know, which are more than those of tensors.

#include <cstddef>
#include <string>
#include <string_view>

#include "reel/base/dtype.h"
#include "reel/base/shape.h"

namespace reel::io::detail {

/// An element type as files store it.
struct StoredType {
  const char* name;  ///< as safetensors writes it
  Size bytes;        ///< of one element
  DType dtype;       ///< of the tensors that hold all its values
  /// Writes `n` elements to a tensor's memory and returns how many there were before the first
  /// that it has no value for: a bool of byte 2, a U64 above int64. Null where the bytes are the
  /// same.
  Size (*convert)(const std::byte* from, std::byte* to, Size n) = nullptr;

  /// Whether the values change their type.
  bool converted() const { return convert != nullptr && dtype != bool_; }
};

/// Null for a name that is none.
const StoredType* find_stored_type(std::string_view name);

/// The type that stores tensors of `dtype` as they are.
const StoredType& stored_type_of(DType dtype);

/// Bytes of a tensor's elements in a file. Throws, naming `where`, for a shape that no tensor has.
Size stored_bytes(const char* op, const StoredType& type, const Shape& shape,
                  const std::string& where);

/// "BOOL, U8, ...": the names of all.
std::string_view stored_type_names();

}  // namespace reel::io::detail
