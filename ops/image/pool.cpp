#include "reel/ops/image/pool.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/pool.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/image/images.h"
#include "reel/ops/image/windows.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"

namespace reel {
namespace {

using detail::check_pair;
using detail::WindowAxis;
using kernels::AvgPoolShape;
using kernels::PoolShape;
using kernels::Window;

/// Checks `[N, C, H, W]` or one image `[C, H, W]`, as the user gave it.
void check_images(const char* op, const Tensor& x) {
  detail::check_defined(op, "input", x);
  check(x.dim() == 4 || x.dim() == 3, op, "expected input [N, C, H, W] or [C, H, W], got shape {}",
        x.shape());
  check(x.is_floating_point(), op, "expected float32 or float64, got {}\nhelp: x.to(float32)",
        x.dtype());
  const Size* size = x.shape().end() - 3;
  check(size[0] > 0 && size[1] > 0 && size[2] > 0, op,
        "expected images with channels and pixels, got shape {}", x.shape());
}

Pair stride_of(const Pair& stride, const Pair& kernel) {
  return stride == same_as_kernel ? kernel : stride;
}

/// How many windows of a pool fit along one axis.
Size count_pool_windows(const char* op, const WindowAxis& axis, bool ceil_mode) {
  detail::check_padding_within_half(op, axis);
  return detail::count_windows(op, axis, ceil_mode);
}

// ---- maxima

Shape image_shape(const PoolShape& s) { return {s.batch, s.channels, s.in_h, s.in_w}; }
Shape pooled_shape(const PoolShape& s) { return {s.batch, s.channels, s.out_h, s.out_w}; }

// Scattering gradients to where the maxima were, and gathering from there, are each other's
// derivative.

Tensor max_pool_gather(const Tensor& x, const Tensor& index, const PoolShape& s) {
  const detail::OpScope scope("max_pool2d_gather", x);
  Tensor y = detail::empty_channels_last(pooled_shape(s), x.dtype());
  if (s.batch > 0) {
    const Tensor from = detail::channels_last(x);
    kernels::max_pool2d_gather(x.dtype(), s, from.impl().data, index.impl().data, y.impl().data);
  }
  return record("max_pool2d_gather", std::move(y), wrt(x, [index, s](const Tensor& dy) {
                  return detail::max_pool_scatter(dy, index, s);
                }));
}

}  // namespace

Tensor detail::empty_pooled(const PoolShape& s, DType dtype) {
  return empty_channels_last(pooled_shape(s), dtype);
}

Tensor detail::max_pool_scatter(const Tensor& dy, const Tensor& index, const PoolShape& s) {
  const detail::OpScope scope("max_pool2d_backward", dy);
  Tensor dx = detail::empty_channels_last(image_shape(s), dy.dtype());
  if (s.batch > 0) {
    const Tensor from = detail::channels_last(dy);
    kernels::max_pool2d_scatter(dy.dtype(), s, from.impl().data, index.impl().data, dx.impl().data);
  }
  return record("max_pool2d_backward", std::move(dx),
                wrt(dy, [index, s](const Tensor& g) { return max_pool_gather(g, index, s); }));
}

PoolShape detail::max_pool_shape(const char* op, const Shape& images, const Pair& kernel,
                                 const MaxPool2dOptions& o) {
  auto [rows, columns] = window_axes(op, images,
                                     {.kernel = kernel,
                                      .stride = stride_of(o.stride, kernel),
                                      .padding = o.padding,
                                      .dilation = o.dilation});
  const Size out_h = count_pool_windows(op, rows, o.ceil_mode);
  const Size out_w = count_pool_windows(op, columns, o.ceil_mode);
  rows = without_idle_cells(rows, out_h);
  columns = without_idle_cells(columns, out_w);
  constexpr Size most_cells = std::numeric_limits<std::int32_t>::max();  // they are numbered
  check(rows.kernel <= most_cells / columns.kernel, op,
        "expected windows of at most {} cells, got {} x {}", most_cells, rows.kernel,
        columns.kernel);
  return {.batch = images[0],
          .channels = images[1],
          .in_h = images[2],
          .in_w = images[3],
          .out_h = out_h,
          .out_w = out_w,
          .kernel_h = rows.kernel,
          .kernel_w = columns.kernel,
          .stride_h = rows.stride,
          .stride_w = columns.stride,
          .padding_h = rows.padding,
          .padding_w = columns.padding,
          .dilation_h = rows.dilation,
          .dilation_w = columns.dilation};
}

namespace {

Tensor max_pool(OpName op, const Tensor& x, const Pair& kernel, const MaxPool2dOptions& o,
                bool relu) {
  const detail::OpScope scope(op, x);
  check_images("max_pool2d", x);
  if (x.dim() == 3) return squeeze(max_pool(op, unsqueeze(x, 0), kernel, o, relu), 0);
  const PoolShape s = detail::max_pool_shape("max_pool2d", x.shape(), kernel, o);
  Tensor y = detail::empty_pooled(s, x.dtype());
  const Tensor index =
      recording(x) ? detail::empty_pooled(s, kernels::max_pool_index_dtype(s)) : Tensor();
  if (s.batch > 0) {
    const Tensor from = detail::channels_last(x);
    kernels::max_pool2d(x.dtype(), s, from.impl().data, relu, y.impl().data,
                        index.defined() ? index.impl().data : nullptr);
  }
  return record(op, std::move(y), wrt(x, [index, s](const Tensor& dy) {
                  return detail::max_pool_scatter(dy, index, s);
                }));
}

// ---- averages

struct Averages {
  Shape image, pooled;
  std::vector<Window> rows, columns;
};
using AveragesPtr = std::shared_ptr<const Averages>;

AvgPoolShape kernel_shape(const Averages& a) {
  return {.batch = a.image[0],
          .channels = a.image[1],
          .in_h = a.image[2],
          .in_w = a.image[3],
          .out_h = a.pooled[2],
          .out_w = a.pooled[3],
          .rows = a.rows.data(),
          .columns = a.columns.data()};
}

Tensor average(OpName op, const Tensor& x, const AveragesPtr& a);

Tensor average_backward(OpName op, const Tensor& dy, const AveragesPtr& a) {
  const detail::OpScope scope("avg_pool2d_backward", dy);
  Tensor dx = detail::empty_channels_last(a->image, dy.dtype());
  if (dx.numel() > 0) {
    const Tensor from = detail::channels_last(dy);
    kernels::avg_pool2d_scatter(dy.dtype(), kernel_shape(*a), from.impl().data, dx.impl().data);
  }
  return record("avg_pool2d_backward", std::move(dx),
                wrt(dy, [op, a](const Tensor& g) { return average(op, g, a); }));
}

Tensor average(OpName op, const Tensor& x, const AveragesPtr& a) {
  const detail::OpScope scope(op, x);
  Tensor y = detail::empty_channels_last(a->pooled, x.dtype());
  if (y.numel() > 0) {
    const Tensor from = detail::channels_last(x);
    kernels::avg_pool2d(x.dtype(), kernel_shape(*a), from.impl().data, y.impl().data);
  }
  return record(op, std::move(y),
                wrt(x, [op, a](const Tensor& dy) { return average_backward(op, dy, a); }));
}

std::vector<Window> regular_windows(const WindowAxis& axis, Size count, bool count_padding) {
  std::vector<Window> windows;
  for (Size i = 0; i < count; ++i) {
    const Size begin = i * axis.stride - axis.padding;
    const Size end = std::min(begin + axis.kernel, axis.input + axis.padding);
    const Window inside{std::max<Size>(begin, 0), std::min(end, axis.input), 1};
    windows.push_back(
        {inside.begin, inside.end, count_padding ? end - begin : inside.end - inside.begin});
  }
  return windows;
}

std::vector<Window> even_windows(Size in, Size out) {
  std::vector<Window> windows;
  for (Size i = 0; i < out; ++i) {
    const Size begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    windows.push_back({begin, end, end - begin});
  }
  return windows;
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const Pair& kernel_size, const MaxPool2dOptions& options) {
  return max_pool("max_pool2d", x, kernel_size, options, false);
}

Tensor detail::relu_max_pool2d(const Tensor& x, const Pair& kernel_size,
                               const MaxPool2dOptions& options) {
  return max_pool("relu_max_pool2d", x, kernel_size, options, true);
}

Tensor avg_pool2d(const Tensor& x, const Pair& kernel, const AvgPool2dOptions& o) {
  constexpr OpName op = "avg_pool2d";
  check_images(op, x);
  if (x.dim() == 3) return squeeze(avg_pool2d(unsqueeze(x, 0), kernel, o), 0);
  const auto [rows, columns] = detail::window_axes(
      op, x.shape(),
      {.kernel = kernel, .stride = stride_of(o.stride, kernel), .padding = o.padding});
  const Size out_h = count_pool_windows(op, rows, o.ceil_mode);
  const Size out_w = count_pool_windows(op, columns, o.ceil_mode);
  return average(op, x,
                 std::make_shared<const Averages>(
                     Averages{x.shape(),
                              {x.shape()[0], x.shape()[1], out_h, out_w},
                              regular_windows(rows, out_h, o.count_include_pad),
                              regular_windows(columns, out_w, o.count_include_pad)}));
}

Tensor adaptive_avg_pool2d(const Tensor& x, const Pair& size) {
  constexpr OpName op = "adaptive_avg_pool2d";
  check_images(op, x);
  if (x.dim() == 3) return squeeze(adaptive_avg_pool2d(unsqueeze(x, 0), size), 0);
  check_pair(op, "an output size", size, 1);
  detail::checked_numel(op, {x.shape()[0], x.shape()[1], size.h, size.w});
  return average(
      op, x,
      std::make_shared<const Averages>(Averages{x.shape(),
                                                {x.shape()[0], x.shape()[1], size.h, size.w},
                                                even_windows(x.shape()[2], size.h),
                                                even_windows(x.shape()[3], size.w)}));
}

}  // namespace reel
