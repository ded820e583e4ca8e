#include "reel/base/detail/broadcast.h"

#include <string>

#include "reel/base/fail.h"

namespace reel::detail {

std::optional<Shape> try_broadcast(const Shape& a, const Shape& b) {
  if (a == b) return a;
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  for (Size i = 1; i <= shorter.size(); ++i) {
    const Size of_longer = longer[longer.size() - i], of_shorter = shorter[shorter.size() - i];
    if (of_longer == of_shorter || of_shorter == 1) continue;
    if (of_longer != 1) return {};
    result[result.size() - i] = of_shorter;
  }
  return result;
}

namespace {

/// Where one of the shapes is the other without a dimension, as a reduction leaves it.
std::string help_with_lost_dimension(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  if (shorter.empty() || shorter.size() + 1 != longer.size()) return "";
  for (Size dim = longer.size() - 1; dim > 0; --dim) {
    Shape reduced = longer;
    reduced.erase(dim);
    if (reduced == shorter) {
      return fmt::format(
          "\nhelp: keep the dimension that was reduced, as in x.mean({}, true), or "
          "put it back with unsqueeze({})",
          dim, dim);
    }
  }
  return "";
}

}  // namespace

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  const std::optional<Shape> shape = try_broadcast(a, b);
  if (!shape) [[unlikely]] {
    fail(op, "expected shapes that broadcast together, got {} and {}{}", a, b,
         help_with_lost_dimension(a, b));
  }
  return *shape;
}

}  // namespace reel::detail
