#include "reel/kernels/reduce.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

#include "reel/kernels/parallel.h"
#include "reel/kernels/reduce_plan.h"

namespace reel::kernels {
namespace {

// Outputs worked on at a time: their running results lie on the stack.
constexpr Size tile = 1024;
// A reduction with few outputs, from `least_split` elements on, is split into pieces of some
// `piece_size`; a multiple of four pieces, so that threads get equal shares also of a short one.
constexpr Size least_split = Size{1} << 16;
constexpr Size piece_size = Size{1} << 18;
constexpr Size most_pieces = 64;
// Elements gathered at a time where neighbours in the array are not neighbours in memory.
constexpr Size gather_size = 4096;

bool is_extreme(Reduction op) { return accumulator_of(op, float32) == Accumulator::element; }

Size accumulator_size(Reduction op, DType dtype) { return is_extreme(op) ? item_size(dtype) : 8; }

/// Calls `f` with a value of the type that running results have.
template <class F>
void with_accumulator(Reduction op, DType dtype, F&& f) {
  switch (accumulator_of(op, dtype)) {
    case Accumulator::float64:
      return f(double{});
    case Accumulator::int64:
      return f(std::int64_t{});
    case Accumulator::element:
      return with_dtype(dtype, [&](auto element) {
        using T = decltype(element);
        f(std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>{});
      });
  }
}

template <class A>
A neutral(Reduction op) {
  using Limits = std::numeric_limits<A>;
  switch (op) {
    case Reduction::prod:
    case Reduction::all:
      return A{1};
    case Reduction::max:
    case Reduction::max_abs:
      return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    case Reduction::min:
    case Reduction::min_abs:
      return Limits::has_infinity ? Limits::infinity() : Limits::max();
    default:
      return A{0};
  }
}

template <class A>
A combine(Reduction op, A a, A b) {
  switch (op) {
    case Reduction::prod:
      return static_cast<A>(a * b);
    case Reduction::all:
      return a < b ? a : b;
    case Reduction::any:
      return a > b ? a : b;
    case Reduction::max:
    case Reduction::max_abs:
      return b > a || b != b ? b : a;
    case Reduction::min:
    case Reduction::min_abs:
      return b < a || b != b ? b : a;
    default:
      return static_cast<A>(a + b);
  }
}

/// One call of `reduce`: what does not change from tile to tile.
struct Task {
  Reduction op;
  DType dtype;
  const std::byte* x;
  std::byte* out;
  const ReduceOptions& options;
  ReducePlan plan;
  ReduceKernel rows;
  ReduceKernel columns;
  bool by_columns;  // outputs lie side by side in memory, or closer together than what is folded
  Size tiles;       // per combination of the outer kept dimensions
  Size tile_length;

  void reset(void* results, Size n) const {
    with_accumulator(op, dtype, [&](auto zero) {
      using A = decltype(zero);
      std::fill_n(static_cast<A*>(results), n, neutral<A>(op));
    });
  }

  void merge(void* results, const void* more, Size n) const {
    with_accumulator(op, dtype, [&](auto zero) {
      using A = decltype(zero);
      A* a = static_cast<A*>(results);
      const A* b = static_cast<const A*>(more);
      for (Size i = 0; i < n; ++i) a[i] = combine(op, a[i], b[i]);
    });
  }

  void fold_box(const ReducedDim* dims, int dim_count, const std::byte* start, Size outputs,
                const std::byte* center, void* results) const;
  void fold_block(const std::byte* start, const ReducedDim& dim, Size outputs,
                  const std::byte* center, void* results) const;
  void fold_gathered(const std::byte* start, const ReducedDim& dim, Size outputs,
                     const std::byte* center, void* results) const;
  Size fold_narrow(const std::byte* start, const ReducedDim& dim, Size outputs,
                   const std::byte* center, void* results) const;
  void finish(const void* results, Size n, Size out_offset) const;
};

/// Folds all reduced dimensions: the innermost by a kernel, the others by counting.
void Task::fold_box(const ReducedDim* dims, int dim_count, const std::byte* start, Size outputs,
                    const std::byte* center, void* results) const {
  const ReducedDim& inner = dims[dim_count - 1];
  Size index[Shape::max_size] = {};
  for (;;) {
    fold_block(start, inner, outputs, center, results);
    int i = dim_count - 2;
    for (; i >= 0; --i) {
      start += dims[i].stride * item_size(dtype);
      if (++index[i] < dims[i].size) break;
      start -= dims[i].size * dims[i].stride * item_size(dtype);
      index[i] = 0;
    }
    if (i < 0) return;
  }
}

void Task::fold_block(const std::byte* start, const ReducedDim& dim, Size outputs,
                      const std::byte* center, void* results) const {
  const KeptDim& kept = plan.inner_kept();
  if (by_columns && (kept.stride == 1 || outputs == 1)) {
    const Size done = fold_narrow(start, dim, outputs, center, results);
    const std::byte* rest = start + done * dim.stride * item_size(dtype);
    columns({rest, dim.size - done, dim.stride, outputs}, results, center, options.p);
  } else if (!by_columns && (dim.stride == 1 || dim.size == 1)) {
    rows({start, outputs, kept.stride, dim.size}, results, center, options.p);
  } else {
    fold_gathered(start, dim, outputs, center, results);
  }
}

/// A long contiguous matrix of few columns is read as one of many columns, which are then folded.
/// Returns the number of rows done.
Size Task::fold_narrow(const std::byte* start, const ReducedDim& dim, Size outputs,
                       const std::byte* center, void* results) const {
  constexpr Size wide = 256;
  const Size copies = wide / outputs;
  if (copies < 4 || dim.stride != outputs || dim.size < 4 * copies) return 0;
  alignas(64) std::byte wide_results[wide * 8];
  alignas(64) std::byte wide_center[wide * 8];
  const Size accumulator = accumulator_size(op, dtype);
  reset(wide_results, copies * outputs);
  if (center != nullptr) {
    const std::size_t bytes = static_cast<std::size_t>(outputs * item_size(dtype));
    for (Size k = 0; k < copies; ++k) {
      std::memcpy(wide_center + static_cast<std::size_t>(k) * bytes, center, bytes);
    }
  }
  columns({start, dim.size / copies, copies * outputs, copies * outputs}, wide_results,
          center != nullptr ? wide_center : nullptr, options.p);
  for (Size k = 0; k < copies; ++k) {
    merge(results, wide_results + k * outputs * accumulator, outputs);
  }
  return dim.size / copies * copies;
}

void Task::fold_gathered(const std::byte* start, const ReducedDim& dim, Size outputs,
                         const std::byte* center, void* results) const {
  alignas(64) std::byte buffer[gather_size * 8];
  const Size item = item_size(dtype);
  const Size kept_stride = plan.inner_kept().stride;
  if (by_columns) {
    const Size step = gather_size / outputs;
    for (Size row = 0; row < dim.size; row += step) {
      const Size count = std::min(step, dim.size - row);
      gather_block(static_cast<std::size_t>(item), start + row * dim.stride * item, count,
                   dim.stride, outputs, kept_stride, buffer);
      columns({buffer, count, outputs, outputs}, results, center, options.p);
    }
    return;
  }
  const Size accumulator = accumulator_size(op, dtype);
  for (Size row = 0; row < outputs; ++row) {
    for (Size i = 0; i < dim.size; i += gather_size) {
      const Size count = std::min(gather_size, dim.size - i);
      gather_block(static_cast<std::size_t>(item),
                   start + (row * kept_stride + i * dim.stride) * item, 1, 0, count, dim.stride,
                   buffer);
      rows({buffer, 1, 0, count}, static_cast<std::byte*>(results) + row * accumulator,
           center != nullptr ? center + row * item : nullptr, options.p);
    }
  }
}

template <class T>
T finished(double result, const ReduceOptions& options, Size index) {
  switch (options.finish) {
    case Finish::sqrt:
      return static_cast<T>(std::sqrt(options.scale * result));
    case Finish::root:
      return static_cast<T>(std::pow(result, 1 / options.p));
    case Finish::log_center: {
      const T center = options.center.as<T>()[index];
      return std::isinf(center) ? center
                                : static_cast<T>(static_cast<double>(center) + std::log(result));
    }
    default:
      return static_cast<T>(options.scale * result);
  }
}

void Task::finish(const void* results, Size n, Size out_offset) const {
  const Size stride = plan.inner_kept().out_stride;
  switch (accumulator_of(op, dtype)) {
    case Accumulator::float64:
      return with_floating(dtype, [&](auto element) {
        using T = decltype(element);
        T* y = reinterpret_cast<T*>(out);
        for (Size i = 0; i < n; ++i) {
          const Size at = out_offset + i * stride;
          y[at] = finished<T>(static_cast<const double*>(results)[i], options, at);
        }
      });
    case Accumulator::int64:
      if (reduced_dtype(op, dtype) == bool_) {
        for (Size i = 0; i < n; ++i) {
          reinterpret_cast<bool*>(out)[out_offset + i * stride] =
              static_cast<const std::int64_t*>(results)[i] != 0;
        }
        return;
      }
      for (Size i = 0; i < n; ++i) {
        reinterpret_cast<std::int64_t*>(out)[out_offset + i * stride] =
            static_cast<const std::int64_t*>(results)[i];
      }
      return;
    case Accumulator::element:
      return with_accumulator(op, dtype, [&](auto zero) {
        using T = decltype(zero);
        for (Size i = 0; i < n; ++i) {
          reinterpret_cast<T*>(out)[out_offset + i * stride] = static_cast<const T*>(results)[i];
        }
      });
  }
}

/// Every output by itself; tiles run in parallel.
void run_tiles(const Task& task) {
  const KeptDim& kept = task.plan.inner_kept();
  const Size units = task.plan.outputs / kept.size * task.tiles;
  const Size work = std::max<Size>(1, task.tile_length * task.plan.length);
  parallel_for(units, std::max<Size>(1, parallel_grain / work), [&](Size begin, Size end) {
    alignas(64) std::byte results[tile * 8];
    alignas(64) std::byte center_tile[tile * 8];
    const Size item = item_size(task.dtype);
    for (Size unit = begin; unit < end; ++unit) {
      const KeptOffset offset = kept_offset(task.plan, unit / task.tiles);
      const Size first = unit % task.tiles * task.tile_length;
      const Size n = std::min(task.tile_length, kept.size - first);
      const Size out_offset = offset.out + first * kept.out_stride;
      const std::byte* center = nullptr;
      if (task.options.center) {
        center = task.options.center.bytes() + out_offset * item;
        if (kept.out_stride != 1) {
          gather_block(static_cast<std::size_t>(item), center, 1, 0, n, kept.out_stride,
                       center_tile);
          center = center_tile;
        }
      }
      task.reset(results, n);
      if (task.plan.length > 0) {
        task.fold_box(task.plan.reduced, task.plan.reduced_count,
                      task.x + (offset.in + first * kept.stride) * item, n, center, results);
      }
      task.finish(results, n, out_offset);
    }
  });
}

/// Few outputs, much to fold: the largest reduced dimension is cut into pieces, which run in
/// parallel and are merged in order.
void run_pieces(const Task& task, Size piece_count) {
  const ReducePlan& plan = task.plan;
  const KeptDim& kept = plan.inner_kept();
  const ReducedDim* widest =
      std::max_element(plan.reduced, plan.reduced + plan.reduced_count,
                       [](const ReducedDim& a, const ReducedDim& b) { return a.size < b.size; });
  const std::ptrdiff_t split = widest - plan.reduced;
  // Whole blocks of the kernels, so that cutting does not add short ends.
  const bool cuts_rows = !task.by_columns && split == plan.reduced_count - 1;
  const Size block = std::min<Size>(cuts_rows ? 1024 : 8, widest->size);
  const Size length = ((widest->size + piece_count - 1) / piece_count + block - 1) / block * block;
  piece_count = (widest->size + length - 1) / length;

  const Size units = plan.outputs / kept.size * task.tiles;
  const Size item = item_size(task.dtype);
  const Size stride = task.tile_length * 8;
  const auto partial = std::make_unique_for_overwrite<std::byte[]>(
      static_cast<std::size_t>(units * piece_count * stride));
  const Size work = std::max<Size>(1, task.tile_length * plan.length / piece_count);
  const auto tile_of = [&](Size unit) {
    struct Tile {
      KeptOffset offset;
      Size n;
    };
    const Size first = unit % task.tiles * task.tile_length;
    KeptOffset offset = kept_offset(plan, unit / task.tiles);
    offset.in += first * kept.stride;
    offset.out += first * kept.out_stride;
    return Tile{offset, std::min(task.tile_length, kept.size - first)};
  };
  parallel_for(
      units * piece_count, std::max<Size>(1, parallel_grain / work), [&](Size begin, Size end) {
        alignas(64) std::byte center_tile[tile * 8];
        for (Size i = begin; i < end; ++i) {
          const auto [offset, n] = tile_of(i / piece_count);
          const Size start = i % piece_count * length;
          ReducedDim dims[Shape::max_size + 1];
          std::copy_n(plan.reduced, plan.reduced_count, dims);
          dims[split].size = std::min(length, widest->size - start);
          const std::byte* center = nullptr;
          if (task.options.center) {
            gather_block(static_cast<std::size_t>(item),
                         task.options.center.bytes() + offset.out * item, 1, 0, n, kept.out_stride,
                         center_tile);
            center = center_tile;
          }
          std::byte* results = partial.get() + i * stride;
          task.reset(results, n);
          task.fold_box(dims, plan.reduced_count,
                        task.x + (offset.in + start * widest->stride) * item, n, center, results);
        }
      });
  for (Size unit = 0; unit < units; ++unit) {
    const auto [offset, n] = tile_of(unit);
    std::byte* results = partial.get() + unit * piece_count * stride;
    for (Size piece = 1; piece < piece_count; ++piece) {
      task.merge(results, results + piece * stride, n);
    }
    task.finish(results, n, offset.out);
  }
}

}  // namespace

DType reduced_dtype(Reduction op, DType dtype) {
  if (op == Reduction::any || op == Reduction::all) return bool_;
  return is_floating(dtype) || is_extreme(op) ? dtype : int64;
}

void reduce(Reduction op, const ConstArray& x, std::uint32_t reduced, const Array& out,
            const ReduceOptions& options) {
  const ReduceTable& table = reduce_table();
  const int kind = static_cast<int>(op);
  const int type = static_cast<int>(x.dtype());
  const ReducePlan plan = plan_reduction(x.shape(), x.strides(), reduced);
  if (plan.outputs == 0) return;
  const KeptDim& kept = plan.inner_kept();
  const ReducedDim& inner = plan.inner_reduced();
  const bool by_columns =
      inner.size == 1 || (kept.size > 1 && std::abs(kept.stride) < std::abs(inner.stride));
  const Size tile_length =
      by_columns ? tile
                 : std::clamp<Size>(parallel_grain / std::max<Size>(plan.length, 1), 1, tile);
  const Task task{op,
                  x.dtype(),
                  x.bytes(),
                  out.bytes(),
                  options,
                  plan,
                  table.rows[kind][type],
                  table.columns[kind][type],
                  by_columns,
                  (kept.size + tile_length - 1) / tile_length,
                  std::min(tile_length, kept.size)};
  const Size units = plan.outputs / kept.size * task.tiles;
  const Size work = task.tile_length * plan.length;
  if (units < 8 && work >= least_split) {
    run_pieces(task, std::min(most_pieces, (work / piece_size + 4) / 4 * 4));
  } else {
    run_tiles(task);
  }
}

}  // namespace reel::kernels
