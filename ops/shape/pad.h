#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel {

/// What lies around a padded tensor, by its name: `"constant"` (a value; also `"zeros"`, as
/// convolutions call it), `"reflect"` (the tensor mirrored at its edges, `3 2 [1 2 3] 2 1`),
/// `"replicate"` (its edges, `1 1 [1 2 3] 3 3`) or `"circular"` (its other end, `2 3 [1 2 3] 1 2`).
class REEL_API PadMode {
 public:
  /// The names, as a switch takes them.
  enum Kind : std::uint8_t { constant, reflect, replicate, circular };

  /// Throws for other names.
  PadMode(std::string_view name);
  PadMode(const char* name) : PadMode(std::string_view(name)) {}  ///< the same

  Kind kind() const { return kind_; }  ///< which of the names it is
  /// Whether it is what nearly everybody pads by, so that a summary need not say so.
  bool is_usual() const { return kind_ == constant; }
  operator std::string_view() const;  ///< the name

  friend bool operator==(const PadMode&, const PadMode&) = default;

 private:
  Kind kind_;
};

/// What `pad` can be told.
struct PadOptions {
  PadMode mode = "constant";  ///< where what lies around comes from
  double value = 0;           ///< what lies around, with mode "constant"
};

/// `x` with more elements along its edges, or fewer where a number is negative. `pads` has two
/// numbers for each dimension, from the last one on: `{left, right, top, bottom}`. The result lies
/// in memory as `x` does. Any dtype; the value is converted.
///
/// Throws for an odd number of pads, for more of them than dimensions, where nothing of `x` is left
/// or there is nothing to take from, for reflections as wide as the dimension and for circles wider
/// than it. Follows `torch.nn.functional.pad`, which asks for certain ranks in modes other than
/// "constant".
///
/// **Example**
/// ```cpp
/// pad(images, {1, 1, 2, 2}, {.mode = "reflect"});  // [N, C, H, W] -> [N, C, H + 4, W + 2]
/// ```
REEL_API Tensor pad(const Tensor& x, const std::vector<Size>& pads, const PadOptions& options = {});

}  // namespace reel
