#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "reel/base/shape.h"

namespace reel::func {

/// Where `vmap` finds the samples in arguments, or puts them in results: one dimension for all of
/// them, or a list with one for each. Below 0 it counts from the end; `std::nullopt` in a list is an
/// argument that all samples share, or a result that is the same for all.
class VmapDims {
 public:
  /// The same for all.
  VmapDims(Size dim) : for_all_(dim) {}
  /// One for each: `{0, std::nullopt}`.
  VmapDims(std::initializer_list<std::optional<Size>> dims) : dims_(dims) {}

  /// Whether there is one for each.
  bool is_list() const { return !for_all_.has_value(); }
  /// How many there are in the list.
  std::size_t size() const { return dims_.size(); }
  /// That of argument or result `i`.
  std::optional<Size> operator[](std::size_t i) const { return is_list() ? dims_[i] : for_all_; }

 private:
  std::optional<Size> for_all_;
  std::vector<std::optional<Size>> dims_;
};

/// What `vmap` can be told.
struct VmapOptions {
  VmapDims in_dims = 0;   ///< where each argument has its samples; nullopt: they share it
  VmapDims out_dims = 0;  ///< where each result is to have them; nullopt: it is the same for all
  std::string randomness = "error";     ///< what ops draw: "same" or "different" numbers for each
  std::optional<Size> chunk_size = {};  ///< how many samples run at once; all, unless given
};

}  // namespace reel::func
