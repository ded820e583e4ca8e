#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel {

/// Tensors under their names, in order of declaration: `"fc1.weight"` -> `[out, in]`.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// What a checkpoint holds: an ordered map from names to tensors, under PyTorch's keys. Modules and
/// optimizers give and take it.
///
/// **Example**
/// ```cpp
/// for (const auto& [name, tensor] : nn::state_dict(net)) ...
/// ```
class REEL_API StateDict {
 public:
  StateDict() = default;
  /// Throws `[StateDict] expected each name once, got "fc1.weight" twice`.
  StateDict(std::initializer_list<std::pair<std::string, Tensor>> entries);

  /// The tensor under `name`; an undefined one is added where there is none.
  Tensor& operator[](std::string_view name);
  /// Throws `[state_dict] expected an entry "fc1.weight", got ...` with the names there are.
  const Tensor& at(std::string_view name) const;
  /// Whether there is an entry of that name.
  bool contains(std::string_view name) const { return find(name) != entries_.end(); }
  /// Whether there was an entry to remove.
  bool erase(std::string_view name);

  /// How many entries there are.
  std::size_t size() const { return entries_.size(); }
  /// Whether there is no entry.
  bool empty() const { return entries_.empty(); }
  NamedTensors::const_iterator begin() const { return entries_.begin(); }
  NamedTensors::const_iterator end() const { return entries_.end(); }
  /// The entry of that name, or `end()`.
  NamedTensors::const_iterator find(std::string_view name) const;

 private:
  NamedTensors entries_;
};

}  // namespace reel
