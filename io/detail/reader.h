#pragma once

// Internal: what every format that can be read provides.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/io/detail/stored_type.h"
#include "reel/io/tensor_info.h"

namespace reel::io::detail {

/// An open file of tensors. Opening it checks all that can be known without their elements.
class Reader {
 public:
  virtual ~Reader() = default;

  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  const Metadata& metadata() const { return metadata_; }

  /// One of `tensors()`. Those that share memory in the file may share it here too.
  virtual Tensor read(std::size_t index) const = 0;

 protected:
  std::vector<TensorInfo> tensors_;
  Metadata metadata_;
};

/// What an open file says of a tensor of `type`.
TensorInfo tensor_info(std::string name, const StoredType& type, const Shape& shape);

/// Copies `bytes` bytes of a tensor's elements, from `offset` on, to `to`. May be called by several
/// threads at once.
using ReadBytes = std::function<void(Size offset, std::byte* to, Size bytes)>;

/// A tensor filled from a file's elements of `type`, in row-major order, converted as need be.
/// Throws, naming `where`, at an element that no tensor can hold.
Tensor filled(const char* op, const StoredType& type, const Shape& shape, const ReadBytes& read,
              const std::string& where);

}  // namespace reel::io::detail
