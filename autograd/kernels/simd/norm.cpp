#include "reel/autograd/kernels/norm_table.h"

#include "reel/autograd/kernels/simd/lanes.h"

namespace reel::kernels::REEL_ISA {
namespace {

// So many rows are summed as T before they are added to the double totals.
constexpr Size short_sum = 64;

template <class T>
REEL_INLINE Lanes<T> load_some(const T* from, Size n) {
  return n >= lane_count<T> ? load(from) : load_tail(from, n);
}

template <class T>
REEL_INLINE void store_some(T* to, const Lanes<T>& v, Size n) {
  if (n >= lane_count<T>) {
    store<T>(to, v);
  } else {
    store_tail<T>(to, v, n);
  }
}

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
           bool relu, T* y) {
  for (Size r = 0; r < rows; ++r) {
    for (Size c = 0; c < columns; c += lane_count<T>) {
      const Size n = columns - c, at = r * columns + c;
      const Lanes<T> d = load_some(x + at, n) - load_some(center + c, n);
      Lanes<T> v = d * load_some(factor + c, n) + load_some(shift + c, n);
      if (relu) v = v < Lanes<T>{} ? Lanes<T>{} : v;
      store_some<T>(y + at, v, n);
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

template <class T>
void normalize(Size rows, Size columns, const T* x, const T* weight, const T* bias, double eps,
               T* y, double* mean, double* inverse) {
  for (Size r = 0; r < rows; ++r) {
    const T* from = x + r * columns;
    Lanes<T> sum{};
    for (Size c = 0; c < columns; c += lane_count<T>) sum += load_some(from + c, columns - c);
    const T center = sum_lanes<T>(sum) / static_cast<T>(columns);
    // Around the rounded mean; the second sum also gives what the rounding left out.
    Lanes<T> rest{}, square{};
    for (Size c = 0; c < columns; c += lane_count<T>) {
      const Size n = columns - c;
      Lanes<T> d = load_some(from + c, n) - center;
      if (n < lane_count<T>) d = first_lanes<T>(n) ? d : Lanes<T>{};
      rest += d;
      square += d * d;
    }
    const double count = static_cast<double>(columns);
    const double left = static_cast<double>(sum_lanes<T>(rest)) / count;
    double var = static_cast<double>(sum_lanes<T>(square)) / count - left * left;
    if (var < 0) var = 0;
    mean[r] = static_cast<double>(center) + left;
    inverse[r] = 1 / __builtin_sqrt(var + eps);
    const T m = static_cast<T>(mean[r]), k = static_cast<T>(inverse[r]);
    for (Size c = 0; c < columns; c += lane_count<T>) {
      const Size n = columns - c;
      Lanes<T> v = (load_some(from + c, n) - m) * k;
      if (weight != nullptr) v *= load_some(weight + c, n);
      if (bias != nullptr) v += load_some(bias + c, n);
      store_some<T>(y + r * columns + c, v, n);
    }
  }
}

/// What the gradient of a row needs beside its elements.
template <class T>
struct RowFactors {
  T mean, inverse;         // of x
  T mean_g, mean_product;  // of g = dy weight, and of g (x - mean) inverse
};

template <class T>
REEL_INLINE RowFactors<T> row_factors(Size columns, const T* dy, const T* x, const T* weight,
                                      double mean, double inverse) {
  RowFactors<T> row{static_cast<T>(mean), static_cast<T>(inverse), T{}, T{}};
  Lanes<T> sum{}, product{};
  for (Size c = 0; c < columns; c += lane_count<T>) {
    const Size n = columns - c;
    Lanes<T> g = load_some(dy + c, n);  // zero behind the last column
    if (weight != nullptr) g *= load_some(weight + c, n);
    sum += g;
    product += g * (load_some(x + c, n) - row.mean);
  }
  const T count = static_cast<T>(columns);
  row.mean_g = sum_lanes<T>(sum) / count;
  row.mean_product = sum_lanes<T>(product) * row.inverse / count;
  return row;
}

template <class T>
void normalize_backward(Size rows, Size columns, const T* dy, const T* x, const T* weight,
                        const double* mean, const double* inverse, T* dx, double* sum_dy,
                        double* sum_dy_x) {
  for (Size begin = 0; begin < rows; begin += short_sum) {
    const Size end = begin + short_sum < rows ? begin + short_sum : rows;
    RowFactors<T> factors[short_sum];
    for (Size r = begin; r < end; ++r) {
      factors[r - begin] =
          row_factors(columns, dy + r * columns, x + r * columns, weight, mean[r], inverse[r]);
    }
    for (Size c = 0; c < columns; c += lane_count<T>) {
      const Size n = columns - c;
      const Lanes<T> w = weight != nullptr ? load_some(weight + c, n) : splat(T{1});
      Lanes<T> sum{}, product{};
      for (Size r = begin; r < end; ++r) {
        const RowFactors<T>& row = factors[r - begin];
        const Size at = r * columns + c;
        const Lanes<T> g = load_some(dy + at, n);
        const Lanes<T> z = (load_some(x + at, n) - row.mean) * row.inverse;
        sum += g;
        product += g * z;
        store_some<T>(dx + at, (g * w - row.mean_g - z * row.mean_product) * row.inverse, n);
      }
      add_to<T>(sum_dy + c, sum, n);
      add_to<T>(sum_dy_x + c, product, n);
    }
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
