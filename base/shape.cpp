#include "reel/base/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ostream>

#include "reel/base/fail.h"

namespace reel {

void Shape::too_long() { fail("Shape", "expected at most {} dimensions, got more", max_size); }

Size Shape::wrapped(Size i) const {
  check(size_ > 0, "Shape", "expected an index within the entries, got {} for []", i);
  check(i >= -size_ && i < size_, "Shape", "expected an index in [{}, {}], got {} for {}", -size_,
        size_ - 1, i, *this);
  return i + size_;
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

Size detail::closely_checked_numel(const char* op, const Shape& shape) {
  Size numel = 1;
  double span = 1;  // exact up to 2^53
  for (Size size : shape) {
    check(size >= 0, op, "expected sizes of 0 or more, got shape {}", shape);
    span *= static_cast<double>(std::max<Size>(size, 1));
    check(span <= 0x1p48, op, "expected at most 2^48 elements, got shape {}", shape);
    numel *= size;
  }
  return numel;
}

Size detail::wrap_dim(const char* op, Size dim, Size rank) {
  const Size dims = std::max<Size>(rank, 1);
  check(dim >= -dims && dim < dims, op, "expected a dimension in [{}, {}], got {}", -dims, dims - 1,
        dim);
  return dim < 0 ? dim + dims : dim;
}

}  // namespace reel
