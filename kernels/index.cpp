#include "reel/kernels/index.h"

#include <cstring>

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
  switch (dtype) {
    case DType::float32:
      return f(float{});
    case DType::float64:
      return f(double{});
    case DType::int64:
      return f(std::uint64_t{});
    case DType::int32:
      return f(std::uint32_t{});
    default:
      return f(std::uint8_t{});
  }
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
void visit_elements(const GatherPlan& plan, bool parallel, const Size* index, const Visit& visit) {
  const Size last = plan.shape.size() - 1;
  const Size length = plan.shape[last];
  const Size by_index = plan.indexed[plan.dim];
  const Size by_place = plan.dim == last ? 0 : plan.indexed[last];
  const Size by_direct = plan.direct[last];
  for_lines(plan, parallel, [&](Size first, Size indexed, Size direct) {
    for (Size j = 0; j < length; ++j) {
      visit(indexed + index[first + j] * by_index + j * by_place, direct + j * by_direct);
    }
  });
}

}  // namespace

Size append_index(Size n, Size* rows, const Size* indices, Size extent, bool wrap) {
  for (Size i = 0; i < n; ++i) {
    const Size index = wrap && indices[i] < 0 ? indices[i] + extent : indices[i];
    if (index < 0 || index >= extent) return i;
    rows[i] = rows[i] * extent + index;
  }
  return -1;
}

Size count_nonzero(Size n, const std::uint8_t* mask) {
  Size count = 0;
  for (Size i = 0; i < n; ++i) count += mask[i] != 0;
  return count;
}

void nonzero_positions(Size n, const std::uint8_t* mask, Size count, Size* positions) {
  Size found = 0;
  // Without a branch that a random mask would mispredict.
  for (Size i = 0; i < n && found < count; ++i) {
    positions[found] = i;
    found += mask[i] != 0;
  }
}

void take_rows(Size n, const Size* rows, Size item, void* out, const void* x, const Blocks& of_x) {
  with_item(item, [&]<class T>(T) {
    auto* to = static_cast<T*>(out);
    const auto* from = static_cast<const T*>(x);
    parallel_for(of_x.outer * n, block_grain(of_x.inner), [&](Size begin, Size end) {
      Size o = begin / n;
      Size i = begin % n;
      for (Size b = begin; b < end; ++b) {
        copy_block(to + b * of_x.inner, from + o * of_x.outer_stride + rows[i] * of_x.row_stride,
                   of_x.inner);
        if (++i == n) {
          i = 0;
          ++o;
        }
      }
    });
  });
}

void put_rows(Size n, const Size* rows, Size item, void* out, const Blocks& of_out, const void* x) {
  with_item(item, [&]<class T>(T) {
    auto* to = static_cast<T*>(out);
    const auto* from = static_cast<const T*>(x);
    parallel_for(of_out.outer, block_grain(of_out.inner * n), [&](Size begin, Size end) {
      for (Size o = begin; o < end; ++o) {
        for (Size i = 0; i < n; ++i) {
          copy_block(to + o * of_out.outer_stride + rows[i] * of_out.row_stride,
                     from + (o * n + i) * of_out.inner, of_out.inner);
        }
      }
    });
  });
}

void add_rows(Size n, const Size* rows, DType dtype, void* out, const Blocks& of_out,
              const void* x) {
  with_sum_type(dtype, [&]<class T>(T) {
    auto* to = static_cast<T*>(out);
    const auto* from = static_cast<const T*>(x);
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
          add_block(base + rows[i] * of_out.row_stride, source + i * of_out.inner, count);
        }
        begin += count;
      }
    });
  });
}

void gather(const GatherPlan& plan, Size item, const Size* index, void* direct,
            const void* indexed) {
  with_item(item, [&]<class T>(T) {
    auto* to = static_cast<T*>(direct);
    const auto* from = static_cast<const T*>(indexed);
    visit_elements(plan, true, index, [=](Size i, Size d) { to[d] = from[i]; });
  });
}

void scatter(const GatherPlan& plan, Size item, const Size* index, void* indexed,
             const void* direct) {
  with_item(item, [&]<class T>(T) {
    auto* to = static_cast<T*>(indexed);
    const auto* from = static_cast<const T*>(direct);
    // Lines along `dim` never meet; others may write to the same place.
    const bool parallel = plan.dim == plan.shape.size() - 1;
    visit_elements(plan, parallel, index, [=](Size i, Size d) { to[i] = from[d]; });
  });
}

void scatter_add(const GatherPlan& plan, DType dtype, const Size* index, void* indexed,
                 const void* direct) {
  with_sum_type(dtype, [&]<class T>(T) {
    auto* to = static_cast<T*>(indexed);
    const auto* from = static_cast<const T*>(direct);
    const bool parallel = plan.dim == plan.shape.size() - 1;
    visit_elements(plan, parallel, index,
                   [=](Size i, Size d) { to[i] = static_cast<T>(to[i] + from[d]); });
  });
}

}  // namespace reel::kernels
