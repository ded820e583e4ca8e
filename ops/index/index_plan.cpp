#include "reel/ops/index/index_plan.h"

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/index.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"

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

void append_index(const char* op, const Tensor& rows, const Tensor& positions, Size extent,
                  bool wrap) {
  const Size wrong = kernels::append_index(readable(positions), extent, wrap, writable(rows));
  if (wrong < 0) [[likely]]
    return;
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

Tensor take_rows(OpName op, const Tensor& x, const RowIndex& index) {
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
