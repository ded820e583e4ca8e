#include "reel/autograd/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ostream>

#include "reel/autograd/fail.h"

namespace reel {

void detail::throw_error(const char* op, const std::string& message) {
  throw Error(fmt::format("[{}] {}", op, message));
}

void Shape::too_long() { fail("Shape", "expected at most {} dimensions, got more", max_size); }

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

Size detail::wrap_dim(const char* op, Size dim, Size rank) {
  const Size dims = std::max<Size>(rank, 1);
  check(dim >= -dims && dim < dims, op, "expected a dimension in [{}, {}], got {}", -dims, dims - 1,
        dim);
  return dim < 0 ? dim + dims : dim;
}

}  // namespace reel
