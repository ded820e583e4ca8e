#include <cstdint>
#include <type_traits>

#include "reel/kernels/reduce_table.h"

namespace reel::kernels::REEL_ISA {
namespace {

// NaN is better than every number; `x != x` asks for it and is always false for integers.
struct Greater {
  template <class T>
  static bool better(T x, T best) {
    return (x > best) | ((x != x) & (best == best));
  }
};
struct Less {
  template <class T>
  static bool better(T x, T best) {
    return (x < best) | ((x != x) & (best == best));
  }
};

/// The first best of `n` neighbours: the best of each of 64 interleaved strands, then of the
/// strands, then the first place where it stands.
template <class T, class Order>
std::int64_t best_of_row(const T* x, Size n, T& value) {
  constexpr Size strands = 64;
  if (n < strands) {
    Size where = 0;
    for (Size i = 1; i < n; ++i) where = Order::better(x[i], x[where]) ? i : where;
    value = x[where];
    return where;
  }
  T best[strands];
  for (Size k = 0; k < strands; ++k) best[k] = x[0];
  Size i = 0;
  for (; i + strands <= n; i += strands) {
    for (Size k = 0; k < strands; ++k)
      best[k] = Order::better(x[i + k], best[k]) ? x[i + k] : best[k];
  }
  value = x[0];
  for (; i < n; ++i) value = Order::better(x[i], value) ? x[i] : value;
  for (Size k = 0; k < strands; ++k) value = Order::better(best[k], value) ? best[k] : value;

  const T wanted = value;
  const bool is_nan = wanted != wanted;
  Size start = 0;
  for (; start + strands <= n; start += strands) {
    int found = 0;
    for (Size k = 0; k < strands; ++k) {
      const T candidate = x[start + k];
      found |= is_nan ? candidate != candidate : candidate == wanted;
    }
    if (found != 0) break;
  }
  while (is_nan ? x[start] == x[start] : x[start] != wanted) ++start;
  return start;
}

template <class T, class Order>
void rows(const Block& block, void* values, std::int64_t* indices) {
  for (Size row = 0; row < block.rows; ++row) {
    const T* x = static_cast<const T*>(block.x) + row * block.row_stride;
    indices[row] = best_of_row<T, Order>(x, block.columns, static_cast<T*>(values)[row]);
  }
}

template <class T, class Order>
void columns(const Block& block, void* values, std::int64_t* indices) {
  // Indices as wide as the values, so that both are selected by one mask.
  using Index = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
  constexpr Size strip = 64;
  T best[strip];
  Index where[strip];
  const T* first = static_cast<const T*>(block.x);
  for (Size left = 0; left < block.columns; left += strip) {
    const Size n = block.columns - left < strip ? block.columns - left : strip;
    for (Size j = 0; j < n; ++j) {
      best[j] = first[left + j];
      where[j] = 0;
    }
    for (Size row = 1; row < block.rows; ++row) {
      const T* __restrict x = first + row * block.row_stride + left;
      for (Size j = 0; j < n; ++j) {
        const bool better = Order::better(x[j], best[j]);
        best[j] = better ? x[j] : best[j];
        where[j] = better ? static_cast<Index>(row) : where[j];
      }
    }
    for (Size j = 0; j < n; ++j) {
      static_cast<T*>(values)[left + j] = best[j];
      indices[left + j] = where[j];
    }
  }
}

template <class T>
constexpr void set(ArgReduceTable& table, DType dtype) {
  const int type = static_cast<int>(dtype);
  table.rows[0][type] = rows<T, Greater>;
  table.rows[1][type] = rows<T, Less>;
  table.columns[0][type] = columns<T, Greater>;
  table.columns[1][type] = columns<T, Less>;
}

constexpr ArgReduceTable make_table() {
  ArgReduceTable table = {};
  set<float>(table, DType::float32);
  set<double>(table, DType::float64);
  set<std::int64_t>(table, DType::int64);
  set<std::int32_t>(table, DType::int32);
  set<std::uint8_t>(table, DType::uint8);
  set<std::uint8_t>(table, DType::bool_);
  return table;
}

constexpr ArgReduceTable table = make_table();

}  // namespace

const ArgReduceTable& arg_reduce_table() { return table; }

}  // namespace reel::kernels::REEL_ISA
