#include "reel/kernels/norm.h"

#include <algorithm>
#include <vector>

#include "reel/kernels/norm_table.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

// Sums over rows are made of parts of about this many elements, whatever the number of threads.
constexpr Size part_size = Size{1} << 16;

template <class F>
void with_kernels(DType dtype, const F& f) {
  dtype == DType::float32 ? f(float{}, norm_table().of_float) : f(double{}, norm_table().of_double);
}

template <class T>
std::vector<T> narrow(const double* values, Size count) {
  std::vector<T> result(static_cast<std::size_t>(count));
  std::transform(values, values + count, result.begin(),
                 [](double v) { return static_cast<T>(v); });
  return result;
}

/// What is to be added where `factor` multiplies distances from the center as T holds it, not from
/// the center itself.
template <class T>
std::vector<T> narrow_summand(const double* summand, const double* factor, const double* center,
                              Size count) {
  std::vector<T> result(static_cast<std::size_t>(count));
  for (Size c = 0; c < count; ++c) {
    const double rounding = center[c] - static_cast<double>(static_cast<T>(center[c]));
    result[static_cast<std::size_t>(c)] = static_cast<T>(summand[c] - rounding * factor[c]);
  }
  return result;
}

Size row_grain(const NormShape& s) {
  return std::max<Size>(1, parallel_grain / std::max<Size>(1, s.columns));
}

/// Two sums for every column, part by part: `f(first row, rows, sums, sums)` gives those of one
/// part.
template <class F>
void sum_parts(const NormShape& s, double* first, double* second, const F& f) {
  const Size length = std::max<Size>(1, part_size / std::max<Size>(1, s.columns));
  const Size parts = (s.rows + length - 1) / length;
  if (parts <= 1) return f(Size{0}, s.rows, first, second);
  std::vector<double> sums(static_cast<std::size_t>(parts * 2 * s.columns));
  auto part_sums = [&](Size part) { return sums.data() + part * 2 * s.columns; };
  parallel_for(parts, 1, [&](Size begin, Size end) {
    for (Size part = begin; part < end; ++part) {
      const Size row = part * length;
      f(row, std::min(length, s.rows - row), part_sums(part), part_sums(part) + s.columns);
    }
  });
  for (Size c = 0; c < s.columns; ++c) {
    first[c] = second[c] = 0;
    for (Size part = 0; part < parts; ++part) {
      first[c] += part_sums(part)[c];
      second[c] += part_sums(part)[s.columns + c];
    }
  }
}

}  // namespace

void column_moments(DType dtype, const NormShape& s, const void* x, double* mean, double* var) {
  with_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    const auto* data = static_cast<const T*>(x);
    // Around the first row: differences are small where the mean is large against the deviation.
    sum_parts(s, mean, var, [&](Size row, Size rows, double* sums, double* squares) {
      kernels.moments(rows, s.columns, data + row * s.columns, data, sums, squares);
    });
    const auto count = static_cast<double>(s.rows);
    for (Size c = 0; c < s.columns; ++c) {
      const double shift = mean[c] / count;
      var[c] = std::max(0., var[c] / count - shift * shift);
      mean[c] = static_cast<double>(data[c]) + shift;
    }
  });
}

void column_products(DType dtype, const NormShape& s, const void* dy, const void* x,
                     const double* mean, double* sum_dy, double* sum_dy_x) {
  with_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    const std::vector<T> center = narrow<T>(mean, s.columns);
    sum_parts(s, sum_dy, sum_dy_x, [&](Size row, Size rows, double* first, double* second) {
      const Size at = row * s.columns;
      kernels.products(rows, s.columns, static_cast<const T*>(dy) + at,
                       static_cast<const T*>(x) + at, center.data(), first, second);
    });
  });
}

void scale_columns(DType dtype, const NormShape& s, const void* x, const double* center,
                   const double* scale, const double* shift, bool relu, void* y) {
  with_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    const std::vector<T> middle = narrow<T>(center, s.columns),
                         factor = narrow<T>(scale, s.columns);
    const std::vector<T> summand = narrow_summand<T>(shift, scale, center, s.columns);
    parallel_for(s.rows, row_grain(s), [&](Size begin, Size end) {
      const Size at = begin * s.columns;
      kernels.scale(end - begin, s.columns, static_cast<const T*>(x) + at, middle.data(),
                    factor.data(), summand.data(), relu, static_cast<T*>(y) + at);
    });
  });
}

void combine_columns(DType dtype, const NormShape& s, const void* dy, const void* x,
                     const double* center, const double* a, const double* b, const double* c,
                     void* dx) {
  with_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    const std::vector<T> middle = narrow<T>(center, s.columns);
    const std::vector<T> of_dy = narrow<T>(a, s.columns), of_x = narrow<T>(b, s.columns);
    const std::vector<T> constant = narrow_summand<T>(c, b, center, s.columns);
    parallel_for(s.rows, row_grain(s), [&](Size begin, Size end) {
      const Size at = begin * s.columns;
      kernels.combine(end - begin, s.columns, static_cast<const T*>(dy) + at,
                      static_cast<const T*>(x) + at, middle.data(), of_dy.data(), of_x.data(),
                      constant.data(), static_cast<T*>(dx) + at);
    });
  });
}

void normalize_rows(DType dtype, const NormShape& s, const void* x, const void* weight,
                    const void* bias, double eps, void* y, double* mean, double* inverse) {
  with_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    parallel_for(s.rows, row_grain(s), [&](Size begin, Size end) {
      const Size at = begin * s.columns;
      kernels.normalize(end - begin, s.columns, static_cast<const T*>(x) + at,
                        static_cast<const T*>(weight), static_cast<const T*>(bias), eps,
                        static_cast<T*>(y) + at, mean + begin, inverse + begin);
    });
  });
}

void normalize_rows_backward(DType dtype, const NormShape& s, const void* dy, const void* x,
                             const void* weight, const double* mean, const double* inverse,
                             void* dx, void* dweight, void* dbias) {
  with_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    std::vector<double> sum_dy(static_cast<std::size_t>(s.columns)), sum_dy_x(sum_dy);
    sum_parts(s, sum_dy.data(), sum_dy_x.data(),
              [&](Size row, Size rows, double* first, double* second) {
                const Size at = row * s.columns;
                std::fill_n(first, s.columns, 0.);
                std::fill_n(second, s.columns, 0.);
                kernels.normalize_backward(rows, s.columns, static_cast<const T*>(dy) + at,
                                           static_cast<const T*>(x) + at,
                                           static_cast<const T*>(weight), mean + row, inverse + row,
                                           static_cast<T*>(dx) + at, first, second);
              });
    auto give = [&](const std::vector<double>& from, void* to) {
      if (to == nullptr) return;
      std::transform(from.begin(), from.end(), static_cast<T*>(to),
                     [](double v) { return static_cast<T>(v); });
    };
    give(sum_dy_x, dweight);
    give(sum_dy, dbias);
  });
}

}  // namespace reel::kernels
