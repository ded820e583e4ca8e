#include <algorithm>
#include <cstdint>
#include <limits>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/detail/give_away.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/pool.h"
#include "reel/ops/create/create.h"
#include "reel/ops/image/channels_last.h"
#include "reel/ops/image/images.h"
#include "reel/ops/image/pool.h"
#include "reel/ops/image/windows.h"
#include "reel/ops/index/index.h"
#include "reel/ops/pointwise/pointwise_backward.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;
using kernels::PoolShape;
using kernels::WindowAxis;

/// The names of a maximum over so many axes, its gradient, that one's gradient, and of a
/// convolution's maxima.
struct OpNames {
  OpName pool, backward, gather, of_conv, adaptive, unpool;
};

const OpNames& op_names(Size axes) {
  static constexpr OpNames names[] = {{"max_pool1d", "max_pool1d_backward", "max_pool1d_gather",
                                       "conv1d_max_pool1d", "adaptive_max_pool1d", "max_unpool1d"},
                                      {"max_pool2d", "max_pool2d_backward", "max_pool2d_gather",
                                       "conv2d_max_pool2d", "adaptive_max_pool2d", "max_unpool2d"},
                                      {"max_pool3d", "max_pool3d_backward", "max_pool3d_gather",
                                       "conv3d_max_pool3d", "adaptive_max_pool3d", "max_unpool3d"}};
  return names[axes - 1];
}

Size axes_of(const Tensor& batch) { return batch.dim() - 2; }

// Scattering gradients to where the maxima were, and gathering from there, are each other's
// derivative.

Tensor max_pool_gather(const Tensor& x, const Tensor& index, const PoolShape& s) {
  const OpName op = op_names(axes_of(x)).gather;
  const detail::OpScope scope(op, x);
  Tensor y = detail::empty_pooled(axes_of(x), s, x.dtype());
  if (s.batch > 0) {
    const Tensor from = detail::channels_last(x);
    kernels::max_pool_gather(s, readable(from), readable(index), writable(y));
  }
  return record(op, std::move(y), wrt(x, [index, s](const Tensor& dy) {
                  return detail::max_pool_scatter(dy, index, s);
                }));
}

}  // namespace

Tensor detail::empty_pooled(Size axes, const PoolShape& s, DType dtype) {
  return empty_channels_last(output_shape(s, s.channels, axes), dtype);
}

Tensor detail::max_pool_scatter(const Tensor& dy, const Tensor& index, const PoolShape& s) {
  const OpName op = op_names(axes_of(dy)).backward;
  const OpScope scope(op, dy);
  Tensor dx = empty_channels_last(input_shape(s, s.channels, axes_of(dy)), dy.dtype());
  if (s.batch > 0) {
    const Tensor from = channels_last(dy);
    kernels::max_pool_scatter(s, readable(from), readable(index), writable(dx));
  }
  return record(op, std::move(dx),
                wrt(dy, [index, s](const Tensor& g) { return max_pool_gather(g, index, s); }));
}

namespace {

/// Throws where there are too many cells to be numbered.
void check_cells(const char* op, const detail::WindowAxes& axes) {
  constexpr Size most_cells = std::numeric_limits<std::int32_t>::max();
  Size left = most_cells;
  std::string cells;
  for (const WindowAxis& axis : axes) {
    left /= axis.kernel;
    cells += fmt::format("{}{}", cells.empty() ? "" : " x ", axis.kernel);
  }
  check(left > 0, op, "expected windows of at most {} cells, got {}", most_cells, cells);
}

PoolShape shape_of(const Shape& images, const detail::WindowAxes& axes, bool even) {
  const auto& [depth, rows, columns] = axes.all;
  return {.batch = images[0],
          .channels = images[1],
          .depth = depth,
          .rows = rows,
          .columns = columns,
          .even = even};
}

}  // namespace

PoolShape detail::max_pool_shape(const char* op, const Shape& images, const MaxPoolNumbers& o) {
  WindowAxes axes = window_axes(op, images, {o.kernel, o.stride, o.padding, o.dilation});
  for (WindowAxis& axis : axes) axis.out = count_pool_windows(op, axis, o.ceil_mode);
  for (WindowAxis& axis : axes) axis = without_idle_cells(axis);
  check_cells(op, axes);
  return shape_of(images, axes, false);
}

namespace {

PoolShape adaptive_shape(const char* op, const Shape& images, const Shape& sizes) {
  detail::WindowAxes axes{{}, sizes.size()};
  bool even = false;
  for (Size i = 0; i < sizes.size(); ++i) {
    WindowAxis& axis = axes.begin()[i];
    axis = {.in = images[i + 2], .out = sizes[i], .kernel = 0, .stride = 0};
    for (Size out = 0; out < axis.out; ++out) {
      const kernels::Window window = detail::even_window(axis.in, axis.out, out);
      axis.kernel = std::max(axis.kernel, window.end - window.begin);
    }
    even = even || axis.in % axis.out != 0;
  }
  for (WindowAxis& axis : axes) axis.stride = even ? 0 : axis.kernel;
  check_cells(op, axes);
  return shape_of(images, axes, even);
}

Tensor max_pool_batch(OpName op, Tensor x, const PoolShape& s) {
  const detail::OpScope scope(op, x);
  // A ReLU before it that nobody else sees is left to the pooling, and a convolution before that
  // sends its gradients back together with it.
  const bool relu = detail::remove(x, detail::relu_epilogue);
  const Size axes = axes_of(x);
  Tensor y = detail::empty_pooled(axes, s, x.dtype());
  const Tensor index =
      recording(x) ? detail::empty_pooled(axes, s, kernels::max_pool_index_dtype(s)) : Tensor();
  if (s.batch > 0) {
    const Tensor from = detail::channels_last(x);
    kernels::max_pool(s, readable(from), relu, writable(y), writable(index));
  }
  if (auto* conv = detail::maker<detail::ConvRule>(x)) {
    return detail::record_instead(
        op_names(axes).of_conv, std::move(y), *conv,
        [rule = conv->rule(), index, s](const Tensor& dy, const Needs& needs) {
          return detail::conv_pool_gradients(rule, s, index, dy, needs);
        });
  }
  return record(op, std::move(y), wrt(x, [index, s](const Tensor& dy) {
                  return detail::max_pool_scatter(dy, index, s);
                }));
}

MaxPooled max_pool_batch_with_indices(OpName op, const Tensor& x, const PoolShape& s) {
  const detail::OpScope scope(op, x);
  const Size axes = axes_of(x);
  Tensor y = detail::empty_pooled(axes, s, x.dtype());
  const Tensor index = detail::empty_pooled(axes, s, kernels::max_pool_index_dtype(s));
  const Tensor indices = detail::empty_pooled(axes, s, int64);
  if (s.batch > 0) {
    const Tensor from = detail::channels_last(x);
    kernels::max_pool(s, readable(from), false, writable(y), writable(index));
    kernels::max_pool_positions(s, readable(index), writable(indices));
  }
  return {record(op, std::move(y),
                 wrt(x, [index,
                         s](const Tensor& dy) { return detail::max_pool_scatter(dy, index, s); })),
          indices};
}

MaxPooled without_batch(const MaxPooled& pooled) {
  return {squeeze(pooled.values, 0), squeeze(pooled.indices, 0)};
}

/// The sizes of the images that gave `pooled` `[.., H', W']`.
template <int axes>
Shape unpooled_sizes(const char* op, const Shape& pooled, const Sizes<axes>& kernel_size,
                     const MaxUnpoolOptions<axes>& o) {
  using detail::numbers;
  const Shape kernel = numbers(kernel_size), padding = numbers(o.padding);
  const Shape stride = detail::stride_of(numbers(o.stride), kernel);
  detail::check_sizes(op, "a kernel", kernel, 1);
  detail::check_sizes(op, "a stride", stride, 1);
  detail::check_sizes(op, "a padding", padding, 0);
  Shape sizes;
  for (Size i = 0; i < axes; ++i) {
    const Size in = pooled[pooled.size() - axes + i];
    sizes.push_back((in - 1) * stride[i] - 2 * padding[i] + kernel[i]);
  }
  if (o.output_size) {
    const Shape given = numbers(*o.output_size);
    for (Size i = 0; i < axes; ++i) {
      check(std::abs(given[i] - sizes[i]) < stride[i], op,
            "expected an output_size less than one stride {} from {}, got {}",
            detail::listed(stride), detail::listed(sizes), detail::listed(given));
    }
    sizes = given;
  }
  detail::check_sizes(op, "an output size", sizes, 1);
  return sizes;
}

}  // namespace

template <int axes>
Tensor detail::max_pool(Tensor x, const Sizes<axes>& kernel_size,
                        const MaxPoolOptions<axes>& options) {
  const OpName op = op_names(axes).pool;
  check_images(op, axes, x);
  if (is_batched(x)) [[unlikely]] {
    const auto again = [&](const Tensor& all) { return max_pool(all, kernel_size, options); };
    return of_images(op, axes, again, x);
  }
  if (x.dim() == axes + 1) return squeeze(max_pool(unsqueeze(x, 0), kernel_size, options), 0);
  const PoolShape shape = max_pool_shape(op, x.shape(), {kernel_size, options});
  return max_pool_batch(op, std::move(x), shape);
}

template <int axes>
MaxPooled detail::max_pool_with_indices(const Tensor& x, const Sizes<axes>& kernel_size,
                                        const MaxPoolOptions<axes>& options) {
  const OpName op = op_names(axes).pool;
  check_images(op, axes, x);
  if (is_batched(x)) [[unlikely]] {
    const auto again = [&](const Tensor& all) {
      const MaxPooled pooled = max_pool_with_indices(all, kernel_size, options);
      return std::vector{pooled.values, pooled.indices};
    };
    const std::vector<Tensor> pooled = results_of_images(op, axes, again, x);
    return {pooled[0], pooled[1]};
  }
  if (x.dim() == axes + 1)
    return without_batch(max_pool_with_indices(unsqueeze(x, 0), kernel_size, options));
  return max_pool_batch_with_indices(op, x, max_pool_shape(op, x.shape(), {kernel_size, options}));
}

template <int axes>
Tensor detail::adaptive_max_pool(const Tensor& x, const Sizes<axes>& output_size) {
  const OpName op = op_names(axes).adaptive;
  check_images(op, axes, x);
  if (is_batched(x)) [[unlikely]] {
    const auto again = [&](const Tensor& all) { return adaptive_max_pool(all, output_size); };
    return of_images(op, axes, again, x);
  }
  if (x.dim() == axes + 1) return squeeze(adaptive_max_pool(unsqueeze(x, 0), output_size), 0);
  const Shape sizes = adaptive_sizes(op, x.shape(), numbers(output_size));
  return max_pool_batch(op, x, adaptive_shape(op, x.shape(), sizes));
}

template <int axes>
MaxPooled detail::adaptive_max_pool_with_indices(const Tensor& x, const Sizes<axes>& output_size) {
  const OpName op = op_names(axes).adaptive;
  check_images(op, axes, x);
  if (is_batched(x)) [[unlikely]] {
    const auto again = [&](const Tensor& all) {
      const MaxPooled pooled = adaptive_max_pool_with_indices(all, output_size);
      return std::vector{pooled.values, pooled.indices};
    };
    const std::vector<Tensor> pooled = results_of_images(op, axes, again, x);
    return {pooled[0], pooled[1]};
  }
  if (x.dim() == axes + 1)
    return without_batch(adaptive_max_pool_with_indices(unsqueeze(x, 0), output_size));
  const Shape sizes = adaptive_sizes(op, x.shape(), numbers(output_size));
  return max_pool_batch_with_indices(op, x, adaptive_shape(op, x.shape(), sizes));
}

template <int axes>
Tensor detail::max_unpool(const Tensor& x, const Tensor& indices, const Sizes<axes>& kernel_size,
                          const MaxUnpoolOptions<axes>& options) {
  const OpName op = op_names(axes).unpool;
  check_images(op, axes, x);
  check_defined(op, "indices", indices);
  check(indices.shape() == x.shape(), op, "expected indices of the input's shape {}, got {}",
        x.shape(), indices.shape());
  check(indices.dtype() == int64, op, "expected int64 indices, got {}", indices.dtype());
  const Shape sizes = unpooled_sizes(op, x.shape(), kernel_size, options);
  Shape images(x.shape().begin(), x.shape().end() - axes);
  const Size planes = images.numel(), pixels = sizes.numel();
  for (const Size size : sizes) images.push_back(size);
  checked_numel(op, images);
  if (x.numel() > 0) {
    const NoGradGuard no_grad;
    const Tensor every = detail::all_samples(indices);
    const Size low = amin(every).item<Size>(), high = amax(every).item<Size>();
    check(low >= 0 && high < pixels, op, "expected indices in [0, {}), got {}", pixels,
          low < 0 ? low : high);
  }
  const Shape flat{planes, x.numel() / std::max<Size>(1, planes)};
  return reshape(scatter(zeros({planes, pixels}, {.dtype = x.dtype()}), 1, reshape(indices, flat),
                         reshape(x, flat)),
                 images);
}

template REEL_API Tensor detail::max_pool(Tensor, const Sizes<1>&, const MaxPool1dOptions&);
template REEL_API MaxPooled detail::max_pool_with_indices(const Tensor&, const Sizes<1>&,
                                                          const MaxPool1dOptions&);
template REEL_API Tensor detail::adaptive_max_pool(const Tensor&, const Sizes<1>&);
template REEL_API MaxPooled detail::adaptive_max_pool_with_indices(const Tensor&, const Sizes<1>&);
template REEL_API Tensor detail::max_unpool(const Tensor&, const Tensor&, const Sizes<1>&,
                                            const MaxUnpool1dOptions&);
template REEL_API Tensor detail::max_pool(Tensor, const Sizes<2>&, const MaxPool2dOptions&);
template REEL_API MaxPooled detail::max_pool_with_indices(const Tensor&, const Sizes<2>&,
                                                          const MaxPool2dOptions&);
template REEL_API Tensor detail::adaptive_max_pool(const Tensor&, const Sizes<2>&);
template REEL_API MaxPooled detail::adaptive_max_pool_with_indices(const Tensor&, const Sizes<2>&);
template REEL_API Tensor detail::max_unpool(const Tensor&, const Tensor&, const Sizes<2>&,
                                            const MaxUnpool2dOptions&);
template REEL_API Tensor detail::max_pool(Tensor, const Sizes<3>&, const MaxPool3dOptions&);
template REEL_API MaxPooled detail::max_pool_with_indices(const Tensor&, const Sizes<3>&,
                                                          const MaxPool3dOptions&);
template REEL_API Tensor detail::adaptive_max_pool(const Tensor&, const Sizes<3>&);
template REEL_API MaxPooled detail::adaptive_max_pool_with_indices(const Tensor&, const Sizes<3>&);
template REEL_API Tensor detail::max_unpool(const Tensor&, const Tensor&, const Sizes<3>&,
                                            const MaxUnpool3dOptions&);

Tensor max_pool1d(Tensor x, const Sizes<1>& kernel_size, const MaxPool1dOptions& options) {
  return detail::max_pool(std::move(x), kernel_size, options);
}

MaxPooled max_pool1d_with_indices(const Tensor& x, const Sizes<1>& kernel_size,
                                  const MaxPool1dOptions& options) {
  return detail::max_pool_with_indices(x, kernel_size, options);
}

Tensor adaptive_max_pool1d(const Tensor& x, const Sizes<1>& output_size) {
  return detail::adaptive_max_pool(x, output_size);
}

MaxPooled adaptive_max_pool1d_with_indices(const Tensor& x, const Sizes<1>& output_size) {
  return detail::adaptive_max_pool_with_indices(x, output_size);
}

Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const Sizes<1>& kernel_size,
                    const MaxUnpool1dOptions& options) {
  return detail::max_unpool(x, indices, kernel_size, options);
}

Tensor max_pool2d(Tensor x, const Sizes<2>& kernel_size, const MaxPool2dOptions& options) {
  return detail::max_pool(std::move(x), kernel_size, options);
}

MaxPooled max_pool2d_with_indices(const Tensor& x, const Sizes<2>& kernel_size,
                                  const MaxPool2dOptions& options) {
  return detail::max_pool_with_indices(x, kernel_size, options);
}

Tensor adaptive_max_pool2d(const Tensor& x, const Sizes<2>& output_size) {
  return detail::adaptive_max_pool(x, output_size);
}

MaxPooled adaptive_max_pool2d_with_indices(const Tensor& x, const Sizes<2>& output_size) {
  return detail::adaptive_max_pool_with_indices(x, output_size);
}

Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const Sizes<2>& kernel_size,
                    const MaxUnpool2dOptions& options) {
  return detail::max_unpool(x, indices, kernel_size, options);
}

Tensor max_pool3d(Tensor x, const Sizes<3>& kernel_size, const MaxPool3dOptions& options) {
  return detail::max_pool(std::move(x), kernel_size, options);
}

MaxPooled max_pool3d_with_indices(const Tensor& x, const Sizes<3>& kernel_size,
                                  const MaxPool3dOptions& options) {
  return detail::max_pool_with_indices(x, kernel_size, options);
}

Tensor adaptive_max_pool3d(const Tensor& x, const Sizes<3>& output_size) {
  return detail::adaptive_max_pool(x, output_size);
}

MaxPooled adaptive_max_pool3d_with_indices(const Tensor& x, const Sizes<3>& output_size) {
  return detail::adaptive_max_pool_with_indices(x, output_size);
}

Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const Sizes<3>& kernel_size,
                    const MaxUnpool3dOptions& options) {
  return detail::max_unpool(x, indices, kernel_size, options);
}

}  // namespace reel
