#include "reel/kernels/attention_table.h"

#include "reel/kernels/simd/lane_math.h"

// Every product here is of small blocks: rows of a left matrix, read number by number, times
// registers of a right one whose rows are contiguous.

namespace reel::kernels::REEL_ISA {
namespace {

constexpr Size width = lane_count<float>;
// Where queries see fewer keys than those after them, products are cut to what so many need.
constexpr Size strip_height = 16;
constexpr bool many_registers = REEL_LANE_BYTES == 64;

/// A matrix of which element (i, p) is `data[i * row + p * step]`.
struct Left {
  const float* data;
  Size row, step;
};

/// c = a b, or c += a b: `height` rows of c and `across` registers, the last of which holds `last`
/// columns if `partial`.
template <int height, int across, bool partial, bool add>
REEL_INLINE void tile(Size depth, const Left& a, const float* b, Size b_row, Size last, float* c,
                      Size c_row) {
  FloatLanes sums[height][across] = {};
  for (Size p = 0; p < depth; ++p) {
    FloatLanes right[across];
#pragma GCC unroll 4
    for (int j = 0; j < across; ++j) {
      const float* from = b + p * b_row + j * width;
      right[j] = partial && j == across - 1 ? load_tail(from, last) : load(from);
    }
#pragma GCC unroll 8
    for (int i = 0; i < height; ++i) {
      const float left = a.data[i * a.row + p * a.step];
#pragma GCC unroll 4
      for (int j = 0; j < across; ++j) sums[i][j] += left * right[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < height; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < across; ++j) {
      float* to = c + i * c_row + j * width;
      if (partial && j == across - 1) {
        if (add) sums[i][j] += load_tail(to, last);
        store_tail<float>(to, sums[i][j], last);
      } else {
        if (add) sums[i][j] += load(to);
        store<float>(to, sums[i][j]);
      }
    }
  }
}

/// All rows, `height` at a time and the rest by lower tiles.
template <int height, int across, bool partial, bool add>
void strip(Size rows, Size depth, Left a, const float* b, Size b_row, Size last, float* c,
           Size c_row) {
  for (; rows >= height; rows -= height) {
    tile<height, across, partial, add>(depth, a, b, b_row, last, c, c_row);
    a.data += height * a.row;
    c += height * c_row;
  }
  if constexpr (height > 1) {
    if (rows > 0) strip<height / 2, across, partial, add>(rows, depth, a, b, b_row, last, c, c_row);
  }
}

/// c [rows, columns] = a b, or c += a b.
template <bool add>
void product(Size rows, Size columns, Size depth, const Left& a, const float* b, Size b_row,
             float* c, Size c_row) {
  Size at = 0;
  if constexpr (many_registers) {
    for (; columns - at >= 4 * width; at += 4 * width) {
      strip<4, 4, false, add>(rows, depth, a, b + at, b_row, 0, c + at, c_row);
    }
  }
  for (; columns - at >= 2 * width; at += 2 * width) {
    strip<many_registers ? 8 : 4, 2, false, add>(rows, depth, a, b + at, b_row, 0, c + at, c_row);
  }
  for (; columns - at >= width; at += width) {
    strip<8, 1, false, add>(rows, depth, a, b + at, b_row, 0, c + at, c_row);
  }
  if (at < columns) {
    strip<8, 1, true, add>(rows, depth, a, b + at, b_row, columns - at, c + at, c_row);
  }
}

void product(bool add, Size rows, Size columns, Size depth, const Left& a, const float* b,
             Size b_row, float* c, Size c_row) {
  if (add) {
    product<true>(rows, columns, depth, a, b, b_row, c, c_row);
  } else {
    product<false>(rows, columns, depth, a, b, b_row, c, c_row);
  }
}

REEL_INLINE float sum_lanes(const FloatLanes& v) {
  return fold_lanes(
      v, [](const FloatLanes& a, const FloatLanes& b)
             __attribute__((always_inline)) { return a + b; });
}

REEL_INLINE FloatLanes greater(const FloatLanes& a, const FloatLanes& b) { return a > b ? a : b; }

REEL_INLINE float max_lanes(const FloatLanes& v) {
  return fold_lanes(
      v, [](const FloatLanes& a, const FloatLanes& b)
             __attribute__((always_inline)) { return greater(a, b); });
}

/// Which keys of a block the queries of a block see. Both count from the first of their block.
struct Window {
  Size queries;
  Size keys;   // that any query sees
  Size shift;  // query i sees the keys up to i + shift

  Window(const AttentionShape& s, Size first_query, Size query_count, Size first_key)
      : queries(query_count),
        keys(s.keys - first_key),
        shift(s.causal ? first_query - first_key : s.keys) {
    keys = seen_by(queries - 1, keys < key_block ? keys : key_block);
  }

  Size seen_by(Size query, Size of) const {
    const Size seen = query + shift + 1;
    return seen < 0 ? 0 : seen < of ? seen : of;
  }
  Size seen_by(Size query) const { return seen_by(query, keys); }

  /// Calls `f(i, n, seen)` for strips of n queries from i on, which see `seen` keys at most.
  template <class F>
  void for_strips(const F& f) const {
    for (Size i = 0; i < queries; i += strip_height) {
      const Size n = queries - i < strip_height ? queries - i : strip_height;
      f(i, n, seen_by(i + n - 1));
    }
  }
};

REEL_INLINE Size registers(Size count) { return (count + width - 1) / width * width; }

/// Calls `f(j, seen)` for each register of a row of which the first `count` numbers are seen.
template <class F>
REEL_INLINE void for_seen(Size count, const F& f) {
  Size j = 0;
  for (; j + width <= count; j += width) f(j, width);
  if (j < count) f(j, count - j);
}

constexpr float lowest = -__builtin_inff();

/// Turns a row of scores into exponentials relative to the highest so far, and the sum and the
/// highest to what they are with this row. Returns by how much what came before shrinks.
REEL_INLINE float exponentials(float* row, Size seen, Size columns, float scale, float& highest,
                               float& sum) {
  FloatLanes top = splat(lowest);
  for_seen(
      seen, [&](Size j, Size n) __attribute__((always_inline)) {
        FloatLanes v = load(row + j);
        if (n < width) v = first_lanes<float>(n) ? v : splat(lowest);
        top = greater(v, top);
      });
  const float here = max_lanes(top) * scale;
  const float now = here > highest ? here : highest;
  const float shrink = exp_nonpositive<float>(splat(highest - now))[0];
  const FloatLanes shift = splat(now);
  FloatLanes total{};
  for_seen(
      seen, [&](Size j, Size n) __attribute__((always_inline)) {
        FloatLanes e = exp_nonpositive<float>(load(row + j) * scale - shift);
        if (n < width) e = first_lanes<float>(n) ? e : FloatLanes{};
        store<float>(row + j, e);
        total += e;
      });
  for (Size j = registers(seen); j < columns; j += width) {
    store<float>(row + j, FloatLanes{});
  }
  highest = now;
  sum = sum * shrink + sum_lanes(total);
  return shrink;
}

/// to = from * factor, for a row of which `to` has no room for more than `count` numbers.
REEL_INLINE void scale_row(Size count, const float* from, float factor, float* to) {
  Size e = 0;
  for (; e + width <= count; e += width) store<float>(to + e, load(from + e) * factor);
  if (e < count) store_tail<float>(to + e, load_tail(from + e, count - e) * factor, count - e);
}

void forward(const AttentionShape& s, Size first, Size count, const Rows<const float>& q,
             const float* keys_t, Size keys_t_row, const Rows<const float>& v, const Rows<float>& y,
             float* logsumexp, float* scratch) {
  float* scores = scratch;
  float* results = scores + query_block * key_block;
  const Size results_row = padded(s.value_width);
  float highest[query_block], sum[query_block];
  for (Size i = 0; i < count; ++i) {
    highest[i] = lowest;
    sum[i] = 0;
  }
  for (Size begin = 0; begin < s.keys; begin += key_block) {
    const Window window(s, first, count, begin);
    if (window.keys == 0) break;
    const float* values = v.data + begin * v.row;
    window.for_strips([&](Size i, Size n, Size seen) {
      float* row = scores + i * key_block;
      float* result = results + i * results_row;
      product<false>(n, registers(seen), s.width, {q.data + (first + i) * q.row, q.row, 1},
                     keys_t + begin, keys_t_row, row, key_block);
      for (Size r = 0; r < n; ++r) {
        const float shrink = exponentials(row + r * key_block, window.seen_by(i + r),
                                          registers(seen), s.scale, highest[i + r], sum[i + r]);
        float* to = result + r * results_row;
        if (begin > 0) scale_row(s.value_width, to, shrink, to);
      }
      product(begin > 0, n, s.value_width, seen, {row, key_block, 1}, values, v.row, result,
              results_row);
    });
  }
  for (Size i = 0; i < count; ++i) {
    scale_row(s.value_width, results + i * results_row, 1 / sum[i], y.data + (first + i) * y.row);
    logsumexp[first + i] = static_cast<float>(static_cast<double>(highest[i]) +
                                              __builtin_log(static_cast<double>(sum[i])));
  }
}

/// sum_e a_e b_e
REEL_INLINE float dot(Size count, const float* a, const float* b) {
  FloatLanes sum{};
  Size e = 0;
  for (; e + width <= count; e += width) sum += load(a + e) * load(b + e);
  if (e < count) sum += load_tail(a + e, count - e) * load_tail(b + e, count - e);
  return sum_lanes(sum);
}

/// Turns a row of scores into probabilities and one of dp into ds; see `backward`.
REEL_INLINE void probabilities(float* row, float* slope, Size seen, Size columns, float scale,
                               float logsumexp, float along) {
  for_seen(
      seen, [&](Size j, Size n) __attribute__((always_inline)) {
        FloatLanes e = exp_nonpositive<float>(load(row + j) * scale - logsumexp);
        FloatLanes d = e * (load(slope + j) - along) * scale;
        if (n < width) {
          const LaneMask<float> in = first_lanes<float>(n);
          e = in ? e : FloatLanes{};
          d = in ? d : FloatLanes{};
        }
        store<float>(row + j, e);
        store<float>(slope + j, d);
      });
  for (Size j = registers(seen); j < columns; j += width) {
    store<float>(row + j, FloatLanes{});
    store<float>(slope + j, FloatLanes{});
  }
}

// With p = softmax(scale q k^T), y = p v:
//   dv = p^T dy,  dp = dy v^T,  ds = scale p (dp - sum(dp p)) where sum(dp p) = sum(dy y),
//   dq = ds k,  dk = ds^T q.
void backward(const AttentionShape& s, Size first, Size count, const Rows<const float>& q,
              const Rows<const float>& k, const float* keys_t, const float* values_t,
              Size transposed_row, const Rows<const float>& y, const float* logsumexp,
              const Rows<const float>& dy, const Rows<float>& dq, const Rows<float>& dk,
              const Rows<float>& dv, float* scratch) {
  float* p = scratch;
  float* ds = p + query_block * key_block;
  const float* from_q = q.data + first * q.row;
  const float* from_dy = dy.data + first * dy.row;
  float* to_q = dq.data + first * dq.row;
  float along[query_block];  // sum(dy y)
  for (Size i = 0; i < count; ++i) {
    along[i] = dot(s.value_width, from_dy + i * dy.row, y.data + (first + i) * y.row);
  }
  for (Size begin = 0; begin < s.keys; begin += key_block) {
    const Window window(s, first, count, begin);
    if (window.keys == 0) break;
    window.for_strips([&](Size i, Size n, Size seen) {
      float* row = p + i * key_block;
      float* slope = ds + i * key_block;
      product<false>(n, registers(seen), s.width, {from_q + i * q.row, q.row, 1}, keys_t + begin,
                     transposed_row, row, key_block);
      product<false>(n, registers(seen), s.value_width, {from_dy + i * dy.row, dy.row, 1},
                     values_t + begin, transposed_row, slope, key_block);
      for (Size r = 0; r < n; ++r) {
        probabilities(row + r * key_block, slope + r * key_block, window.seen_by(i + r),
                      registers(seen), s.scale, logsumexp[first + i + r], along[i + r]);
      }
      product(begin > 0, n, s.width, seen, {slope, key_block, 1}, k.data + begin * k.row, k.row,
              to_q + i * dq.row, dq.row);
    });
    // The keys that a strip is the first to see: all queries from there on add to them.
    Size before = 0;
    window.for_strips([&](Size i, Size, Size seen) {
      const Size keys = seen - before, at = i * key_block + before, row = begin + before;
      product<true>(keys, s.value_width, count - i, {p + at, 1, key_block}, from_dy + i * dy.row,
                    dy.row, dv.data + row * dv.row, dv.row);
      product<true>(keys, s.width, count - i, {ds + at, 1, key_block}, from_q + i * q.row, q.row,
                    dk.data + row * dk.row, dk.row);
      before = seen;
    });
  }
}

constexpr AttentionTable table{forward, backward};

}  // namespace

const AttentionTable& attention_table() { return table; }

}  // namespace reel::kernels::REEL_ISA
