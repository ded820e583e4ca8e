#include "reel/ops/shape/view.h"

#include <algorithm>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/copy.h"
#include "reel/ops/create/create.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::check_defined;
using detail::view_of;
using detail::wrap_dim;

/// The rule of `f(x, shape)` for the samples of a vmap.
Tensor with_shape(const char* op, Tensor (*f)(const Tensor&, const Shape&), const Tensor& x,
                  Shape shape) {
  const detail::Samples samples(op, x);
  shape.insert(0, samples.count());
  return samples.one(f(samples.all(x), shape));
}

/// That of `f(x)`, which does not look at dimensions.
Tensor as_it_is(const char* op, Tensor (*f)(const Tensor&), const Tensor& x) {
  const detail::Samples samples(op, x);
  return samples.one(f(samples.all(x)));
}

/// Fills in a -1 and checks that the number of elements fits.
Shape infer_shape(const char* op, const Tensor& x, const Shape& shape) {
  Shape full = shape;
  Size unknown = -1;
  for (Size i = 0; i < shape.size(); ++i) {
    check(shape[i] >= -1, op, "expected sizes of 0 or more, or one -1, got {}", shape);
    if (shape[i] != -1) continue;
    check(unknown == -1, op, "expected at most one size of -1, got {}", shape);
    unknown = i;
  }
  if (unknown != -1) full[unknown] = 1;
  Size numel = detail::checked_numel(op, full);
  if (unknown != -1 && numel > 0) {
    full[unknown] = x.numel() / numel;
    numel *= full[unknown];
  }
  check(numel == x.numel() && (unknown == -1 || numel > 0 || full[unknown] == 0), op,
        "expected a shape for {} elements, got {} for a tensor of shape {}", x.numel(), shape,
        x.shape());
  return full;
}

/// The strides that show `x` under `shape` without a copy, if there are any: each run of old
/// dimensions that steps evenly through memory may be cut anew.
std::optional<Strides> view_strides(const Tensor& x, const Shape& shape) {
  if (x.is_contiguous() || x.numel() == 0) return detail::contiguous_strides(shape);
  Strides strides = Shape::repeat(shape.size(), 1);
  const Shape& old = x.shape();
  Size to = shape.size() - 1;
  Size run = 1;                    // elements in the current run of old dimensions
  Size step = x.strides().back();  // between neighbours of the run
  for (Size from = old.size() - 1; from >= 0; --from) {
    run *= old[from];
    const bool run_ends = from == 0 || (old[from - 1] != 1 && x.strides()[from - 1] != run * step);
    if (!run_ends) continue;
    Size placed = 1;
    while (to >= 0 && (placed < run || shape[to] == 1)) {
      strides[to] = placed * step;
      placed *= shape[to];
      --to;
    }
    if (placed != run) return std::nullopt;
    if (from > 0) {
      run = 1;
      step = x.strides()[from - 1];
    }
  }
  return to == -1 ? std::optional(strides) : std::nullopt;
}

/// A view that was only given another shape: its gradient is given the old one.
Tensor record_reshape(OpName name, const Tensor& x, Tensor out) {
  return record(name, std::move(out),
                wrt(x, [shape = x.shape()](const Tensor& dy) { return reshape(dy, shape); }));
}

void copy_into(const Tensor& out, const Tensor& x) {
  kernels::copy(detail::readable(x), detail::writable(out));
}

/// Zeros of `shape` with `x` written to one slice of a dimension: what a slice's gradient is.
Tensor slice_backward(const Tensor& x, const Shape& shape, Size dim, Size start, Size step) {
  const detail::OpScope scope("slice_backward", x);
  Tensor out = zeros(shape, {.dtype = x.dtype()});
  const Size size = x.shape()[dim];
  const Size end = size > 0 ? start + (size - 1) * step + 1 : start;
  {
    NoGradGuard no_grad;
    copy_into(slice(out, dim, start, end, step), x);
  }
  return record("slice_backward", std::move(out),
                wrt(x, [=](const Tensor& dy) { return slice(dy, dim, start, end, step); }));
}

}  // namespace

Tensor view(const Tensor& x, const Shape& shape) {
  if (detail::is_batched(x)) [[unlikely]]
    return with_shape("view", view, x, infer_shape("view", x, shape));
  check_defined("view", "input", x);
  const detail::OpScope scope("view", x);
  const Shape full = infer_shape("view", x, shape);
  const std::optional<Strides> strides = view_strides(x, full);
  check(strides.has_value(), "view",
        "expected a shape that the strides {} of shape {} allow without a copy, got {}\n"
        "help: use reshape()",
        x.strides(), x.shape(), full);
  return record_reshape("view", x, view_of(x, full, *strides));
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (detail::is_batched(x)) [[unlikely]]
    return with_shape("reshape", reshape, x, infer_shape("reshape", x, shape));
  check_defined("reshape", "input", x);
  const detail::OpScope scope("reshape", x);
  const Shape full = infer_shape("reshape", x, shape);
  if (const std::optional<Strides> strides = view_strides(x, full)) {
    return record_reshape("reshape", x, view_of(x, full, *strides));
  }
  const Tensor packed = contiguous(x);
  return record_reshape("reshape", packed, view_of(packed, full, detail::contiguous_strides(full)));
}

Tensor flatten(const Tensor& x, Size start_dim, Size end_dim) {
  check_defined("flatten", "input", x);
  const Size start = wrap_dim("flatten", start_dim, x.dim());
  const Size end = wrap_dim("flatten", end_dim, x.dim());
  check(start <= end, "flatten", "expected start_dim before end_dim, got {} and {} for shape {}",
        start_dim, end_dim, x.shape());
  if (x.dim() == 0) return reshape(x, {1});
  const Size* sizes = x.shape().begin();
  Shape shape(sizes, sizes + start);
  shape.push_back(Shape(sizes + start, sizes + end + 1).numel());
  for (Size i = end + 1; i < x.dim(); ++i) shape.push_back(sizes[i]);
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x) {
  if (detail::is_batched(x)) [[unlikely]] {
    Shape shape;
    for (const Size size : x.shape()) {
      if (size != 1) shape.push_back(size);
    }
    return with_shape("squeeze", reshape, x, shape);
  }
  check_defined("squeeze", "input", x);
  const detail::OpScope scope("squeeze", x);
  Shape shape;
  Strides strides;
  for (Size i = 0; i < x.dim(); ++i) {
    if (x.shape()[i] == 1) continue;
    shape.push_back(x.shape()[i]);
    strides.push_back(x.strides()[i]);
  }
  return record_reshape("squeeze", x, view_of(x, shape, strides));
}

Tensor squeeze(const Tensor& x, Size dim) {
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples("squeeze", x);
    const Size behind = detail::Samples::behind("squeeze", x, dim);
    return x.dim() == 0 ? x : samples.one(squeeze(samples.all(x), behind));
  }
  check_defined("squeeze", "input", x);
  const detail::OpScope scope("squeeze", x);
  const Size at = wrap_dim("squeeze", dim, x.dim());
  Shape shape = x.shape();
  Strides strides = x.strides();
  if (x.dim() > 0 && shape[at] == 1) {
    shape.erase(at);
    strides.erase(at);
  }
  return record_reshape("squeeze", x, view_of(x, shape, strides));
}

Tensor unsqueeze(const Tensor& x, Size dim) {
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples("unsqueeze", x);
    const Size at = wrap_dim("unsqueeze", dim, x.dim() + 1);
    return samples.one(unsqueeze(samples.all(x), at + 1));
  }
  check_defined("unsqueeze", "input", x);
  const detail::OpScope scope("unsqueeze", x);
  const Size at = wrap_dim("unsqueeze", dim, x.dim() + 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  const Size stride = at < x.dim() ? shape[at] * strides[at] : 1;
  shape.insert(at, 1);
  strides.insert(at, stride);
  return record_reshape("unsqueeze", x, view_of(x, shape, strides));
}

Tensor transpose(const Tensor& x, Size dim0, Size dim1) {
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples("transpose", x);
    const Size a = detail::Samples::behind("transpose", x, dim0);
    const Size b = detail::Samples::behind("transpose", x, dim1);
    return x.dim() == 0 ? x : samples.one(transpose(samples.all(x), a, b));
  }
  check_defined("transpose", "input", x);
  const detail::OpScope scope("transpose", x);
  const Size a = wrap_dim("transpose", dim0, x.dim());
  const Size b = wrap_dim("transpose", dim1, x.dim());
  Shape shape = x.shape();
  Strides strides = x.strides();
  if (a != b) {
    std::swap(shape[a], shape[b]);
    std::swap(strides[a], strides[b]);
  }
  return record("transpose", view_of(x, shape, strides),
                wrt(x, [a, b](const Tensor& dy) { return transpose(dy, a, b); }));
}

Tensor t(const Tensor& x) {
  check_defined("t", "input", x);
  check(x.dim() <= 2, "t", "expected at most 2 dimensions, got shape {}", x.shape());
  return x.dim() == 2 ? transpose(x, 0, 1) : reshape(x, x.shape());
}

namespace {

void check_permutation(const Tensor& x, const Dims& dims) {
  check(dims.size() == x.dim(), "permute", "expected {} dimensions for shape {}, got {}", x.dim(),
        x.shape(), dims);
}

}  // namespace

Tensor permute(const Tensor& x, const Dims& dims) {
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples("permute", x);
    check_permutation(x, dims);
    Dims behind{0};
    for (const Size dim : dims) behind.push_back(detail::Samples::behind("permute", x, dim));
    return samples.one(permute(samples.all(x), behind));
  }
  check_defined("permute", "input", x);
  const detail::OpScope scope("permute", x);
  check_permutation(x, dims);
  Shape shape;
  Strides strides;
  Dims inverse = Shape::repeat(x.dim(), -1);
  for (Size i = 0; i < x.dim(); ++i) {
    const Size from = wrap_dim("permute", dims[i], x.dim());
    check(inverse[from] == -1, "permute", "expected each dimension once, got {}", dims);
    inverse[from] = i;
    shape.push_back(x.shape()[from]);
    strides.push_back(x.strides()[from]);
  }
  return record("permute", view_of(x, shape, strides),
                wrt(x, [inverse](const Tensor& dy) { return permute(dy, inverse); }));
}

Tensor expand(const Tensor& x, const Shape& shape) {
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples("expand", x);
    check(shape.size() >= x.dim(), "expand", "expected at least {} dimensions for shape {}, got {}",
          x.dim(), x.shape(), shape);
    Shape all = shape;
    all.insert(0, samples.count());
    return samples.one(expand(samples.broadcast(x, shape.size()), all));
  }
  check_defined("expand", "input", x);
  const detail::OpScope scope("expand", x);
  check(shape.size() >= x.dim(), "expand", "expected at least {} dimensions for shape {}, got {}",
        x.dim(), x.shape(), shape);
  const Size added = shape.size() - x.dim();
  Shape full = shape;
  Strides strides = Shape::repeat(shape.size(), 0);
  for (Size i = 0; i < shape.size(); ++i) {
    const Size old = i < added ? 1 : x.shape()[i - added];
    if (full[i] == -1 && i >= added) full[i] = old;
    check(full[i] >= 0 && (old == full[i] || old == 1), "expand",
          "expected a shape that {} broadcasts to, got {}", x.shape(), shape);
    if (i >= added && old == full[i]) strides[i] = x.strides()[i - added];
  }
  detail::checked_numel("expand", full);
  // The engine sums what was repeated.
  return record("expand", view_of(x, full, strides), wrt(x, [](const Tensor& dy) { return dy; }));
}

Tensor slice(const Tensor& x, Size dim, std::optional<Size> start, std::optional<Size> end,
             Size step) {
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples("slice", x);
    check(x.dim() > 0, "slice", "expected at least 1 dimension, got a 0-d tensor");
    const Size behind = detail::Samples::behind("slice", x, dim);
    return samples.one(slice(samples.all(x), behind, start, end, step));
  }
  check_defined("slice", "input", x);
  const detail::OpScope scope("slice", x);
  check(x.dim() > 0, "slice", "expected at least 1 dimension, got a 0-d tensor");
  const Size at = wrap_dim("slice", dim, x.dim());
  check(step > 0, "slice", "expected a step of 1 or more, got {}", step);
  const Size size = x.shape()[at];
  auto bound = [size](Size i) { return std::clamp<Size>(i < 0 ? i + size : i, 0, size); };
  const Size first = bound(start.value_or(0));
  const Size last = std::max(first, bound(end.value_or(size)));
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[at] = last > first ? (last - first - 1) / step + 1 : 0;
  const Size offset = shape[at] > 0 ? first * strides[at] : 0;
  if (shape[at] > 1) strides[at] *= step;  // else nothing is stepped over, by a step of any size
  return record("slice", view_of(x, shape, strides, offset),
                wrt(x, [shape = x.shape(), at, first, step](const Tensor& dy) {
                  return slice_backward(dy, shape, at, first, step);
                }));
}

Tensor narrow(const Tensor& x, Size dim, Size start, Size length) {
  check_defined("narrow", "input", x);
  check(x.dim() > 0, "narrow", "expected at least 1 dimension, got a 0-d tensor");
  const Size size = x.shape()[wrap_dim("narrow", dim, x.dim())];
  const Size first = start < 0 ? start + size : start;
  check(first >= 0 && length >= 0 && first <= size - length, "narrow",
        "expected start and length within the {} entries of dimension {}, got {} and {}", size, dim,
        start, length);
  return slice(x, dim, first, first + length);
}

Tensor select(const Tensor& x, Size dim, Size index) {
  check_defined("select", "input", x);
  check(x.dim() > 0, "select", "expected at least 1 dimension, got a 0-d tensor");
  const Size at = wrap_dim("select", dim, x.dim());
  const Size size = x.shape()[at];
  check(index >= -size && index < size, "select",
        "expected an index in [{}, {}] for dimension {} of shape {}, got {}", -size, size - 1, dim,
        x.shape(), index);
  const Size first = index < 0 ? index + size : index;
  return squeeze(slice(x, at, first, first + 1), at);
}

namespace {

/// The entries of `dy` that no gradient came to as zeros, each of the shape of its part of `x`.
template <class ShapeOf>
std::vector<Tensor> with_zeros(std::vector<Tensor> dy, DType dtype, const ShapeOf& shape_of) {
  for (std::size_t i = 0; i < dy.size(); ++i) {
    if (!dy[i].defined()) dy[i] = zeros(shape_of(i), {.dtype = dtype});
  }
  return dy;
}

Size size_along(const char* op, const Tensor& x, Size dim) {
  check_defined(op, "input", x);
  check(x.dim() > 0, op, "expected at least 1 dimension, got a 0-d tensor");
  return x.shape()[wrap_dim(op, dim, x.dim())];
}

/// Slices of `x` one behind the other: one op, so that its backward writes each gradient once.
std::vector<Tensor> pieces(OpName op, const Tensor& x, const std::vector<Size>& sizes, Size dim) {
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples(op, x);
    return samples.one(pieces(op, samples.all(x), sizes, detail::Samples::behind(op, x, dim)));
  }
  const detail::OpScope scope(op, x);
  const Size along = wrap_dim(op, dim, x.dim());
  std::vector<Tensor> parts;
  parts.reserve(sizes.size());
  Size start = 0;
  for (const Size size : sizes) {
    Shape shape = x.shape();
    shape[along] = size;
    parts.push_back(view_of(x, shape, x.strides(), size > 0 ? start * x.strides()[along] : 0));
    start += size;
  }
  return record(op, std::move(parts), inputs(x),
                detail::NumbersOnly{[shape = x.shape(), dtype = x.dtype(), sizes, along](
                                        const Gradients& dy, const Needs&) {
                  const auto shape_of = [&](std::size_t i) {
                    Shape part = shape;
                    part[along] = sizes[i];
                    return part;
                  };
                  return Gradients{cat(with_zeros(dy, dtype, shape_of), along)};
                }});
}

std::vector<Size> equal_sizes(Size size, Size each) {
  std::vector<Size> sizes;
  for (Size start = 0; start < size || sizes.empty(); start += each) {
    sizes.push_back(std::min(each, size - start));
  }
  return sizes;
}

}  // namespace

std::vector<Tensor> split(const Tensor& x, const std::vector<Size>& sizes, Size dim) {
  Size left = size_along("split", x, dim);
  bool fits = true;
  for (const Size size : sizes) {
    fits = fits && size >= 0 && size <= left;
    left -= fits ? size : 0;
  }
  check(fits && left == 0, "split", "expected sizes that add up to {}, got [{}]", x.size(dim),
        fmt::join(sizes, ", "));
  return pieces("split", x, sizes, dim);
}

std::vector<Tensor> split(const Tensor& x, Size split_size, Size dim) {
  const Size size = size_along("split", x, dim);
  check(split_size > 0, "split", "expected a split_size of 1 or more, got {}", split_size);
  return pieces("split", x, equal_sizes(size, split_size), dim);
}

std::vector<Tensor> chunk(const Tensor& x, Size chunks, Size dim) {
  const Size size = size_along("chunk", x, dim);
  check(chunks > 0, "chunk", "expected 1 chunk or more, got {}", chunks);
  return pieces("chunk", x, equal_sizes(size, size > 0 ? (size - 1) / chunks + 1 : 1), dim);
}

std::vector<Tensor> unbind(const Tensor& x, Size dim) {
  const Size size = size_along("unbind", x, dim);
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples("unbind", x);
    return samples.one(unbind(samples.all(x), detail::Samples::behind("unbind", x, dim)));
  }
  const detail::OpScope scope("unbind", x);
  const Size along = wrap_dim("unbind", dim, x.dim());
  std::vector<Tensor> entries;
  entries.reserve(static_cast<std::size_t>(size));
  Shape entry = x.shape();
  Strides strides = x.strides();
  entry.erase(along);
  strides.erase(along);
  const Size step = entry.numel() > 0 ? x.strides()[along] : 0;
  for (Size i = 0; i < size; ++i) entries.push_back(view_of(x, entry, strides, i * step));
  if (entries.empty()) return entries;
  return record(
      "unbind", std::move(entries), inputs(x),
      [shape = entry, dtype = x.dtype(), along](const Gradients& dy, const Needs&) {
        return Gradients{stack(with_zeros(dy, dtype, [&](std::size_t) { return shape; }), along)};
      });
}

Tensor contiguous(const Tensor& x) {
  if (detail::is_batched(x)) [[unlikely]]
    return as_it_is("contiguous", contiguous, x);
  check_defined("contiguous", "input", x);
  if (x.is_contiguous()) return x;
  const detail::OpScope scope("contiguous", x);
  Tensor out = empty(x.shape(), {.dtype = x.dtype()});
  copy_into(out, x);
  return record("contiguous", std::move(out), wrt(x, [](const Tensor& dy) { return dy; }));
}

Tensor clone(const Tensor& x) {
  if (detail::is_batched(x)) [[unlikely]]
    return as_it_is("clone", clone, x);
  check_defined("clone", "input", x);
  const detail::OpScope scope("clone", x);
  Tensor out = detail::empty_like(x, x.dtype());
  copy_into(out, x);
  return record("clone", std::move(out), wrt(x, [](const Tensor& dy) { return dy; }));
}

Tensor to(const Tensor& x, DType dtype) {
  if (detail::is_batched(x)) [[unlikely]] {
    const detail::Samples samples("to", x);
    return samples.one(to(samples.all(x), dtype));
  }
  check_defined("to", "input", x);
  if (x.dtype() == dtype) return x;
  const detail::OpScope scope("to", x);
  Tensor out = detail::empty_like(x, dtype);
  copy_into(out, x);
  return record("to", std::move(out),
                wrt(x, [from = x.dtype()](const Tensor& dy) { return to(dy, from); }));
}

Tensor Tensor::sum_to_size(const Shape& shape) const { return reel::sum_to_size(*this, shape); }

Tensor sum_to_size(const Tensor& x, const Shape& shape) {
  check_defined("sum_to_size", "input", x);
  const Size added = x.dim() - shape.size();
  check(added >= 0, "sum_to_size", "expected a shape that broadcasts to {}, got {}", x.shape(),
        shape);
  Dims dims;
  for (Size i = 0; i < x.dim(); ++i) {
    const Size wanted = i < added ? 1 : shape[i - added];
    check(wanted == 1 || wanted == x.shape()[i], "sum_to_size",
          "expected a shape that broadcasts to {}, got {}", x.shape(), shape);
    if (i < added || wanted != x.shape()[i]) dims.push_back(i);
  }
  return dims.empty() ? x : reshape(sum(x, dims, true), shape);
}

Tensor Tensor::to(DType dtype) const { return reel::to(*this, dtype); }
Tensor Tensor::clone() const { return reel::clone(*this); }
Tensor Tensor::contiguous() const { return reel::contiguous(*this); }
Tensor Tensor::view(const Shape& shape) const { return reel::view(*this, shape); }
Tensor Tensor::reshape(const Shape& shape) const { return reel::reshape(*this, shape); }
Tensor Tensor::flatten(Size start_dim, Size end_dim) const {
  return reel::flatten(*this, start_dim, end_dim);
}
Tensor Tensor::squeeze() const { return reel::squeeze(*this); }
Tensor Tensor::squeeze(Size dim) const { return reel::squeeze(*this, dim); }
Tensor Tensor::unsqueeze(Size dim) const { return reel::unsqueeze(*this, dim); }
Tensor Tensor::transpose(Size dim0, Size dim1) const { return reel::transpose(*this, dim0, dim1); }
Tensor Tensor::t() const { return reel::t(*this); }
Tensor Tensor::permute(const Dims& dims) const { return reel::permute(*this, dims); }
Tensor Tensor::expand(const Shape& shape) const { return reel::expand(*this, shape); }
Tensor Tensor::expand_as(const Tensor& other) const {
  return reel::expand(*this, check_defined("expand_as", "other", other).shape());
}
Tensor Tensor::narrow(Size dim, Size start, Size length) const {
  return reel::narrow(*this, dim, start, length);
}
Tensor Tensor::slice(Size dim, std::optional<Size> start, std::optional<Size> end,
                     Size step) const {
  return reel::slice(*this, dim, start, end, step);
}
Tensor Tensor::select(Size dim, Size index) const { return reel::select(*this, dim, index); }
std::vector<Tensor> Tensor::split(Size split_size, Size dim) const {
  return reel::split(*this, split_size, dim);
}
std::vector<Tensor> Tensor::chunk(Size chunks, Size dim) const {
  return reel::chunk(*this, chunks, dim);
}
std::vector<Tensor> Tensor::unbind(Size dim) const { return reel::unbind(*this, dim); }

}  // namespace reel
