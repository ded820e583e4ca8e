#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel {

/// A short list of sizes, strides or dimensions, held inline: no tensor needs the heap for it.
///
/// Converts from one number or a braced list, so `zeros(3)`, `zeros({2, 3})`, `sum(x, 1)` and
/// `permute(x, {0, 2, 1})` all read as they should.
///
/// Throws `Error` when given more than `Shape::max_size` entries.
class REEL_API Shape {
 public:
  static constexpr Size max_size = 8;  ///< the most dimensions that a tensor may have

  constexpr Shape() = default;

  /// One entry: `zeros(3)`, `sum(x, 1)`.
  template <std::integral T>
  constexpr Shape(T only) : values_{static_cast<Size>(only)}, size_(1) {}

  /// A braced list: `zeros({2, 3})`.
  constexpr Shape(std::initializer_list<Size> values) : Shape(values.begin(), values.end()) {}

  /// The integers of a range.
  template <std::input_iterator It>
  constexpr Shape(It first, It last) {
    for (; first != last; ++first) push_back(static_cast<Size>(*first));
  }

  /// `count` copies of `value`.
  static constexpr Shape repeat(Size count, Size value) {
    Shape shape;
    for (Size i = 0; i < count; ++i) shape.push_back(value);
    return shape;
  }

  /// How many entries there are: a tensor's number of dimensions.
  constexpr Size size() const { return size_; }
  /// Whether there is no entry, as in the shape of a 0-d tensor.
  constexpr bool empty() const { return size_ == 0; }
  /// The entries, one behind the other.
  constexpr const Size* data() const { return values_; }
  constexpr const Size* begin() const { return values_; }
  constexpr const Size* end() const { return values_ + size_; }
  constexpr Size* begin() { return values_; }
  constexpr Size* end() { return values_ + size_; }

  /// Entry `i`; below 0 it counts from the end. Throws `[Shape] expected an index in [-2, 1] ...`.
  constexpr Size operator[](Size i) const { return values_[checked(i)]; }
  /// The same, to be changed.
  constexpr Size& operator[](Size i) { return values_[checked(i)]; }
  /// The last entry. Throws where there is none.
  constexpr Size back() const { return (*this)[size_ - 1]; }
  /// The same, to be changed.
  constexpr Size& back() { return (*this)[size_ - 1]; }

  /// Adds an entry at the end. Throws where there are `max_size` already.
  constexpr void push_back(Size value) {
    if (size_ == max_size) too_long();
    values_[size_++] = value;
  }
  /// Drops the last entry, which must be there.
  constexpr void pop_back() { --size_; }
  /// Adds an entry in front of entry `at`, in `[0, size()]` (not checked). Throws where there are
  /// `max_size` already.
  constexpr void insert(Size at, Size value) {
    push_back(value);
    std::rotate(begin() + at, end() - 1, end());
  }
  /// Drops entry `at`, in `[0, size())` (not checked).
  constexpr void erase(Size at) {
    std::copy(begin() + at + 1, end(), begin() + at);
    pop_back();
  }

  /// The product of the entries: how many elements a tensor of this shape has (1 for `{}`). Not
  /// checked: no tensor has more than 2^48, and `detail::checked_numel` is what sees to that.
  constexpr Size numel() const {
    std::uint64_t product = 1;  // sizes that no tensor has may wrap around
    for (Size value : *this) product *= static_cast<std::uint64_t>(value);
    return static_cast<Size>(product);
  }

  /// Whether both have the same entries in the same order.
  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  constexpr Size checked(Size i) const {
    if (static_cast<std::uint64_t>(i) >= static_cast<std::uint64_t>(size_)) [[unlikely]]
      return wrapped(i);
    return i;
  }
  Size wrapped(Size i) const;
  [[noreturn]] static void too_long();

  Size values_[max_size] = {};
  Size size_ = 0;
};

/// Distances between neighbouring elements along each dimension, counted in elements.
using Strides = Shape;

/// Dimensions to work on; negative ones count from the end; `{}` means all of them.
using Dims = Shape;

/// As `[64, 3, 3, 3]`.
REEL_API std::string to_string(const Shape& shape);
/// Writes `to_string(shape)`.
REEL_API std::ostream& operator<<(std::ostream& out, const Shape& shape);

namespace detail {

/// Several integers where a list belongs, as in `zeros(2, 3)`: a slip that gets an answer.
template <class... Sizes>
concept LooseSizes = sizeof...(Sizes) > 1 && (std::integral<Sizes> && ...);

/// False once the types are known: what a static_assert asks to fail only where it is used.
template <class...>
inline constexpr bool never = false;

/// Row-major strides: the last dimension's neighbours are neighbours in memory.
constexpr Strides contiguous_strides(const Shape& shape) {
  Strides strides = Shape::repeat(shape.size(), 1);
  std::uint64_t step = 1;  // sizes that no tensor has may wrap around
  for (Size i = shape.size() - 1; i > 0; --i) {
    step *= static_cast<std::uint64_t>(std::max<Size>(shape[i], 1));
    strides[i - 1] = static_cast<Size>(step);
  }
  return strides;
}

/// Whether elements in row-major order are neighbours in memory. Dimensions of size 1 have no
/// neighbours, so their strides do not matter, nor do any where there are no elements.
constexpr bool is_contiguous(const Shape& shape, const Strides& strides) {
  Size expected = 1;
  for (Size i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] != 1 && strides[i] != expected) {
      return std::find(shape.begin(), shape.end(), 0) != shape.end();
    }
    expected *= shape[i];
  }
  return true;
}

REEL_API Size closely_checked_numel(const char* op, const Shape& shape);

/// `shape.numel()` of a shape that a tensor may have: no size below 0, and at most 2^48 elements,
/// counting sizes of 0 as 1, so that neither strides nor a product of some of the sizes wraps
/// around. Every tensor's shape has passed here.
/// Throws `[op] expected at most 2^48 elements, got shape [4294967296, 4294967296]`.
inline Size checked_numel(const char* op, const Shape& shape) {
  std::uint64_t numel = 1, bits = 0;
  for (Size size : shape) {
    numel *= static_cast<std::uint64_t>(size);
    bits |= static_cast<std::uint64_t>(size);
  }
  // So few bits cannot multiply to more, as those of nearly every shape; others want a closer look.
  if (static_cast<Size>(std::bit_width(bits)) * shape.size() <= 48) [[likely]]
    return static_cast<Size>(numel);
  return closely_checked_numel(op, shape);
}

/// A dimension in `[0, rank)` from one in `[-rank, rank)`; a 0-d tensor takes 0 and -1.
/// Throws `[op] expected a dimension in [-2, 1], got 3`.
REEL_API Size wrap_dim(const char* op, Size dim, Size rank);

}  // namespace detail
}  // namespace reel
