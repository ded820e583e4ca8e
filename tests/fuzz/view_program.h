#pragma once

// Views as they are meant, without strides and without Reel: every element of a tensor knows the
// place in memory where it lies. Slow and plain, to hold the library against.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace reel::testing {

using Int = std::int64_t;
using IntList = std::vector<Int>;

inline constexpr Int most_elements = Int{1} << 48;
inline constexpr std::size_t most_dims = 8;

struct PlainTensor {
  IntList shape;
  std::vector<std::size_t> places;  // of the elements in row-major order
  std::shared_ptr<std::vector<double>> memory;

  Int dim() const { return static_cast<Int>(shape.size()); }
  std::size_t numel() const { return places.size(); }
  double value(std::size_t i) const { return (*memory)[places[i]]; }
};

/// What an op makes of a tensor; nothing where it must refuse.
using Result = std::optional<PlainTensor>;

// ---- sizes

/// Whether a tensor may have this shape.
inline bool is_possible(const IntList& shape) {
  Int span = 1;
  for (Int size : shape) {
    if (size < 0 || size > most_elements / span) return false;
    span *= std::max<Int>(size, 1);
  }
  return shape.size() <= most_dims;
}

inline Int count(const IntList& shape) {
  return std::accumulate(shape.begin(), shape.end(), Int{1}, std::multiplies<>());
}

/// A dimension that may count from the end.
inline std::optional<std::size_t> wrap(Int dim, Int rank) {
  const Int dims = std::max<Int>(rank, 1);
  if (dim < -dims || dim >= dims) return {};
  return static_cast<std::size_t>(dim < 0 ? dim + dims : dim);
}

/// Calls `f(coordinates)` for every element in row-major order.
template <class F>
void for_coordinates(const IntList& shape, F f) {
  IntList at(shape.size(), 0);
  for (Int left = count(shape); left > 0; --left) {
    f(at);
    for (std::size_t d = shape.size(); d-- > 0;) {
      if (++at[d] < shape[d]) break;
      at[d] = 0;
    }
  }
}

inline std::size_t row_major(const IntList& at, const IntList& shape) {
  Int position = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) position = position * shape[d] + at[d];
  return static_cast<std::size_t>(position);
}

/// The tensor of `shape` whose element at some coordinates is that of `x` at `old(coordinates)`.
template <class F>
PlainTensor rearranged(const PlainTensor& x, IntList shape, F old) {
  PlainTensor y{std::move(shape), {}, x.memory};
  for_coordinates(y.shape, [&](const IntList& at) {
    y.places.push_back(x.places[row_major(old(at), x.shape)]);
  });
  return y;
}

// ---- ops

/// The shape with its -1 filled in, if it has the elements of `x`.
inline std::optional<IntList> full_shape(const PlainTensor& x, IntList shape) {
  const auto unknown = std::find(shape.begin(), shape.end(), -1);
  const Int numel = static_cast<Int>(x.numel());
  if (unknown != shape.end()) {
    *unknown = 1;
    if (!is_possible(shape)) return {};
    const Int known = count(shape);
    if (known == 0 || numel % known != 0) return {};
    *unknown = numel / known;
  }
  if (!is_possible(shape) || count(shape) != numel) return {};
  return shape;
}

/// Whether one stride a dimension leads from the first element of `x` to all others.
inline bool has_strides(const PlainTensor& x) {
  if (x.numel() == 0) return true;
  const auto place = [&](std::size_t i) { return static_cast<Int>(x.places[i]); };
  IntList stride(x.shape.size(), 0), unit(x.shape.size(), 0);
  for (std::size_t d = 0; d < x.shape.size(); ++d) {
    if (x.shape[d] < 2) continue;
    unit[d] = 1;
    stride[d] = place(row_major(unit, x.shape)) - place(0);
    unit[d] = 0;
  }
  bool all = true;
  std::size_t i = 0;
  for_coordinates(x.shape, [&](const IntList& at) {
    all = all && place(i++) == std::inner_product(at.begin(), at.end(), stride.begin(), place(0));
  });
  return all;
}

inline Result view(const PlainTensor& x, const IntList& shape) {
  const auto full = full_shape(x, shape);
  if (!full) return {};
  PlainTensor y{*full, x.places, x.memory};
  return has_strides(y) ? Result(y) : Result();
}

/// A copy in memory of its own.
inline PlainTensor clone(const PlainTensor& x) {
  PlainTensor y{x.shape, std::vector<std::size_t>(x.numel()),
                std::make_shared<std::vector<double>>()};
  std::iota(y.places.begin(), y.places.end(), std::size_t{0});
  for (std::size_t i = 0; i < x.numel(); ++i) y.memory->push_back(x.value(i));
  return y;
}

inline Result reshape(const PlainTensor& x, const IntList& shape) {
  if (Result shared = view(x, shape)) return shared;
  const auto full = full_shape(x, shape);
  if (!full) return {};
  PlainTensor y = clone(x);
  y.shape = *full;
  return y;
}

inline Result flatten(const PlainTensor& x, Int start, Int end) {
  const auto first = wrap(start, x.dim()), last = wrap(end, x.dim());
  if (!first || !last || *first > *last) return {};
  if (x.shape.empty()) return reshape(x, {1});
  IntList shape(x.shape.begin(), x.shape.begin() + static_cast<Int>(*first));
  shape.push_back(1);
  for (std::size_t d = *first; d <= *last; ++d) shape.back() *= x.shape[d];
  shape.insert(shape.end(), x.shape.begin() + static_cast<Int>(*last) + 1, x.shape.end());
  return reshape(x, shape);
}

inline PlainTensor squeeze(const PlainTensor& x) {
  PlainTensor y = x;
  std::erase(y.shape, 1);
  return y;
}

inline Result squeeze(const PlainTensor& x, Int dim) {
  const auto at = wrap(dim, x.dim());
  if (!at) return {};
  PlainTensor y = x;
  if (*at < y.shape.size() && y.shape[*at] == 1) {
    y.shape.erase(y.shape.begin() + static_cast<Int>(*at));
  }
  return y;
}

inline Result unsqueeze(const PlainTensor& x, Int dim) {
  const auto at = wrap(dim, x.dim() + 1);
  if (!at || x.shape.size() == most_dims) return {};
  PlainTensor y = x;
  y.shape.insert(y.shape.begin() + static_cast<Int>(*at), 1);
  return y;
}

inline Result permute(const PlainTensor& x, const IntList& dims) {
  if (dims.size() != x.shape.size()) return {};
  std::vector<std::size_t> from;
  IntList shape;
  for (Int dim : dims) {
    const auto d = wrap(dim, x.dim());
    if (!d || std::find(from.begin(), from.end(), *d) != from.end()) return {};
    from.push_back(*d);
    shape.push_back(x.shape[*d]);
  }
  return rearranged(x, shape, [&](const IntList& at) {
    IntList old(at.size());
    for (std::size_t d = 0; d < at.size(); ++d) old[from[d]] = at[d];
    return old;
  });
}

inline Result transpose(const PlainTensor& x, Int dim0, Int dim1) {
  const auto a = wrap(dim0, x.dim()), b = wrap(dim1, x.dim());
  if (!a || !b) return {};
  if (x.shape.empty()) return x;
  IntList dims(x.shape.size());
  std::iota(dims.begin(), dims.end(), Int{0});
  std::swap(dims[*a], dims[*b]);
  return permute(x, dims);
}

/// The shape that `expand` makes, which may have more elements than anybody wants to list.
inline std::optional<IntList> expanded_shape(const PlainTensor& x, IntList shape) {
  if (shape.size() < x.shape.size()) return {};
  const std::size_t added = shape.size() - x.shape.size();
  for (std::size_t d = added; d < shape.size(); ++d) {
    const Int old = x.shape[d - added];
    if (shape[d] == -1) shape[d] = old;
    if (shape[d] != old && old != 1) return {};
  }
  if (!is_possible(shape)) return {};
  return shape;
}

inline PlainTensor expand(const PlainTensor& x, const IntList& shape) {
  const std::size_t added = shape.size() - x.shape.size();
  return rearranged(x, shape, [&](const IntList& at) {
    IntList old(x.shape.size());
    for (std::size_t d = 0; d < old.size(); ++d) old[d] = x.shape[d] == 1 ? 0 : at[d + added];
    return old;
  });
}

inline Result slice(const PlainTensor& x, Int dim, std::optional<Int> start, std::optional<Int> end,
                    Int step) {
  const auto at = wrap(dim, x.dim());
  if (!at || x.shape.empty() || step < 1) return {};
  const Int size = x.shape[*at];
  auto bound = [&](Int i) {
    const Int from_front = i < 0 ? i + size : i;
    return std::min(std::max<Int>(from_front, 0), size);
  };
  IntList kept;
  const Int last = bound(end.value_or(size));
  for (Int i = bound(start.value_or(0)); i < last;) {
    kept.push_back(i);
    if (step >= last - i) break;
    i += step;
  }
  IntList shape = x.shape;
  shape[*at] = static_cast<Int>(kept.size());
  return rearranged(x, shape, [&](IntList coordinates) {
    coordinates[*at] = kept[static_cast<std::size_t>(coordinates[*at])];
    return coordinates;
  });
}

inline Result narrow(const PlainTensor& x, Int dim, Int start, Int length) {
  const auto at = wrap(dim, x.dim());
  if (!at || x.shape.empty()) return {};
  const Int size = x.shape[*at];
  if (start < -size || start > size || length < 0) return {};
  const Int first = start < 0 ? start + size : start;
  if (length > size - first) return {};
  return slice(x, dim, first, first + length, 1);
}

inline Result select(const PlainTensor& x, Int dim, Int index) {
  const auto at = wrap(dim, x.dim());
  if (!at || x.shape.empty()) return {};
  const Int size = x.shape[*at];
  if (index < -size || index >= size) return {};
  return squeeze(*narrow(x, dim, index < 0 ? index + size : index, 1), static_cast<Int>(*at));
}

using Results = std::optional<std::vector<PlainTensor>>;

inline Results split(const PlainTensor& x, const IntList& sizes, Int dim) {
  const auto at = wrap(dim, x.dim());
  if (!at || x.shape.empty()) return {};
  std::vector<PlainTensor> pieces;
  Int start = 0;
  for (Int size : sizes) {
    if (size < 0 || size > x.shape[*at] - start) return {};
    pieces.push_back(*narrow(x, dim, start, size));
    start += size;
  }
  return start == x.shape[*at] ? Results(pieces) : Results();
}

inline Results split(const PlainTensor& x, Int split_size, Int dim) {
  const auto at = wrap(dim, x.dim());
  if (!at || x.shape.empty() || split_size < 1) return {};
  IntList sizes;
  Int left = x.shape[*at];
  do {
    sizes.push_back(std::min(left, split_size));
    left -= sizes.back();
  } while (left > 0);
  return split(x, sizes, dim);
}

inline Results chunk(const PlainTensor& x, Int chunks, Int dim) {
  const auto at = wrap(dim, x.dim());
  if (!at || x.shape.empty() || chunks < 1) return {};
  const Int size = x.shape[*at];
  Int piece = 1;
  while (chunks < size && piece * chunks < size) ++piece;
  return split(x, piece, dim);
}

inline Results unbind(const PlainTensor& x, Int dim) {
  const auto at = wrap(dim, x.dim());
  if (!at || x.shape.empty()) return {};
  std::vector<PlainTensor> entries;
  for (Int i = 0; i < x.shape[*at]; ++i) entries.push_back(*select(x, dim, i));
  return entries;
}

/// `x[indices]` along the first dimension.
inline Result pick(const PlainTensor& x, const IntList& indices) {
  if (x.shape.empty()) return {};
  for (Int index : indices) {
    if (index < -x.shape[0] || index >= x.shape[0]) return {};
  }
  IntList shape = x.shape;
  shape[0] = static_cast<Int>(indices.size());
  return rearranged(x, shape, [&](IntList at) {
    const Int index = indices[static_cast<std::size_t>(at[0])];
    at[0] = index < 0 ? index + x.shape[0] : index;
    return at;
  });
}

/// The elements above `bound`, as a vector.
inline PlainTensor above(const PlainTensor& x, double bound) {
  PlainTensor y{{0}, {}, x.memory};
  for (std::size_t place : x.places) {
    if ((*x.memory)[place] > bound) y.places.push_back(place);
  }
  y.shape[0] = static_cast<Int>(y.numel());
  return y;
}

// ---- writing

/// Whether each element has a place of its own.
inline bool is_writable(const PlainTensor& x) {
  std::vector<std::size_t> places = x.places;
  std::sort(places.begin(), places.end());
  return std::adjacent_find(places.begin(), places.end()) == places.end();
}

/// The values of `values`, broadcast to the shape of `x`.
inline std::optional<std::vector<double>> broadcast(const PlainTensor& x,
                                                    const PlainTensor& values) {
  if (values.shape.size() > x.shape.size()) return {};
  const auto shape = expanded_shape(values, x.shape);
  if (!shape) return {};
  const PlainTensor wide = expand(values, *shape);
  std::vector<double> numbers;
  for (std::size_t i = 0; i < wide.numel(); ++i) numbers.push_back(wide.value(i));
  return numbers;
}

inline void write(const PlainTensor& x, const std::vector<double>& values) {
  for (std::size_t i = 0; i < x.numel(); ++i) (*x.memory)[x.places[i]] = values[i];
}

}  // namespace reel::testing
