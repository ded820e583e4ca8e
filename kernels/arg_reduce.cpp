#include <algorithm>
#include <cstdlib>
#include <type_traits>
#include <vector>

#include "reel/kernels/parallel.h"
#include "reel/kernels/reduce.h"
#include "reel/kernels/reduce_plan.h"

namespace reel::kernels {
namespace {

constexpr Size tile = 512;
constexpr Size piece_size = Size{1} << 16;

template <class F>
void with_element(DType dtype, F&& f) {
  with_dtype(dtype, [&](auto element) {
    using T = decltype(element);
    f(std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>{});
  });
}

/// One long row: pieces in parallel, the first best of them wins.
void best_of_long_row(ArgReduceKernel rows, bool greatest, DType dtype, const std::byte* x, Size n,
                      void* value, std::int64_t* index) {
  const Size pieces = (n + piece_size - 1) / piece_size;
  const Size item = item_size(dtype);
  std::vector<std::uint64_t> values(static_cast<std::size_t>(pieces));
  std::vector<std::int64_t> indices(static_cast<std::size_t>(pieces));
  parallel_for(pieces, 1, [&](Size begin, Size end) {
    for (Size i = begin; i < end; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Size start = i * piece_size;
      rows({x + start * item, 1, 0, std::min(piece_size, n - start)}, &values[at], &indices[at]);
      indices[at] += start;
    }
  });
  with_element(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto value_at = [&](std::size_t i) { return *reinterpret_cast<const T*>(&values[i]); };
    std::size_t best = 0;
    for (std::size_t i = 1; i < values.size(); ++i) {
      const T candidate = value_at(i);
      const T record = value_at(best);
      const bool better = greatest ? candidate > record : candidate < record;
      if (better || (candidate != candidate && record == record)) best = i;
    }
    *static_cast<T*>(value) = value_at(best);
    *index = indices[best];
  });
}

}  // namespace

void arg_reduce(bool greatest, const ConstArray& x, Size dim, const Array& values,
                const Array& indices) {
  const ArgReduceTable& table = arg_reduce_table();
  const DType dtype = x.dtype();
  const int type = static_cast<int>(dtype);
  const ArgReduceKernel rows = table.rows[greatest ? 0 : 1][type];
  const ArgReduceKernel columns = table.columns[greatest ? 0 : 1][type];
  const std::uint32_t reduced = x.shape().empty() ? 0 : 1u << dim;
  const ReducePlan plan = plan_reduction(x.shape(), x.strides(), reduced);
  if (plan.outputs == 0) return;
  const KeptDim& kept = plan.inner_kept();
  const ReducedDim& inner = plan.inner_reduced();
  const Size item = x.item();
  const std::byte* data = x.bytes();
  Size* const chosen = indices.as<Size>();

  if (plan.outputs == 1 && (inner.stride == 1 || inner.size == 1) && inner.size > piece_size) {
    std::uint64_t value = 0;
    best_of_long_row(rows, greatest, dtype, data, inner.size, values ? values.data() : &value,
                     chosen);
    return;
  }

  // The kernel for columns counts rows in 32 bits.
  const bool by_columns =
      kept.size > 1 && kept.stride == 1 && inner.stride != 1 && inner.size < Size{1} << 31;
  const bool dense_rows = inner.stride == 1 || inner.size == 1;
  const Size tile_length =
      by_columns ? std::min(tile, kept.size)
                 : std::clamp<Size>(parallel_grain / inner.size, 1, std::min(tile, kept.size));
  const Size tiles = (kept.size + tile_length - 1) / tile_length;
  const Size units = plan.outputs / kept.size * tiles;
  const Size work = tile_length * plan.length;
  parallel_for(units, std::max<Size>(1, parallel_grain / work), [&](Size begin, Size end) {
    alignas(64) std::byte best[tile * 8];
    std::int64_t where[tile];
    std::vector<std::byte> row_buffer;
    for (Size unit = begin; unit < end; ++unit) {
      const KeptOffset offset = kept_offset(plan, unit / tiles);
      const Size first = unit % tiles * tile_length;
      const Size n = std::min(tile_length, kept.size - first);
      const std::byte* start = data + (offset.in + first * kept.stride) * item;
      if (by_columns) {
        columns({start, inner.size, inner.stride, n}, best, where);
      } else if (dense_rows) {
        rows({start, n, kept.stride, inner.size}, best, where);
      } else {
        row_buffer.resize(static_cast<std::size_t>(inner.size * item));
        for (Size row = 0; row < n; ++row) {
          gather_block(static_cast<std::size_t>(item), start + row * kept.stride * item, 1, 0,
                       inner.size, inner.stride, row_buffer.data());
          rows({row_buffer.data(), 1, 0, inner.size}, best + row * item, where + row);
        }
      }
      const Size out = offset.out + first * kept.out_stride;
      for (Size i = 0; i < n; ++i) chosen[out + i * kept.out_stride] = where[i];
      if (!values) continue;
      with_element(dtype, [&](auto zero) {
        using T = decltype(zero);
        for (Size i = 0; i < n; ++i) {
          static_cast<T*>(values.data())[out + i * kept.out_stride] =
              reinterpret_cast<const T*>(best)[i];
        }
      });
    }
  });
}

}  // namespace reel::kernels
