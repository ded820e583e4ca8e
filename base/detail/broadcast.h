#pragma once

// Internal: shapes that stand for one another.

#include <optional>

#include "reel/base/shape.h"

namespace reel::detail {

/// The shape both broadcast to, if they do.
std::optional<Shape> try_broadcast(const Shape& a, const Shape& b);

/// The shape both broadcast to.
/// Throws `[add] expected shapes that broadcast together, got [2, 3] and [4]`.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

}  // namespace reel::detail
