#pragma once

// Internal: reading a state dict.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "reel/optim/optimizer.h"

namespace reel::optim {

/// Each entry is taken at most once. Everything throws in the name of load_state_dict.
class Optimizer::Entries {
 public:
  Entries(const StateDict& state, const char* optimizer);

  static std::string key(std::size_t parameter, std::string_view what);

  /// Null unless the state has it. Throws for another shape.
  const Tensor* find(const std::string& key, const Shape& shape);
  /// Of any shape.
  const Tensor* find(const std::string& key);
  /// Throws unless the state has it.
  const Tensor& at(const std::string& key, const Shape& shape);
  /// A number of steps; whole numbers up to 2^53 are exact in the float64 they are saved in.
  std::optional<Size> count(const std::string& key);
  /// A copy as `dtype`; an undefined tensor where there is none and none is required.
  Tensor tensor(const std::string& key, const Shape& shape, DType dtype, bool required);

  /// Throws when some entry was not taken.
  void finish(std::size_t parameters) const;

 private:
  const StateDict& state_;
  const char* optimizer_;
  std::unordered_map<std::string_view, const Tensor*> left_;
};

}  // namespace reel::optim
