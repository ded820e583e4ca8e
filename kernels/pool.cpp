#include "reel/kernels/pool.h"

#include <algorithm>
#include <cstdint>

#include "reel/kernels/parallel.h"
#include "reel/kernels/pool_table.h"

namespace reel::kernels {
namespace {

/// Calls `f` with the kernels for these types and pointers to match.
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

}  // namespace

DType max_pool_index_dtype(const PoolShape& shape) {
  return shape.kernel_h * shape.kernel_w < 255 ? DType::uint8 : DType::int32;
}

void max_pool2d(DType dtype, const PoolShape& s, const void* x, bool relu, void* y, void* index) {
  with_max_kernels(dtype, s, [&](auto element, auto cell, const auto& kernels) {
    using T = decltype(element);
    using I = decltype(cell);
    const Size work = s.out_w * s.channels * s.kernel_h * s.kernel_w;
    parallel_for(s.batch * s.out_h, grain(work), [&](Size begin, Size end) {
      kernels.forward(s, begin, end, static_cast<const T*>(x), relu, static_cast<T*>(y),
                      static_cast<I*>(index));
    });
  });
}

void max_pool2d_gather(DType dtype, const PoolShape& s, const void* x, const void* index, void* y) {
  with_max_kernels(dtype, s, [&](auto element, auto cell, const auto& kernels) {
    using T = decltype(element);
    using I = decltype(cell);
    const Size work = s.out_w * s.channels * s.kernel_h * s.kernel_w;
    parallel_for(s.batch * s.out_h, grain(work), [&](Size begin, Size end) {
      kernels.gather(s, begin, end, static_cast<const T*>(x), static_cast<const I*>(index),
                     static_cast<T*>(y));
    });
  });
}

void max_pool2d_scatter(DType dtype, const PoolShape& s, const void* dy, const void* index,
                        void* dx) {
  with_max_kernels(dtype, s, [&](auto element, auto cell, const auto& kernels) {
    using T = decltype(element);
    using I = decltype(cell);
    parallel_for(s.batch, grain(s.in_h * s.in_w * s.channels), [&](Size begin, Size end) {
      kernels.scatter(s, begin, end, static_cast<const T*>(dy), static_cast<const I*>(index),
                      static_cast<T*>(dx));
    });
  });
}

void avg_pool2d(DType dtype, const AvgPoolShape& s, const void* x, void* y) {
  with_avg_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    const Size work = s.in_h * s.in_w * s.channels / std::max<Size>(1, s.out_h);
    parallel_for(s.batch * s.out_h, grain(work), [&](Size begin, Size end) {
      kernels.forward(s, begin, end, static_cast<const T*>(x), static_cast<T*>(y));
    });
  });
}

void avg_pool2d_scatter(DType dtype, const AvgPoolShape& s, const void* dy, void* dx) {
  with_avg_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    parallel_for(s.batch, grain(s.in_h * s.in_w * s.channels), [&](Size begin, Size end) {
      kernels.scatter(s, begin, end, static_cast<const T*>(dy), static_cast<T*>(dx));
    });
  });
}

}  // namespace reel::kernels
