#include "reel/ops/index/index_plan.h"

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/index.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/samples.h"

namespace reel::detail {
namespace {

/// The one stride that walks dimensions `begin` to `end` in row-major order, if there is one.
std::optional<Size> merged_stride(const Tensor& x, Size begin, Size end) {
  std::optional<Size> stride;
  Size expected = 0;
  for (Size d = end - 1; d >= begin; --d) {
    if (x.shape()[d] == 1) continue;
    if (!stride) {
      stride = x.strides()[d];
    } else if (x.strides()[d] != expected) {
      return std::nullopt;
    }
    expected = x.strides()[d] * x.shape()[d];
  }
  return stride.value_or(1);
}

std::optional<kernels::Blocks> blocks_of(const Tensor& x, const RowIndex& index) {
  const Size behind = index.dim + index.count;
  const auto outer = merged_stride(x, 0, index.dim);
  const auto row = merged_stride(x, index.dim, behind);
  const auto inner = merged_stride(x, behind, x.dim());
  if (!outer || !row || !inner || *inner != 1) return std::nullopt;
  const Size* sizes = x.shape().begin();
  return kernels::Blocks{.outer = Shape(sizes, sizes + index.dim).numel(),
                         .inner = Shape(sizes + behind, x.shape().end()).numel(),
                         .outer_stride = *outer,
                         .row_stride = *row};
}

}  // namespace

Tensor to_positions(const char* op, const Tensor& index) {
  check(index.dtype() == int64 || index.dtype() == int32, op,
        "expected indices of dtype int64 or int32, got {}", index.dtype());
  return contiguous(to(index, int64));
}

Tensor append_index(const char* op, const Tensor& rows, const Tensor& positions, Size extent,
                    bool wrap) {
  if (any_batched(rows, positions)) [[unlikely]] {
    const Samples samples(op, rows, positions);
    return samples.one(append_index(op, contiguous(samples.each(rows)),
                                    contiguous(samples.each(positions)), extent, wrap));
  }
  const Size wrong = kernels::append_index(readable(positions), extent, wrap, writable(rows));
  if (wrong < 0) [[likely]]
    return rows;
  fail(op, "expected indices in [{}, {}), got {}", wrap ? -extent : 0, extent,
       flatten(positions)[wrong].item<Size>());
}

Tensor to_mask(const char* op, const Tensor& mask) {
  check(mask.dtype() == bool_, op, "expected a mask of dtype bool, got {}", mask.dtype());
  return contiguous(mask);
}

Tensor true_positions(const Tensor& mask) {
  const Tensor positions = empty(kernels::count_true(readable(mask)), {.dtype = int64});
  kernels::true_positions(readable(mask), writable(positions));
  return positions;
}

Shape indexed_shape(const Shape& x, const RowIndex& index) {
  Shape shape(x.begin(), x.begin() + index.dim);
  for (Size size : index.shape) shape.push_back(size);
  for (Size d = index.dim + index.count; d < x.size(); ++d) shape.push_back(x[d]);
  return shape;
}

namespace {

/// The rule for the samples of a vmap.
Tensor take_rows_of_samples(OpName op, const Tensor& x, const RowIndex& index) {
  const Samples samples(op, x, index.rows);
  RowIndex of_all = index;
  if (!samples.has(index.rows)) {
    ++of_all.dim;
    return samples.one(take_rows(op, samples.all(x), of_all));
  }
  // Each sample takes its own: the dimensions that are looked up come first, where those of the
  // samples are looked up with them.
  const auto moved = [&](const Tensor& y, Size from, Size count, Size to) {
    Dims order;
    for (Size d = 0; d < y.dim(); ++d) {
      if (d < from || d >= from + count) order.push_back(d);
    }
    for (Size i = 0; i < count; ++i) order.insert(to + i, from + i);
    return permute(y, order);
  };
  const Tensor front = moved(x, index.dim, index.count, 0);
  of_all.dim = 0;
  of_all.rows = samples.all(index.rows);
  of_all.shape.insert(0, samples.count());
  if (samples.has(x)) {
    const Size* sizes = front.shape().begin();
    const Size extent = Shape(sizes, sizes + index.count).numel();
    Shape by_sample = Shape::repeat(of_all.rows.dim(), 1);
    by_sample[0] = samples.count();
    of_all.rows = add(of_all.rows, view(arange(samples.count()), by_sample) * extent);
    ++of_all.count;
  }
  const Tensor taken = samples.one(take_rows(op, samples.all(front), of_all));
  return moved(taken, 0, index.shape.size(), index.dim);
}

}  // namespace

Tensor take_rows(OpName op, const Tensor& x, const RowIndex& index) {
  if (any_batched(x, index.rows)) [[unlikely]]
    return take_rows_of_samples(op, x, index);
  const OpScope scope(op, x);
  Tensor out = new_tensor(op, indexed_shape(x.shape(), index), x.dtype());
  if (out.numel() > 0) {
    Tensor from = x.detach();
    auto blocks = blocks_of(from, index);
    if (!blocks) {
      from = contiguous(from);
      blocks = blocks_of(from, index);
    }
    kernels::take_rows(readable(from), *blocks, readable(index.rows), writable(out));
  }
  return record(op, std::move(out), wrt(x, [op, index, shape = x.shape()](const Tensor& dy) {
                  return add_rows(op, dy, index, shape);
                }));
}

Tensor add_rows(OpName op, const Tensor& x, const RowIndex& index, const Shape& shape) {
  const OpScope scope(op, x);
  check(x.dtype() != bool_, op, "expected numbers to add, got dtype bool");
  Tensor out = zeros(shape, {.dtype = x.dtype()});
  if (x.numel() > 0) {
    const Tensor from = contiguous(x.detach());
    kernels::add_rows(readable(from), readable(index.rows), writable(out), *blocks_of(out, index));
  }
  return record(op, std::move(out),
                wrt(x, [op, index](const Tensor& dy) { return take_rows(op, dy, index); }));
}

void put_rows(const Tensor& x, const RowIndex& index, const Tensor& values, bool accumulate) {
  if (values.numel() == 0) return;
  const NoGradGuard no_grad;
  const auto blocks = blocks_of(x, index);
  if (!blocks) {
    const Tensor copy = contiguous(x);
    put_rows(copy, index, values, accumulate);
    x.copy_(copy);
    return;
  }
  const Tensor from = contiguous(values);
  const auto put = accumulate ? kernels::add_rows : kernels::put_rows;
  put(readable(from), readable(index.rows), writable(x), *blocks);
}

Tensor without_rows(OpName op, const Tensor& x, const RowIndex& index) {
  const OpScope scope(op, x);
  Tensor out = clone(x.detach());
  put_rows(out, index, expand(zeros({}, {.dtype = x.dtype()}), indexed_shape(x.shape(), index)),
           false);
  return record(op, std::move(out),
                wrt(x, [op, index](const Tensor& dy) { return without_rows(op, dy, index); }));
}

}  // namespace reel::detail
