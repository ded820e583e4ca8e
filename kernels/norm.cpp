#include "reel/kernels/norm.h"

#include <algorithm>

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

/// A matrix in memory: the rows of one, or the channels of images.
struct NormShape {
  Size rows = 0, columns = 0;
};

NormShape channels_of(const ConstArray& x) {
  const Size columns = x.size(1);
  return {columns == 0 ? 0 : x.numel() / columns, columns};
}

std::vector<double> repeat(Size count, double value) {
  return std::vector<double>(static_cast<std::size_t>(count), value);
}

template <class T>
std::vector<T> narrow(std::span<const double> values) {
  std::vector<T> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(),
                 [](double v) { return static_cast<T>(v); });
  return result;
}

/// Writes a vector of any stride, unless it is missing.
void assign(const Array& vector, std::span<const double> values) {
  if (!vector) return;
  with_floating(vector.dtype(), [&]<class T>(T) {
    T* to = vector.as<T>();
    for (const double value : values) {
      *to = static_cast<T>(value);
      to += vector.strides()[0];
    }
  });
}

/// What is to be added where `factor` multiplies distances from the center as T holds it, not from
/// the center itself.
template <class T>
std::vector<T> narrow_summand(std::span<const double> summand, std::span<const double> factor,
                              std::span<const double> center) {
  std::vector<T> result(summand.size());
  for (std::size_t c = 0; c < result.size(); ++c) {
    const double rounding = center[c] - static_cast<double>(static_cast<T>(center[c]));
    result[c] = static_cast<T>(summand[c] - rounding * factor[c]);
  }
  return result;
}

Size row_grain(const NormShape& s) {
  return std::max<Size>(1, parallel_grain / std::max<Size>(1, s.columns));
}

/// Two sums for every column, part by part: `f(first row, rows, sums, sums)` gives those of one
/// part.
template <class F>
void sum_parts(const NormShape& s, std::span<double> first_sums, std::span<double> second_sums,
               const F& f) {
  double *first = first_sums.data(), *second = second_sums.data();
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

/// y = (x - center) scale + shift, each given per column.
void scale_columns(const NormShape& s, const ConstArray& x, std::span<const double> center,
                   std::span<const double> scale, std::span<const double> shift, const Array& y) {
  with_kernels(x.dtype(), [&]<class T>(T, const auto& kernels) {
    const std::vector<T> middle = narrow<T>(center), factor = narrow<T>(scale);
    const std::vector<T> summand = narrow_summand<T>(shift, scale, center);
    parallel_for(s.rows, row_grain(s), [&](Size begin, Size end) {
      const Size at = begin * s.columns;
      kernels.scale(end - begin, s.columns, x.as<T>() + at, middle.data(), factor.data(),
                    summand.data(), y.as<T>() + at);
    });
  });
}

/// dx = dy a + (x - center) b + c, each given per column.
void combine_columns(const NormShape& s, const ConstArray& dy, const ConstArray& x,
                     std::span<const double> center, std::span<const double> a,
                     std::span<const double> b, std::span<const double> c, const Array& dx) {
  with_kernels(x.dtype(), [&]<class T>(T, const auto& kernels) {
    const std::vector<T> middle = narrow<T>(center), of_dy = narrow<T>(a), of_x = narrow<T>(b);
    const std::vector<T> constant = narrow_summand<T>(c, b, center);
    parallel_for(s.rows, row_grain(s), [&](Size begin, Size end) {
      const Size at = begin * s.columns;
      kernels.combine(end - begin, s.columns, dy.as<T>() + at, x.as<T>() + at, middle.data(),
                      of_dy.data(), of_x.data(), constant.data(), dx.as<T>() + at);
    });
  });
}

/// The sums over every column of dy and of dy (x - center).
void column_products(const NormShape& s, const ConstArray& dy, const ConstArray& x,
                     std::span<const double> center, std::span<double> sum_dy,
                     std::span<double> sum_dy_x) {
  with_kernels(x.dtype(), [&]<class T>(T, const auto& kernels) {
    const std::vector<T> middle = narrow<T>(center);
    sum_parts(s, sum_dy, sum_dy_x, [&](Size row, Size rows, double* first, double* second) {
      const Size at = row * s.columns;
      kernels.products(rows, s.columns, dy.as<T>() + at, x.as<T>() + at, middle.data(), first,
                       second);
    });
  });
}

/// The factors of every channel, 1 where there are none, times the inverse deviation.
std::vector<double> scale_of(const ConstArray& weight, const ChannelMoments& m) {
  std::vector<double> scale =
      weight ? as_doubles(weight) : repeat(static_cast<Size>(m.inverse.size()), 1);
  for (std::size_t c = 0; c < scale.size(); ++c) scale[c] *= m.inverse[c];
  return scale;
}

}  // namespace

std::vector<double> as_doubles(const ConstArray& vector) {
  std::vector<double> values = repeat(vector.size(0), 0);
  with_floating(vector.dtype(), [&]<class T>(T) {
    const T* from = vector.as<T>();
    for (double& value : values) {
      value = static_cast<double>(*from);
      from += vector.strides()[0];
    }
  });
  return values;
}

void channel_moments(const ConstArray& x, std::span<double> mean, std::span<double> var) {
  const NormShape s = channels_of(x);
  with_kernels(x.dtype(), [&]<class T>(T, const auto& kernels) {
    const T* data = x.as<T>();
    // Around the first row: differences are small where the mean is large against the deviation.
    sum_parts(s, mean, var, [&](Size row, Size rows, double* sums, double* squares) {
      kernels.moments(rows, s.columns, data + row * s.columns, data, sums, squares);
    });
    const auto count = static_cast<double>(s.rows);
    for (std::size_t c = 0; c < mean.size(); ++c) {
      const double shift = mean[c] / count;
      var[c] = std::max(0., var[c] / count - shift * shift);
      mean[c] = static_cast<double>(data[c]) + shift;
    }
  });
}

void move_running(const Array& running, std::span<const double> values, double momentum,
                  double factor) {
  std::vector<double> moved = as_doubles(running);
  for (std::size_t c = 0; c < moved.size(); ++c) {
    moved[c] = (1 - momentum) * moved[c] + momentum * factor * values[c];
  }
  assign(running, moved);
}

void normalize_channels(const ConstArray& x, const ChannelMoments& m, const ConstArray& weight,
                        const ConstArray& bias, const Array& y) {
  const NormShape s = channels_of(x);
  scale_columns(s, x, m.mean, scale_of(weight, m), bias ? as_doubles(bias) : repeat(s.columns, 0),
                y);
}

void normalize_channels_backward(const ConstArray& dy, const ConstArray& x,
                                 const ConstArray& weight, const ChannelMoments& m, const Array& dx,
                                 const Array& dweight, const Array& dbias) {
  const NormShape s = channels_of(x);
  std::vector<double> sum_dy = repeat(s.columns, 0), sum_dy_x = sum_dy;
  if (s.rows > 0 && (m.of_batch || dweight || dbias)) {
    column_products(s, dy, x, m.mean, sum_dy, sum_dy_x);
  }
  if (dx && s.rows > 0) {
    const std::vector<double> of_dy = scale_of(weight, m);
    std::vector<double> of_x = repeat(s.columns, 0), constant = of_x;
    if (m.of_batch) {
      const auto n = static_cast<double>(s.rows);
      for (std::size_t c = 0; c < of_x.size(); ++c) {
        of_x[c] = -of_dy[c] * m.inverse[c] * m.inverse[c] * sum_dy_x[c] / n;
        constant[c] = -of_dy[c] * sum_dy[c] / n;
      }
      combine_columns(s, dy, x, m.mean, of_dy, of_x, constant, dx);
    } else {
      scale_columns(s, dy, constant, of_dy, constant, dx);
    }
  }
  for (std::size_t c = 0; c < sum_dy_x.size(); ++c) sum_dy_x[c] *= m.inverse[c];
  assign(dweight, sum_dy_x);
  assign(dbias, sum_dy);
}

void normalize_rows(const ConstArray& x, const ConstArray& weight, const ConstArray& bias,
                    double eps, const Array& y, std::span<double> mean, std::span<double> inverse) {
  const NormShape s{x.size(0), x.size(1)};
  with_kernels(x.dtype(), [&]<class T>(T, const auto& kernels) {
    parallel_for(s.rows, row_grain(s), [&](Size begin, Size end) {
      const Size at = begin * s.columns;
      kernels.normalize(end - begin, s.columns, x.as<T>() + at, weight.as<T>(), bias.as<T>(), eps,
                        y.as<T>() + at, mean.data() + begin, inverse.data() + begin);
    });
  });
}

void normalize_rows_backward(const ConstArray& dy, const ConstArray& x, const ConstArray& weight,
                             std::span<const double> mean, std::span<const double> inverse,
                             const Array& dx, const Array& dweight, const Array& dbias) {
  const NormShape s{x.size(0), x.size(1)};
  std::vector<double> sum_dy = repeat(s.columns, 0), sum_dy_x = sum_dy;
  with_kernels(x.dtype(), [&]<class T>(T, const auto& kernels) {
    sum_parts(s, sum_dy, sum_dy_x, [&](Size row, Size rows, double* first, double* second) {
      const Size at = row * s.columns;
      std::fill_n(first, s.columns, 0.);
      std::fill_n(second, s.columns, 0.);
      kernels.normalize_backward(rows, s.columns, dy.as<T>() + at, x.as<T>() + at, weight.as<T>(),
                                 mean.data() + row, inverse.data() + row, dx.as<T>() + at, first,
                                 second);
    });
  });
  assign(dweight, sum_dy_x);
  assign(dbias, sum_dy);
}

}  // namespace reel::kernels
