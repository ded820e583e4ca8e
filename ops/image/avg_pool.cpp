#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/pool.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/image/images.h"
#include "reel/ops/image/pool.h"
#include "reel/ops/image/windows.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using kernels::AvgPoolShape;
using kernels::Window;
using kernels::WindowAxis;

/// The names of averages over so many axes and of their gradient.
struct OpNames {
  OpName pool, backward, adaptive, lp;
};

const OpNames& op_names(Size axes) {
  static constexpr OpNames names[] = {
      {"avg_pool1d", "avg_pool1d_backward", "adaptive_avg_pool1d", "lp_pool1d"},
      {"avg_pool2d", "avg_pool2d_backward", "adaptive_avg_pool2d", "lp_pool2d"},
      {"avg_pool3d", "avg_pool3d_backward", "adaptive_avg_pool3d", "lp_pool3d"}};
  return names[axes - 1];
}

/// The averages of images: what there is along depth, rows and columns, all of it in one window
/// where images lack the axis.
struct Averages {
  Shape images, pooled;
  std::array<std::vector<Window>, 3> windows;

  AvgPoolShape shape() const {
    AvgPoolShape s;
    s.batch = images[0];
    s.channels = images[1];
    kernels::AvgAxis* axes[] = {&s.depth, &s.rows, &s.columns};
    const Size lacking = 5 - images.size();
    for (Size i = 0; i < 3; ++i) {
      axes[i]->windows = windows[static_cast<std::size_t>(i)].data();
      if (i < lacking) continue;
      axes[i]->in = images[i - lacking + 2];
      axes[i]->out = pooled[i - lacking + 2];
    }
    return s;
  }
};
using AveragesPtr = std::shared_ptr<const Averages>;

/// Averages of which axis i has the windows `windows_of(i)`; all of them divide by `divisor` where
/// it is given.
template <class WindowsOf>
AveragesPtr make_averages(const Shape& images, const WindowsOf& windows_of,
                          std::optional<Size> divisor = {}) {
  auto averages = std::make_shared<Averages>();
  averages->images = images;
  averages->pooled = {images[0], images[1]};
  const Size lacking = 5 - images.size();
  for (Size i = 0; i < 3; ++i) {
    std::vector<Window>& windows = averages->windows[static_cast<std::size_t>(i)];
    windows = i < lacking ? std::vector<Window>{{0, 1, 1}} : windows_of(i - lacking);
    if (i >= lacking) averages->pooled.push_back(static_cast<Size>(windows.size()));
    for (Window& window : windows)
      if (divisor) window.divisor = i == 0 ? *divisor : 1;
  }
  return averages;
}

Tensor average(OpName op, const Tensor& x, const AveragesPtr& a);

Tensor average_backward(OpName op, const Tensor& dy, const AveragesPtr& a) {
  const OpName name = op_names(dy.dim() - 2).backward;
  const detail::OpScope scope(name, dy);
  Tensor dx = detail::empty_channels_last(a->images, dy.dtype());
  if (dx.numel() > 0) {
    const Tensor from = detail::channels_last(dy);
    kernels::avg_pool_scatter(a->shape(), detail::readable(from), detail::writable(dx));
  }
  return record(name, std::move(dx),
                wrt(dy, [op, a](const Tensor& g) { return average(op, g, a); }));
}

Tensor average(OpName op, const Tensor& x, const AveragesPtr& a) {
  const detail::OpScope scope(op, x);
  Tensor y = detail::empty_channels_last(a->pooled, x.dtype());
  if (y.numel() > 0) {
    const Tensor from = detail::channels_last(x);
    kernels::avg_pool(a->shape(), detail::readable(from), detail::writable(y));
  }
  return record(op, std::move(y),
                wrt(x, [op, a](const Tensor& dy) { return average_backward(op, dy, a); }));
}

std::vector<Window> regular_windows(const WindowAxis& axis, bool count_padding) {
  std::vector<Window> windows;
  for (Size i = 0; i < axis.out; ++i) {
    const Size begin = i * axis.stride - axis.padding;
    const Size end = std::min(begin + axis.kernel, axis.in + axis.padding);
    const Window inside{std::max<Size>(begin, 0), std::min(end, axis.in), 1};
    windows.push_back(
        {inside.begin, inside.end, count_padding ? end - begin : inside.end - inside.begin});
  }
  return windows;
}

std::vector<Window> even_windows(Size in, Size out) {
  std::vector<Window> windows;
  for (Size i = 0; i < out; ++i) windows.push_back(detail::even_window(in, out, i));
  return windows;
}

/// A batch of averages under the name `op`, of `avg_pool2d` or what is made of it.
template <int axes>
Tensor avg_pool_batch(OpName op, const Tensor& x, const Shape& kernel,
                      const AvgPoolOptions<axes>& o) {
  using detail::numbers;
  detail::WindowAxes windows =
      detail::window_axes(op, x.shape(),
                          {.kernel = kernel,
                           .stride = detail::stride_of(numbers(o.stride), kernel),
                           .padding = numbers(o.padding),
                           .dilation = Shape::repeat(axes, 1)});
  check(o.divisor_override.value_or(1) != 0, op, "expected a divisor_override other than 0, got 0");
  for (WindowAxis& axis : windows) axis.out = detail::count_pool_windows(op, axis, o.ceil_mode);
  return average(
      op, x,
      make_averages(
          x.shape(),
          [&](Size i) { return regular_windows(windows.begin()[i], o.count_include_pad); },
          o.divisor_override));
}

}  // namespace

template <int axes>
Tensor detail::avg_pool(const Tensor& x, const Sizes<axes>& kernel_size,
                        const AvgPoolOptions<axes>& options) {
  const OpName op = op_names(axes).pool;
  check_images(op, axes, x);
  if (is_batched(x)) [[unlikely]] {
    const auto again = [&](const Tensor& all) { return avg_pool(all, kernel_size, options); };
    return of_images(op, axes, again, x);
  }
  if (x.dim() == axes + 1) return squeeze(avg_pool(unsqueeze(x, 0), kernel_size, options), 0);
  return avg_pool_batch(op, x, numbers(kernel_size), options);
}

template <int axes>
Tensor detail::lp_pool(const Tensor& x, double p, const Sizes<axes>& kernel_size,
                       const LPPoolOptions<axes>& o) {
  const OpName op = op_names(axes).lp;
  check_images(op, axes, x);
  check(p != 0, op, "expected a power other than 0, got 0");
  if (is_batched(x)) [[unlikely]] {
    const auto again = [&](const Tensor& all) { return lp_pool(all, p, kernel_size, o); };
    return of_images(op, axes, again, x);
  }
  if (x.dim() == axes + 1) return squeeze(lp_pool(unsqueeze(x, 0), p, kernel_size, o), 0);
  const Shape kernel = numbers(kernel_size);
  const AvgPoolOptions<axes> options{.stride = o.stride, .ceil_mode = o.ceil_mode};
  const Tensor sums = mul(avg_pool_batch(op, pow(x, p), kernel, options), kernel.numel());
  const Tensor nothing = sums == 0;
  return where(nothing, 0, pow(where(nothing, 1, sums), 1 / p));
}

template <int axes>
Tensor detail::adaptive_avg_pool(const Tensor& x, const Sizes<axes>& output_size) {
  const OpName op = op_names(axes).adaptive;
  check_images(op, axes, x);
  if (is_batched(x)) [[unlikely]] {
    const auto again = [&](const Tensor& all) { return adaptive_avg_pool(all, output_size); };
    return of_images(op, axes, again, x);
  }
  if (x.dim() == axes + 1) return squeeze(adaptive_avg_pool(unsqueeze(x, 0), output_size), 0);
  const Shape sizes = adaptive_sizes(op, x.shape(), numbers(output_size));
  return average(op, x, make_averages(x.shape(), [&](Size i) {
                   return even_windows(x.shape()[i + 2], sizes[i]);
                 }));
}

template REEL_API Tensor detail::avg_pool(const Tensor&, const Sizes<1>&, const AvgPool1dOptions&);
template REEL_API Tensor detail::lp_pool(const Tensor&, double, const Sizes<1>&,
                                         const LPPool1dOptions&);
template REEL_API Tensor detail::adaptive_avg_pool(const Tensor&, const Sizes<1>&);
template REEL_API Tensor detail::avg_pool(const Tensor&, const Sizes<2>&, const AvgPool2dOptions&);
template REEL_API Tensor detail::lp_pool(const Tensor&, double, const Sizes<2>&,
                                         const LPPool2dOptions&);
template REEL_API Tensor detail::adaptive_avg_pool(const Tensor&, const Sizes<2>&);
template REEL_API Tensor detail::avg_pool(const Tensor&, const Sizes<3>&, const AvgPool3dOptions&);
template REEL_API Tensor detail::lp_pool(const Tensor&, double, const Sizes<3>&,
                                         const LPPool3dOptions&);
template REEL_API Tensor detail::adaptive_avg_pool(const Tensor&, const Sizes<3>&);

Tensor avg_pool1d(const Tensor& x, const Sizes<1>& kernel_size, const AvgPool1dOptions& options) {
  return detail::avg_pool(x, kernel_size, options);
}

Tensor lp_pool1d(const Tensor& x, double p, const Sizes<1>& kernel_size,
                 const LPPool1dOptions& options) {
  return detail::lp_pool(x, p, kernel_size, options);
}

Tensor adaptive_avg_pool1d(const Tensor& x, const Sizes<1>& output_size) {
  return detail::adaptive_avg_pool(x, output_size);
}

Tensor avg_pool2d(const Tensor& x, const Sizes<2>& kernel_size, const AvgPool2dOptions& options) {
  return detail::avg_pool(x, kernel_size, options);
}

Tensor lp_pool2d(const Tensor& x, double p, const Sizes<2>& kernel_size,
                 const LPPool2dOptions& options) {
  return detail::lp_pool(x, p, kernel_size, options);
}

Tensor adaptive_avg_pool2d(const Tensor& x, const Sizes<2>& output_size) {
  return detail::adaptive_avg_pool(x, output_size);
}

Tensor avg_pool3d(const Tensor& x, const Sizes<3>& kernel_size, const AvgPool3dOptions& options) {
  return detail::avg_pool(x, kernel_size, options);
}

Tensor lp_pool3d(const Tensor& x, double p, const Sizes<3>& kernel_size,
                 const LPPool3dOptions& options) {
  return detail::lp_pool(x, p, kernel_size, options);
}

Tensor adaptive_avg_pool3d(const Tensor& x, const Sizes<3>& output_size) {
  return detail::adaptive_avg_pool(x, output_size);
}

}  // namespace reel
