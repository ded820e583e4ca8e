#include "reel/kernels/pool.h"

#include <algorithm>
#include <cstdint>

#include "reel/kernels/parallel.h"
#include "reel/kernels/pool_table.h"

namespace reel::kernels {
namespace {

/// Calls `f` with the kernels for these types and a number of each of the two.
template <class F>
void with_max_kernels(DType dtype, const PoolShape& shape, const F& f) {
  const PoolTable& table = pool_table();
  const bool small = max_pool_index_dtype(shape) == DType::uint8;
  if (dtype == DType::float32) {
    small ? f(float{}, std::uint8_t{}, table.max_float_small)
          : f(float{}, std::int32_t{}, table.max_float_large);
  } else {
    small ? f(double{}, std::uint8_t{}, table.max_double_small)
          : f(double{}, std::int32_t{}, table.max_double_large);
  }
}

template <class F>
void with_avg_kernels(DType dtype, const F& f) {
  dtype == DType::float32 ? f(float{}, pool_table().avg_float)
                          : f(double{}, pool_table().avg_double);
}

/// How many rows or images of `cells` elements each make a thread's share.
Size grain(Size cells) { return std::max<Size>(1, parallel_grain / std::max<Size>(1, cells)); }

Size in_pixels(const PoolShape& s) { return s.depth.in * s.rows.in * s.columns.in; }
Size in_pixels(const AvgPoolShape& s) { return s.depth.in * s.rows.in * s.columns.in; }

}  // namespace

DType max_pool_index_dtype(const PoolShape& shape) {
  return shape.depth.kernel * shape.rows.kernel * shape.columns.kernel < 255 ? DType::uint8
                                                                             : DType::int32;
}

void max_pool(const PoolShape& s, const ConstArray& x, bool relu, const Array& y,
              const Array& index) {
  with_max_kernels(x.dtype(), s, [&]<class T, class I>(T, I, const auto& kernels) {
    const Size cells = s.depth.kernel * s.rows.kernel * s.columns.kernel;
    parallel_for(s.batch * s.depth.out * s.rows.out, grain(s.columns.out * s.channels * cells),
                 [&](Size begin, Size end) {
                   kernels.forward(s, begin, end, x.as<T>(), relu, y.as<T>(), index.as<I>());
                 });
  });
}

void max_pool_gather(const PoolShape& s, const ConstArray& x, const ConstArray& index,
                     const Array& y) {
  with_max_kernels(x.dtype(), s, [&]<class T, class I>(T, I, const auto& kernels) {
    const Size cells = s.depth.kernel * s.rows.kernel * s.columns.kernel;
    parallel_for(s.batch * s.depth.out * s.rows.out, grain(s.columns.out * s.channels * cells),
                 [&](Size begin, Size end) {
                   kernels.gather(s, begin, end, x.as<T>(), index.as<I>(), y.as<T>());
                 });
  });
}

namespace {

/// Where cell 0 of a window along an axis lies.
Size origin_of(const WindowAxis& a, bool even, Size out) {
  return even ? out * a.in / a.out : out * a.stride - a.padding;
}

template <class I>
void positions_of(const PoolShape& s, const I* index, Size* positions) {
  constexpr auto nothing = static_cast<I>(-1);
  const Size rows = s.depth.out * s.rows.out;
  parallel_for(s.batch * rows, grain(s.columns.out * s.channels), [&](Size begin, Size end) {
    Size i = begin * s.columns.out * s.channels;
    for (Size row = begin; row < end; ++row) {
      const Size depth = origin_of(s.depth, s.even, row % rows / s.rows.out);
      const Size top = origin_of(s.rows, s.even, row % s.rows.out);
      for (Size ow = 0; ow < s.columns.out; ++ow) {
        const Size left = origin_of(s.columns, s.even, ow);
        for (Size c = 0; c < s.channels; ++c, ++i) {
          const Size cell = index[i], line = cell / s.columns.kernel;
          const Size d = depth + line / s.rows.kernel * s.depth.dilation;
          const Size h = top + line % s.rows.kernel * s.rows.dilation;
          const Size w = left + cell % s.columns.kernel * s.columns.dilation;
          positions[i] = index[i] == nothing ? -1 : (d * s.rows.in + h) * s.columns.in + w;
        }
      }
    }
  });
}

}  // namespace

void max_pool_positions(const PoolShape& s, const ConstArray& index, const Array& positions) {
  if (max_pool_index_dtype(s) == DType::uint8) {
    positions_of(s, index.as<std::uint8_t>(), positions.as<Size>());
  } else {
    positions_of(s, index.as<std::int32_t>(), positions.as<Size>());
  }
}

void max_pool_scatter(const PoolShape& s, const ConstArray& dy, const ConstArray& index,
                      const Array& dx) {
  with_max_kernels(dy.dtype(), s, [&]<class T, class I>(T, I, const auto& kernels) {
    parallel_for(s.batch, grain(in_pixels(s) * s.channels), [&](Size begin, Size end) {
      kernels.scatter(s, begin, end, dy.as<T>(), index.as<I>(), dx.as<T>());
    });
  });
}

void avg_pool(const AvgPoolShape& s, const ConstArray& x, const Array& y) {
  with_avg_kernels(x.dtype(), [&]<class T>(T, const auto& kernels) {
    const Size rows = s.depth.out * s.rows.out;
    const Size work = in_pixels(s) * s.channels / std::max<Size>(1, rows);
    parallel_for(s.batch * rows, grain(work), [&](Size begin, Size end) {
      kernels.forward(s, begin, end, x.as<T>(), y.as<T>());
    });
  });
}

void avg_pool_scatter(const AvgPoolShape& s, const ConstArray& dy, const Array& dx) {
  with_avg_kernels(dy.dtype(), [&]<class T>(T, const auto& kernels) {
    parallel_for(s.batch, grain(in_pixels(s) * s.channels), [&](Size begin, Size end) {
      kernels.scatter(s, begin, end, dy.as<T>(), dx.as<T>());
    });
  });
}

}  // namespace reel::kernels
