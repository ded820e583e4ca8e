#pragma once

// Internal: where in the program an op was recorded, for errors in its backward. Kept beside the
// nodes, not in them: only whoever looks for a NaN wants it.

#include <string>

#include "reel/base/export.h"

namespace reel::detail {

class Node;

/// Notes the stack and the layer that runs; marks the node.
REEL_API void keep_origin(Node& node);
REEL_API void forget_origin(const Node& node) noexcept;
/// Lines for an error message: the inputs' shapes and, if they were kept, the layer and the caller.
std::string describe_origin(const Node& node);

}  // namespace reel::detail
