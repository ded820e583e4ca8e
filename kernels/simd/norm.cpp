#include "reel/kernels/norm_table.h"

#include "reel/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

// So many rows are summed as T before they are added to the double totals.
constexpr Size short_sum = 64;

template <class T>
REEL_INLINE void add_to(double* totals, const Lanes<T>& v, Size n) {
  for (Size i = 0; i < lane_count<T> && i < n; ++i) totals[i] += static_cast<double>(v[i]);
}

template <class T>
REEL_INLINE T sum_lanes(const Lanes<T>& v) {
  return fold_lanes(
      v, [](const Lanes<T>& a, const Lanes<T>& b) __attribute__((always_inline)) { return a + b; });
}

/// Two sums for every column: `f(row, column, lanes, first, second)` adds one row's part.
template <class T, class F>
REEL_INLINE void sum_columns(Size rows, Size columns, double* first, double* second, const F& f) {
  for (Size c = 0; c < columns; ++c) first[c] = second[c] = 0;
  for (Size begin = 0; begin < rows; begin += short_sum) {
    const Size end = begin + short_sum < rows ? begin + short_sum : rows;
    for (Size c = 0; c < columns; c += lane_count<T>) {
      const Size n = columns - c;
      Lanes<T> one{}, two{};
      for (Size r = begin; r < end; ++r) f(r, c, n, one, two);
      add_to<T>(first + c, one, n);
      add_to<T>(second + c, two, n);
    }
  }
}

template <class T>
void moments(Size rows, Size columns, const T* x, const T* center, double* sums, double* squares) {
  sum_columns<T>(rows, columns, sums, squares,
                 [&](Size r, Size c, Size n, Lanes<T>& sum, Lanes<T>& square) {
                   const Lanes<T> d = load_some(x + r * columns + c, n) - load_some(center + c, n);
                   sum += d;
                   square += d * d;
                 });
}

template <class T>
void products(Size rows, Size columns, const T* dy, const T* x, const T* mean, double* sum_dy,
              double* sum_dy_x) {
  sum_columns<T>(rows, columns, sum_dy, sum_dy_x,
                 [&](Size r, Size c, Size n, Lanes<T>& sum, Lanes<T>& product) {
                   const Lanes<T> g = load_some(dy + r * columns + c, n);
                   sum += g;
                   product += g * (load_some(x + r * columns + c, n) - load_some(mean + c, n));
                 });
}

template <class T>
void scale(Size rows, Size columns, const T* x, const T* center, const T* factor, const T* shift,
           T* y) {
  for (Size r = 0; r < rows; ++r) {
    for (Size c = 0; c < columns; c += lane_count<T>) {
      const Size n = columns - c, at = r * columns + c;
      const Lanes<T> d = load_some(x + at, n) - load_some(center + c, n);
      store_some<T>(y + at, d * load_some(factor + c, n) + load_some(shift + c, n), n);
    }
  }
}

template <class T>
void combine(Size rows, Size columns, const T* dy, const T* x, const T* center, const T* a,
             const T* b, const T* k, T* dx) {
  for (Size r = 0; r < rows; ++r) {
    for (Size c = 0; c < columns; c += lane_count<T>) {
      const Size n = columns - c, at = r * columns + c;
      const Lanes<T> d = load_some(x + at, n) - load_some(center + c, n);
      const Lanes<T> v = load_some(dy + at, n) * load_some(a + c, n) +
                         (d * load_some(b + c, n) + load_some(k + c, n));
      store_some<T>(dx + at, v, n);
    }
  }
}

/// Calls `f(c, n, k)` for each register of a row: n columns from c on, k counting from 0 to 3 over
/// and over, so that four sums hide the latency of an addition.
template <class T, class F>
REEL_INLINE void for_registers(Size columns, const F& f) {
  constexpr Size width = lane_count<T>;
  Size c = 0;
  for (; c + 4 * width <= columns; c += 4 * width) {
    f(c, width, 0);
    f(c + width, width, 1);
    f(c + 2 * width, width, 2);
    f(c + 3 * width, width, 3);
  }
  for (; c + width <= columns; c += width) f(c, width, 0);
  if (c < columns) f(c, columns - c, 1);
}

template <class T>
REEL_INLINE T sum_all(const Lanes<T> (&sums)[4]) {
  return sum_lanes<T>((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/// The mean and the biased variance of a row.
template <class T>
REEL_INLINE void row_moments(Size columns, const T* x, double& mean, double& var) {
  Lanes<T> sum[4] = {};
  for_registers<T>(
      columns, [&](Size c, Size n, int k)
                   __attribute__((always_inline)) { sum[k] += load_some(x + c, n); });
  const T center = sum_all<T>(sum) / static_cast<T>(columns);
  // Around the rounded mean; the second sum also gives what the rounding left out.
  Lanes<T> rest[4] = {}, square[4] = {};
  for_registers<T>(
      columns, [&](Size c, Size n, int k) __attribute__((always_inline)) {
        Lanes<T> d = load_some(x + c, n) - center;
        if (n < lane_count<T>) d = first_lanes<T>(n) ? d : Lanes<T>{};
        rest[k] += d;
        square[k] += d * d;
      });
  const double count = static_cast<double>(columns);
  const double left = static_cast<double>(sum_all<T>(rest)) / count;
  mean = static_cast<double>(center) + left;
  var = static_cast<double>(sum_all<T>(square)) / count - left * left;
  if (var < 0) var = 0;
}

template <class T>
void normalize(Size rows, Size columns, const T* x, const T* weight, const T* bias, double eps,
               T* y, double* mean, double* inverse) {
  for (Size r = 0; r < rows; ++r) {
    const T* from = x + r * columns;
    double var;
    row_moments<T>(columns, from, mean[r], var);
    inverse[r] = 1 / __builtin_sqrt(var + eps);
    const T m = static_cast<T>(mean[r]), factor = static_cast<T>(inverse[r]);
    for_registers<T>(
        columns, [&](Size c, Size n, int) __attribute__((always_inline)) {
          Lanes<T> v = (load_some(from + c, n) - m) * factor;
          if (weight != nullptr) v *= load_some(weight + c, n);
          if (bias != nullptr) v += load_some(bias + c, n);
          store_some<T>(y + r * columns + c, v, n);
        });
  }
}

/// What the gradient of a row needs beside its elements.
template <class T>
struct RowFactors {
  T mean, inverse;   // of x
  T constant, of_z;  // dx = inverse g - constant - of_z z, where g = dy weight
};

template <class T>
REEL_INLINE RowFactors<T> row_factors(Size columns, const T* dy, const T* x, const T* weight,
                                      double mean, double inverse) {
  const T center = static_cast<T>(mean), factor = static_cast<T>(inverse);
  Lanes<T> sum[4] = {}, product[4] = {};
  for_registers<T>(
      columns, [&](Size c, Size n, int k) __attribute__((always_inline)) {
        Lanes<T> g = load_some(dy + c, n);  // zero behind the last column
        if (weight != nullptr) g *= load_some(weight + c, n);
        sum[k] += g;
        product[k] += g * (load_some(x + c, n) - center);
      });
  const T share = factor / static_cast<T>(columns);
  return {center, factor, sum_all<T>(sum) * share, sum_all<T>(product) * factor * share};
}

/// `v` added to totals of double; those behind the last column stay as they are.
REEL_INLINE void add_lanes(double* totals, const FloatLanes& v, Size n) {
  if (n < lane_count<float>) return add_to<float>(totals, v, n);
  DoubleLanes low, high;
  widen(v, low, high);
  store<double>(totals, load<double>(totals) + low);
  store<double>(totals + lane_count<double>, load<double>(totals + lane_count<double>) + high);
}
REEL_INLINE void add_lanes(double* totals, const DoubleLanes& v, Size n) {
  if (n < lane_count<double>) return add_to<double>(totals, v, n);
  store<double>(totals, load<double>(totals) + v);
}

/// So many rows go together, to read and write the totals less often.
constexpr int row_group = 4;

template <class T, int count>
REEL_INLINE void group_backward(Size columns, const T* dy, const T* x, const T* weight,
                                const double* mean, const double* inverse, T* dx, double* sum_dy,
                                double* sum_dy_x) {
  RowFactors<T> rows[count];
  for (int r = 0; r < count; ++r) {
    const Size at = r * columns;
    rows[r] = row_factors(columns, dy + at, x + at, weight, mean[r], inverse[r]);
  }
  for_registers<T>(
      columns, [&](Size c, Size n, int) __attribute__((always_inline)) {
        const Lanes<T> w = weight != nullptr ? load_some(weight + c, n) : splat(T{1});
        Lanes<T> sum{}, product{};
        for (int r = 0; r < count; ++r) {
          const Size at = r * columns + c;
          const Lanes<T> g = load_some(dy + at, n);
          const Lanes<T> z = (load_some(x + at, n) - rows[r].mean) * rows[r].inverse;
          sum += g;
          product += g * z;
          store_some<T>(dx + at, (g * w * rows[r].inverse - rows[r].constant) - z * rows[r].of_z,
                        n);
        }
        add_lanes(sum_dy + c, sum, n);
        add_lanes(sum_dy_x + c, product, n);
      });
}

template <class T>
void normalize_backward(Size rows, Size columns, const T* dy, const T* x, const T* weight,
                        const double* mean, const double* inverse, T* dx, double* sum_dy,
                        double* sum_dy_x) {
  Size r = 0;
  for (; r + row_group <= rows; r += row_group) {
    const Size at = r * columns;
    group_backward<T, row_group>(columns, dy + at, x + at, weight, mean + r, inverse + r, dx + at,
                                 sum_dy, sum_dy_x);
  }
  for (; r < rows; ++r) {
    const Size at = r * columns;
    group_backward<T, 1>(columns, dy + at, x + at, weight, mean + r, inverse + r, dx + at, sum_dy,
                         sum_dy_x);
  }
}

template <class T>
constexpr NormKernels<T> kernels{moments<T>, products<T>,  scale<T>,
                                 combine<T>, normalize<T>, normalize_backward<T>};

}  // namespace

const NormTable& norm_table() {
  static constexpr NormTable table{kernels<float>, kernels<double>};
  return table;
}

}  // namespace reel::kernels::REEL_ISA
