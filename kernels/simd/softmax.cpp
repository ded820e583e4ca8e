#include "reel/kernels/softmax_table.h"

#include "reel/kernels/simd/lane_log.h"

namespace reel::kernels::REEL_ISA {
namespace {

// Each float lane takes in this many elements before it is added to a double total.
constexpr Size lane_length = 16;

/// NaN where either is.
template <class T>
REEL_INLINE Lanes<T> greater(const Lanes<T>& a, const Lanes<T>& b) {
  return ((a > b) | (a != a)) ? a : b;
}

template <class T>
constexpr T lowest = -static_cast<T>(__builtin_huge_val());

template <class T>
REEL_INLINE T log_of(double x) {
  return static_cast<T>(__builtin_log(x));
}

/// The last, incomplete lanes of a row, padded with `padding`.
template <class T>
REEL_INLINE Lanes<T> load_padded(const T* p, Size n, T padding) {
  return first_lanes<T>(n) ? load_tail<T>(p, n) : splat(padding);
}

// ---- one row

template <class T>
REEL_INLINE T max_of(const T* x, Size n) {
  constexpr Size width = lane_count<T>;
  Lanes<T> m0 = splat(lowest<T>), m1 = m0, m2 = m0, m3 = m0;
  Size i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    m0 = greater<T>(load(x + i), m0);
    m1 = greater<T>(load(x + i + width), m1);
    m2 = greater<T>(load(x + i + 2 * width), m2);
    m3 = greater<T>(load(x + i + 3 * width), m3);
  }
  for (; i + width <= n; i += width) m0 = greater<T>(load(x + i), m0);
  if (i < n) m1 = greater<T>(load_padded(x + i, n - i, lowest<T>), m1);
  const auto pick = [](const Lanes<T>& a, const Lanes<T>& b) __attribute__((always_inline)) {
    return greater<T>(a, b);
  };
  return fold_lanes(pick(pick(m0, m1), pick(m2, m3)), pick);
}

/// Sums `f(i, tail)` over the row, where `f` gives the lanes from element i on, `tail` of them or,
/// for 0, all.
template <class T, class F>
REEL_INLINE double sum_lanes(Size n, const F& f) {
  constexpr Size width = lane_count<T>;
  LongSum<T> total;
  Size i = 0;
  while (i + 2 * width <= n) {
    const Size block_size = 2 * width * lane_length;
    const Size end = i + block_size < n ? i + block_size : n;
    Lanes<T> s0 = {}, s1 = {};
    for (; i + 2 * width <= end; i += 2 * width) {
      s0 += f(i, 0);
      s1 += f(i + width, 0);
    }
    total.add(s0 + s1);
  }
  Lanes<T> rest = {};
  if (i + width <= n) {
    rest = f(i, 0);
    i += width;
  }
  if (i < n) rest += first_lanes<T>(n - i) ? f(i, n - i) : splat(T(0));
  total.add(rest);
  return total.value();
}

/// y = f(x) along a row, `f` on lanes.
template <class T, class F>
REEL_INLINE void map_row(Size n, T* y, const F& f) {
  constexpr Size width = lane_count<T>;
  Size i = 0;
  for (; i + width <= n; i += width) store<T>(y + i, f(i, 0));
  if (i < n) store_tail<T>(y + i, f(i, n - i), n - i);
}

template <class T>
REEL_INLINE Lanes<T> load_at(const T* x, Size i, Size tail) {
  return tail == 0 ? load(x + i) : load_tail<T>(x + i, tail);
}

/// A row that fits into one register, as a classifier's does.
template <class T>
struct ShortRow {
  T max;
  T sum;             // of e^(x - max)
  Lanes<T> shifted;  // x - max
  Lanes<T> e;        // e^(x - max)
};
template <class T>
REEL_INLINE ShortRow<T> short_row(const T* x, Size n) {
  const auto pick = [](const Lanes<T>& a, const Lanes<T>& b) __attribute__((always_inline)) {
    return greater<T>(a, b);
  };
  const auto add = [](const Lanes<T>& a, const Lanes<T>& b) __attribute__((always_inline)) {
    return a + b;
  };
  ShortRow<T> row;
  const Lanes<T> v = n == lane_count<T> ? load(x) : load_padded(x, n, lowest<T>);
  row.max = static_cast<T>(fold_lanes(v, pick));
  row.shifted = v - row.max;
  row.e = exp_nonpositive<T>(row.shifted);
  row.sum = static_cast<T>(fold_lanes(first_lanes<T>(n) ? row.e : splat(T(0)), add));
  return row;
}

template <class T>
REEL_INLINE void softmax_short_row(const T* x, Size n, bool log, T* y) {
  const auto [max, sum, shifted, e] = short_row(x, n);
  const Lanes<T> result = log ? shifted - log_of<T>(static_cast<double>(sum)) : e * (T(1) / sum);
  n == lane_count<T> ? store<T>(y, result) : store_tail<T>(y, result, n);
}

/// Fetches the element `distance` behind `p + i` while this row's exponentials are calculated: the
/// next row, which would otherwise be waited for when its maximum is sought. A fifth of the time of
/// softmax of 1000 x 1000. Nothing happens where no memory is.
template <class T>
REEL_INLINE void fetch_ahead(const T* p, Size i, Size distance) {
  __builtin_prefetch(p + i + distance);
}
template <class T>
REEL_INLINE void fetch_ahead_to_write(T* p, Size i, Size distance) {
  __builtin_prefetch(p + i + distance, 1);
}

template <class T>
void softmax_rows(const void* x_, Size rows, Size n, bool log, void* y_) {
  for (Size row = 0; row < rows; ++row) {
    const T* x = static_cast<const T*>(x_) + row * n;
    T* y = static_cast<T*>(y_) + row * n;
    if (n <= lane_count<T>) {
      softmax_short_row(x, n, log, y);
      continue;
    }
    const Lanes<T> max = splat(max_of(x, n));
    const Size ahead = row + 1 < rows ? n : 0;
    if (log) {
      const double sum = sum_lanes<T>(
          n, [&](Size i, Size tail) __attribute__((always_inline)) {
            fetch_ahead(x, i, ahead);
            fetch_ahead_to_write(y, i, 0);
            return exp_nonpositive<T>(load_at(x, i, tail) - max);
          });
      // Subtracted one after the other: their sum would round away what a large maximum hides.
      const T log_sum = log_of<T>(sum);
      map_row<T>(
          n, y, [&](Size i, Size tail) __attribute__((always_inline)) {
            return (load_at(x, i, tail) - max) - log_sum;
          });
    } else {
      const double sum = sum_lanes<T>(
          n, [&](Size i, Size tail) __attribute__((always_inline)) {
            fetch_ahead(x, i, ahead);
            fetch_ahead_to_write(y, i, ahead);
            const Lanes<T> e = exp_nonpositive<T>(load_at(x, i, tail) - max);
            tail == 0 ? store<T>(y + i, e) : store_tail<T>(y + i, e, tail);
            return e;
          });
      const T scale = static_cast<T>(1 / sum);
      map_row<T>(
          n, y, [&](Size i, Size tail) __attribute__((always_inline)) {
            return load_at(static_cast<const T*>(y), i, tail) * scale;
          });
    }
  }
}

/// What the backward of a row subtracts: the sum of dy y, or for the logarithm of dy.
template <class T>
double backward_sum(const void* y_, const void* dy_, Size n, bool log) {
  const T* y = static_cast<const T*>(y_);
  const T* dy = static_cast<const T*>(dy_);
  if (log) {
    return sum_lanes<T>(
        n, [&](Size i, Size tail) __attribute__((always_inline)) { return load_at(dy, i, tail); });
  }
  return sum_lanes<T>(
      n, [&](Size i, Size tail)
             __attribute__((always_inline)) { return load_at(dy, i, tail) * load_at(y, i, tail); });
}

template <class T>
void backward_from_sum(const void* y_, const void* dy_, Size n, double total, bool log, void* dx) {
  const T* y = static_cast<const T*>(y_);
  const T* dy = static_cast<const T*>(dy_);
  const T sum = static_cast<T>(total);
  if (log) {
    map_row<T>(
        n, static_cast<T*>(dx), [&](Size i, Size tail) __attribute__((always_inline)) {
          return load_at(dy, i, tail) - exp_nonpositive<T>(load_at(y, i, tail)) * sum;
        });
  } else {
    map_row<T>(
        n, static_cast<T*>(dx), [&](Size i, Size tail) __attribute__((always_inline)) {
          return load_at(y, i, tail) * (load_at(dy, i, tail) - sum);
        });
  }
}

template <class T>
void softmax_rows_backward(const void* y_, const void* dy_, Size rows, Size n, bool log,
                           void* dx_) {
  for (Size row = 0; row < rows; ++row) {
    const T* y = static_cast<const T*>(y_) + row * n;
    const T* dy = static_cast<const T*>(dy_) + row * n;
    const double sum = backward_sum<T>(y, dy, n, log);
    backward_from_sum<T>(y, dy, n, sum, log, static_cast<T*>(dx_) + row * n);
  }
}

/// The maximum of a row and the sum of e^(x - max). `ahead` is the way to the row behind it.
template <class T>
REEL_INLINE double max_and_sum(const T* x, Size n, Size ahead, T& max) {
  if (n <= lane_count<T>) {
    const ShortRow<T> short_sum = short_row(x, n);
    max = short_sum.max;
    return static_cast<double>(short_sum.sum);
  }
  max = max_of(x, n);
  const Lanes<T> shift = splat(max);
  return sum_lanes<T>(
      n, [&](Size i, Size tail) __attribute__((always_inline)) {
        fetch_ahead(x, i, ahead);
        return exp_nonpositive<T>(load_at(x, i, tail) - shift);
      });
}

template <class T>
void logsumexp_rows(const void* x_, Size rows, Size n, void* y_) {
  // A classifier's rows are so short that a scalar logarithm of each would be half of the work.
  constexpr Size batch = 8 * lane_count<double>;
  T max[batch];
  double sum[batch];
  for (Size first = 0; first < rows; first += batch) {
    const Size count = rows - first < batch ? rows - first : batch;
    for (Size k = 0; k < count; ++k) {
      const Size ahead = first + k + 1 < rows ? n : 0;
      sum[k] = max_and_sum(static_cast<const T*>(x_) + (first + k) * n, n, ahead, max[k]);
    }
    for (Size k = count; k % lane_count<double> != 0; ++k) sum[k] = 1;
    for (Size k = 0; k < count; k += lane_count<double>) {
      store<double>(sum + k, log_of_normal<double>(load(sum + k)));  // sums of 1 and more
    }
    T* y = static_cast<T*>(y_) + first;
    for (Size k = 0; k < count; ++k) {
      const bool finite = max[k] - max[k] == T(0);
      y[k] = finite ? static_cast<T>(static_cast<double>(max[k]) + sum[k]) : max[k];
    }
  }
}

// ---- a piece of one long row, which several threads share

template <class T>
double max_and_sum_of_piece(const void* x, Size n, double& max) {
  T greatest;
  const double sum = max_and_sum(static_cast<const T*>(x), n, 0, greatest);
  max = static_cast<double>(greatest);
  return sum;
}

template <class T>
void finish_piece(const void* x_, Size n, double max_, double sum, bool log, void* y) {
  const T* x = static_cast<const T*>(x_);
  const T max = static_cast<T>(max_);
  const T log_sum = log ? log_of<T>(sum) : T(0);
  const T scale = static_cast<T>(1 / sum);
  map_row<T>(
      n, static_cast<T*>(y), [&](Size i, Size tail) __attribute__((always_inline)) {
        const Lanes<T> shifted = load_at(x, i, tail) - max;
        return log ? shifted - log_sum : exp_nonpositive<T>(shifted) * scale;
      });
}

template <class T>
void shifted_exp_rows(const void* x_, const void* shift_, const void* scale_, Size rows, Size n,
                      void* y_) {
  for (Size row = 0; row < rows; ++row) {
    const T* x = static_cast<const T*>(x_) + row * n;
    const Lanes<T> shift = splat(static_cast<const T*>(shift_)[row]);
    const T scale = static_cast<const T*>(scale_)[row];
    map_row<T>(
        n, static_cast<T*>(y_) + row * n, [&](Size i, Size tail) __attribute__((always_inline)) {
          return exp_nonpositive<T>(load_at(x, i, tail) - shift) * scale;
        });
  }
}

// ---- columns: the same, a register holding neighbouring columns

/// Calls `f(j, tail)` for each register of a row.
template <class T, class F>
REEL_INLINE void for_columns(Size columns, const F& f) {
  constexpr Size width = lane_count<T>;
  Size j = 0;
  for (; j + width <= columns; j += width) f(j, 0);
  if (j < columns) f(j, columns - j);
}

template <class T>
REEL_INLINE void store_at(T* y, Size i, const Lanes<T>& v, Size tail) {
  tail == 0 ? store<T>(y + i, v) : store_tail<T>(y + i, v, tail);
}

template <class T>
void softmax_columns_forward(const void* x_, Size n, Size stride, Size columns, bool log,
                             void* y_) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  T max[softmax_columns];
  T sum[softmax_columns];
  for (Size j = 0; j < softmax_columns; ++j) {
    max[j] = lowest<T>;
    sum[j] = T(0);
  }
  for (Size row = 0; row < n; ++row) {
    for_columns<T>(
        columns, [&](Size j, Size tail) __attribute__((always_inline)) {
          store<T>(max + j, greater<T>(load_at(x + row * stride, j, tail), load(max + j)));
        });
  }
  for (Size row = 0; row < n; ++row) {
    for_columns<T>(
        columns, [&](Size j, Size tail) __attribute__((always_inline)) {
          const Lanes<T> e = exp_nonpositive<T>(load_at(x + row * stride, j, tail) - load(max + j));
          store<T>(sum + j, load(sum + j) + e);
          if (!log) store_at<T>(y + row * stride, j, e, tail);
        });
  }
  for (Size j = 0; j < columns; ++j) {
    sum[j] = log ? log_of<T>(static_cast<double>(sum[j])) : T(1) / sum[j];
  }
  for (Size row = 0; row < n; ++row) {
    for_columns<T>(
        columns, [&](Size j, Size tail) __attribute__((always_inline)) {
          T* to = y + row * stride;
          const Lanes<T> result =
              log ? (load_at(x + row * stride, j, tail) - load(max + j)) - load(sum + j)
                  : load_at(static_cast<const T*>(to), j, tail) * load(sum + j);
          store_at<T>(to, j, result, tail);
        });
  }
}

template <class T>
void softmax_columns_backward(const void* y_, const void* dy_, Size n, Size stride, Size columns,
                              bool log, void* dx_) {
  const T* y = static_cast<const T*>(y_);
  const T* dy = static_cast<const T*>(dy_);
  T* dx = static_cast<T*>(dx_);
  T sum[softmax_columns];
  for (Size j = 0; j < softmax_columns; ++j) sum[j] = T(0);
  for (Size row = 0; row < n; ++row) {
    const Size at = row * stride;
    for_columns<T>(
        columns, [&](Size j, Size tail) __attribute__((always_inline)) {
          const Lanes<T> g = load_at(dy + at, j, tail);
          store<T>(sum + j, load(sum + j) + (log ? g : g * load_at(y + at, j, tail)));
        });
  }
  for (Size row = 0; row < n; ++row) {
    const Size at = row * stride;
    for_columns<T>(
        columns, [&](Size j, Size tail) __attribute__((always_inline)) {
          const Lanes<T> g = load_at(dy + at, j, tail);
          const Lanes<T> v = load_at(y + at, j, tail);
          const Lanes<T> s = load(sum + j);
          store_at<T>(dx + at, j, log ? g - exp_nonpositive<T>(v) * s : v * (g - s), tail);
        });
  }
}

constexpr SoftmaxTable table = {
    {softmax_rows<float>, softmax_rows<double>},
    {softmax_columns_forward<float>, softmax_columns_forward<double>},
    {softmax_rows_backward<float>, softmax_rows_backward<double>},
    {softmax_columns_backward<float>, softmax_columns_backward<double>},
    {logsumexp_rows<float>, logsumexp_rows<double>},
    {shifted_exp_rows<float>, shifted_exp_rows<double>},
    {max_and_sum_of_piece<float>, max_and_sum_of_piece<double>},
    {finish_piece<float>, finish_piece<double>},
    {backward_sum<float>, backward_sum<double>},
    {backward_from_sum<float>, backward_from_sum<double>},
};

}  // namespace

const SoftmaxTable& softmax_table() { return table; }

}  // namespace reel::kernels::REEL_ISA
