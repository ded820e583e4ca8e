#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/io/tensor_info.h"

namespace reel::io {

/// A safetensors file whose tensors are on the disk until they are used: opening it reads the
/// header only, and `file["fc1.weight"]` is a tensor on the file's own bytes, mapped into memory.
///
/// Tensors keep the mapping alive, also when the `TensorFile` is gone. Writing to them changes
/// neither the file nor another process, but all tensors that this object gave under the name.
///
/// The file must stay whole meanwhile: touching elements of one that was shortened ends the process
/// (SIGBUS). A file that is replaced, as `save` does, is left in peace; `load` reads, and reports
/// what is lost.
class REEL_API TensorFile {
 public:
  /// Opens a `.safetensors` file, or all files of a `.safetensors.index.json`. Throws for another
  /// ending and for a file that is cut off or damaged, and says where.
  explicit TensorFile(const std::string& path);

  /// What there is, in the file's order.
  const std::vector<TensorInfo>& tensors() const;
  /// The `__metadata__` of the file, or the `metadata` of the index, what is no string in it as
  /// JSON.
  const Metadata& metadata() const;
  /// Whether there is a tensor under `name`.
  bool contains(std::string_view name) const;

  /// The tensor under `name`. It shares the file's memory unless it has to be converted
  /// (`TensorInfo::converted`), is a bool, whose bytes are checked, or lies at an odd place: these
  /// are copied at every call. Throws, with the names there are, for another name.
  Tensor operator[](std::string_view name) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace reel::io
