#include "reel/kernels/index.h"

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

/// Elements of a size, whatever their type: copying needs no more.
template <class F>
void with_item(Size item, F&& f) {
  switch (item) {
    case 1:
      return f(std::uint8_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

/// Sums integers as unsigned ones, so that overflow wraps.
template <class F>
void with_sum_type(DType dtype, F&& f) {
  with_dtype(dtype, [&]<class T>(T) {
    if constexpr (std::is_same_v<T, bool>) {
      f(std::uint8_t{});
    } else if constexpr (std::is_integral_v<T>) {
      f(std::make_unsigned_t<T>{});
    } else {
      f(T{});
    }
  });
}

template <class T>
void copy_block(T* to, const T* from, Size n) {
  if (n == 1) {
    *to = *from;
  } else {
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
  }
}

template <class T>
void add_block(T* __restrict to, const T* __restrict from, Size n) {
  for (Size i = 0; i < n; ++i) to[i] = static_cast<T>(to[i] + from[i]);
}

/// Blocks per thread so that each moves some `parallel_grain` elements.
Size block_grain(Size inner) { return parallel_grain / (inner + 1) + 1; }

/// How `gather` and its kin walk: over every element of `shape`, with an index for each, which
/// replaces the coordinate of dimension `dim`.
struct GatherPlan {
  const Shape& shape;
  Size dim;
  const Size* index;
  const Strides &indexed, &direct;
};

/// Calls `line(first element, indexed offset, direct offset)` for every line of the last dimension.
template <class Line>
void for_lines(const GatherPlan& plan, bool parallel, const Line& line) {
  const Size last = plan.shape.size() - 1;
  const Size length = plan.shape[last];
  const Size lines = length == 0 ? 0 : plan.shape.numel() / length;
  auto range = [&](Size begin, Size end) {
    for (Size l = begin; l < end; ++l) {
      Size indexed = 0;
      Size direct = 0;
      Size rest = l;
      for (Size d = last - 1; d >= 0; --d) {
        const Size coordinate = rest % plan.shape[d];
        rest /= plan.shape[d];
        if (d != plan.dim) indexed += coordinate * plan.indexed[d];
        direct += coordinate * plan.direct[d];
      }
      line(l * length, indexed, direct);
    }
  };
  if (parallel) {
    parallel_for(lines, block_grain(length), range);
  } else {
    range(0, lines);
  }
}

template <class Visit>
void visit_elements(const GatherPlan& plan, bool parallel, const Visit& visit) {
  const Size last = plan.shape.size() - 1;
  const Size length = plan.shape[last];
  const Size by_index = plan.indexed[plan.dim];
  const Size by_place = plan.dim == last ? 0 : plan.indexed[last];
  const Size by_direct = plan.direct[last];
  for_lines(plan, parallel, [&](Size first, Size indexed, Size direct) {
    for (Size j = 0; j < length; ++j) {
      visit(indexed + plan.index[first + j] * by_index + j * by_place, direct + j * by_direct);
    }
  });
}

}  // namespace

Size append_index(const ConstArray& indices, Size extent, bool wrap, const Array& rows) {
  const Size n = indices.numel();
  const Size* from = indices.as<Size>();
  Size* to = rows.as<Size>();
  for (Size i = 0; i < n; ++i) {
    const Size index = wrap && from[i] < 0 ? from[i] + extent : from[i];
    if (index < 0 || index >= extent) return i;
    to[i] = to[i] * extent + index;
  }
  return -1;
}

Size count_true(const ConstArray& mask) {
  const auto* flags = static_cast<const std::uint8_t*>(mask.data());
  const Size n = mask.numel();
  Size count = 0;
  for (Size i = 0; i < n; ++i) count += flags[i] != 0;
  return count;
}

void true_positions(const ConstArray& mask, const Array& positions) {
  const auto* flags = static_cast<const std::uint8_t*>(mask.data());
  const Size n = mask.numel(), count = positions.numel();
  Size* to = positions.as<Size>();
  Size found = 0;
  // Without a branch that a random mask would mispredict.
  for (Size i = 0; i < n && found < count; ++i) {
    to[found] = i;
    found += flags[i] != 0;
  }
}

void unravel(const ConstArray& positions, const Shape& shape, const Array& coordinates) {
  const Size n = positions.numel();
  const Size* position = positions.as<Size>();
  Size* row = coordinates.as<Size>();
  for (Size i = 0; i < n; ++i, row += shape.size()) {
    Size rest = position[i];
    for (Size d = shape.size() - 1; d >= 0; --d) {
      row[d] = rest % shape[d];
      rest /= shape[d];
    }
  }
}

void take_rows(const ConstArray& x, const Blocks& of_x, const ConstArray& rows, const Array& out) {
  const Size n = rows.numel();
  const Size* row = rows.as<Size>();
  with_item(x.item(), [&]<class T>(T) {
    auto* to = static_cast<T*>(out.data());
    const auto* from = static_cast<const T*>(x.data());
    parallel_for(of_x.outer * n, block_grain(of_x.inner), [&](Size begin, Size end) {
      Size o = begin / n;
      Size i = begin % n;
      for (Size b = begin; b < end; ++b) {
        copy_block(to + b * of_x.inner, from + o * of_x.outer_stride + row[i] * of_x.row_stride,
                   of_x.inner);
        if (++i == n) {
          i = 0;
          ++o;
        }
      }
    });
  });
}

void put_rows(const ConstArray& x, const ConstArray& rows, const Array& out, const Blocks& of_out) {
  const Size n = rows.numel();
  const Size* row = rows.as<Size>();
  with_item(x.item(), [&]<class T>(T) {
    auto* to = static_cast<T*>(out.data());
    const auto* from = static_cast<const T*>(x.data());
    parallel_for(of_out.outer, block_grain(of_out.inner * n), [&](Size begin, Size end) {
      for (Size o = begin; o < end; ++o) {
        for (Size i = 0; i < n; ++i) {
          copy_block(to + o * of_out.outer_stride + row[i] * of_out.row_stride,
                     from + (o * n + i) * of_out.inner, of_out.inner);
        }
      }
    });
  });
}

void add_rows(const ConstArray& x, const ConstArray& rows, const Array& out, const Blocks& of_out) {
  const Size n = rows.numel();
  const Size* row = rows.as<Size>();
  with_sum_type(x.dtype(), [&]<class T>(T) {
    auto* to = static_cast<T*>(out.data());
    const auto* from = static_cast<const T*>(x.data());
    // Rows may repeat, so threads share out the columns: each element is summed in one order.
    const Size columns = of_out.outer * of_out.inner;
    parallel_for(columns, block_grain(n), [&](Size begin, Size end) {
      while (begin < end) {
        const Size o = begin / of_out.inner;
        const Size first = begin % of_out.inner;
        const Size count = end - begin < of_out.inner - first ? end - begin : of_out.inner - first;
        T* const base = to + o * of_out.outer_stride + first;
        const T* const source = from + o * n * of_out.inner + first;
        for (Size i = 0; i < n; ++i) {
          add_block(base + row[i] * of_out.row_stride, source + i * of_out.inner, count);
        }
        begin += count;
      }
    });
  });
}

void gather(const ConstArray& indexed, Size dim, const ConstArray& index, const Array& direct) {
  const GatherPlan plan{index.shape(), dim, index.as<Size>(), indexed.strides(), direct.strides()};
  with_item(indexed.item(), [&]<class T>(T) {
    auto* to = static_cast<T*>(direct.data());
    const auto* from = static_cast<const T*>(indexed.data());
    visit_elements(plan, true, [=](Size i, Size d) { to[d] = from[i]; });
  });
}

void scatter(const ConstArray& direct, Size dim, const ConstArray& index, const Array& indexed) {
  const GatherPlan plan{index.shape(), dim, index.as<Size>(), indexed.strides(), direct.strides()};
  with_item(direct.item(), [&]<class T>(T) {
    auto* to = static_cast<T*>(indexed.data());
    const auto* from = static_cast<const T*>(direct.data());
    // Lines along `dim` never meet; others may write to the same place.
    const bool parallel = dim == plan.shape.size() - 1;
    visit_elements(plan, parallel, [=](Size i, Size d) { to[i] = from[d]; });
  });
}

void scatter_add(const ConstArray& direct, Size dim, const ConstArray& index,
                 const Array& indexed) {
  const GatherPlan plan{index.shape(), dim, index.as<Size>(), indexed.strides(), direct.strides()};
  with_sum_type(direct.dtype(), [&]<class T>(T) {
    auto* to = static_cast<T*>(indexed.data());
    const auto* from = static_cast<const T*>(direct.data());
    const bool parallel = dim == plan.shape.size() - 1;
    visit_elements(plan, parallel,
                   [=](Size i, Size d) { to[i] = static_cast<T>(to[i] + from[d]); });
  });
}

}  // namespace reel::kernels
