#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/error.h"

namespace reel::nn {

/// A vector of `count` modules, each from a call of its own of `make()` or `make(index)`, so that
/// each has its own parameters: `std::vector<Block>(3, Block{4})` is one block three times. Also
/// the way to name another field in the default of a member.
///
/// Throws `[repeat] expected a count of 0 or more, got ...`, and when there is no memory for so
/// many.
///
/// **Example**
/// ```cpp
/// struct Net {
///   Size width = 64;
///   std::vector<Block> blocks = nn::repeat(3, [&] { return Block{width}; });
/// };
/// ```
template <class Make>
auto repeat(Size count, Make&& make) {
  constexpr bool with_index = std::is_invocable_v<Make&, Size>;
  static_assert(with_index || std::is_invocable_v<Make&>,
                "Reel: repeat takes a function of nothing or of the index that makes one module: "
                "nn::repeat(3, [&] { return Block{4}; })");
  if (count < 0)
    reel::detail::throw_error("repeat",
                              "expected a count of 0 or more, got " + std::to_string(count));
  const auto make_one = [&](Size index) {
    if constexpr (with_index)
      return make(index);
    else
      return make();
  };
  std::vector<decltype(make_one(count))> modules;
  try {
    modules.reserve(static_cast<std::size_t>(count));
  } catch (const std::exception&) {  // of memory, or of what a vector counts
    reel::detail::throw_error(
        "repeat", "expected as many modules as fit into memory, got " + std::to_string(count));
  }
  for (Size index = 0; index < count; ++index) modules.push_back(make_one(index));
  return modules;
}

}  // namespace reel::nn
