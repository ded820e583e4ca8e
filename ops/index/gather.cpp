#include <algorithm>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/detail/broadcast.h"
#include "reel/base/detail/promotion.h"
#include "reel/base/fail.h"
#include "reel/kernels/index.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/index/index_plan.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/fit.h"
#include "reel/ops/support/promote.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;

/// Where `gather` and its kin look: a checked int64 index of the shape to walk, and its dimension.
struct Lookup {
  Tensor index;
  Size dim;
};

/// PyTorch takes a 0-d tensor for a vector of one where an index is looked up.
Tensor as_vector(const Tensor& x) { return x.dim() == 0 ? reshape(x, {1}) : x; }

/// Whether one is 0-d and the other too or a vector.
bool has_scalar(const Tensor& x, const Tensor& index) {
  return x.dim() <= 1 && index.dim() <= 1 && x.dim() + index.dim() < 2;
}

Lookup make_lookup(const char* op, const Tensor& x, Size dim, const Tensor& index, bool wrap) {
  const Size at = detail::wrap_dim(op, dim, x.dim());
  const Tensor positions = detail::to_positions(op, index);
  check(index.dim() == x.dim(), op, "expected indices of {} dimensions as x has, got shape {}",
        x.dim(), index.shape());
  for (Size d = 0; d < x.dim(); ++d) {
    check(d == at || index.shape()[d] <= x.shape()[d], op,
          "expected indices no larger than shape {} except in dimension {}, got shape {}",
          x.shape(), at, index.shape());
  }
  return {detail::append_index(op, zeros(index.shape(), {.dtype = int64}), positions, x.shape()[at],
                               wrap),
          at};
}

Tensor scatter_add_at(const Tensor& x, const Lookup& lookup, const Tensor& source);

Tensor gather_at(OpName op, const Tensor& x, const Lookup& lookup) {
  const detail::OpScope scope(op, x);
  Tensor out = detail::new_tensor(op, lookup.index.shape(), x.dtype());
  if (out.numel() > 0) {
    kernels::gather(readable(x), lookup.dim, readable(lookup.index), writable(out));
  }
  return record(op, std::move(out), wrt(x, [lookup, shape = x.shape()](const Tensor& dy) {
                  return scatter_add_at(zeros(shape, {.dtype = dy.dtype()}), lookup, dy);
                }));
}

Tensor scatter_add_at(const Tensor& x, const Lookup& lookup, const Tensor& source) {
  const detail::OpScope scope("scatter_add", x);
  Tensor out = clone(x.detach());
  if (source.numel() > 0) {
    kernels::scatter_add(readable(source), lookup.dim, readable(lookup.index), writable(out));
  }
  return record(
      "scatter_add", std::move(out), wrt(x, [](const Tensor& dy) { return dy; }),
      wrt(source, [lookup](const Tensor& dy) { return gather_at("gather", dy, lookup); }));
}

Tensor scatter_at(const Tensor& x, const Lookup& lookup, const Tensor& source) {
  const detail::OpScope scope("scatter", x);
  Tensor out = clone(x.detach());
  if (source.numel() > 0) {
    kernels::scatter(readable(source), lookup.dim, readable(lookup.index), writable(out));
  }
  return record(
      "scatter", std::move(out),
      wrt(x,
          [lookup](const Tensor& dy) {
            return scatter_at(dy, lookup, zeros(lookup.index.shape(), {.dtype = dy.dtype()}));
          }),
      wrt(source, [lookup](const Tensor& dy) { return gather_at("gather", dy, lookup); }));
}

/// The part of `source` that the index covers, in the dtype of `x`.
Tensor source_for(const char* op, const Tensor& x, const Lookup& lookup, const Tensor& source) {
  check(detail::kind(source.dtype()) <= detail::kind(x.dtype()), op,
        "expected a source that fits dtype {}, got {}", x.dtype(), source.dtype());
  const bool exact = is_floating(x.dtype()) || source.dim() > 0;
  Tensor part = exact ? to(source, x.dtype()) : detail::fitted(op, x.dtype(), source);
  const Shape& shape = lookup.index.shape();
  if (part.dim() == 0) return expand(part, shape);
  check(part.dim() == shape.size(), op, "expected a source of {} dimensions, got shape {}",
        shape.size(), part.shape());
  for (Size d = 0; d < shape.size(); ++d) {
    check(shape[d] <= part.shape()[d], op, "expected a source of shape {} or larger, got {}", shape,
          source.shape());
    if (shape[d] < part.shape()[d]) part = narrow(part, d, 0, shape[d]);
  }
  return part;
}

/// The rule of `f(x, dim, index, source)` for the samples of a vmap.
Tensor scatter_of_samples(const char* op,
                          Tensor (*f)(const Tensor&, Size, const Tensor&, const Tensor&),
                          const Tensor& x, Size dim, const Tensor& index, const Tensor& source) {
  const detail::Samples samples(op, x, index, source);
  const Size behind = detail::Samples::behind(op, x, dim);
  const bool is_number = source.dim() == 0 && !samples.has(source);
  const Tensor wide = source.dim() > 0 || is_number ? source : expand(source, index.shape());
  return samples.one(
      f(samples.each(x), behind, samples.each(index), is_number ? source : samples.each(wide)));
}

/// How far each element of a matrix lies right of the main diagonal.
Tensor diagonals(const char* op, const Tensor& x) {
  detail::check_defined(op, "input", x);
  check(x.dim() >= 2, op, "expected at least 2 dimensions, got shape {}", x.shape());
  return arange(x.size(-1)) - unsqueeze(arange(x.size(-2)), 1);
}

}  // namespace

Tensor gather(const Tensor& x, Size dim, const Tensor& index) {
  detail::check_defined("gather", "input", x);
  detail::check_defined("gather", "index", index);
  if (has_scalar(x, index)) {
    return reshape(gather(as_vector(x), dim, as_vector(index)), index.shape());
  }
  if (detail::any_batched(x, index)) [[unlikely]] {
    const detail::Samples samples("gather", x, index);
    const Size behind = detail::Samples::behind("gather", x, dim);
    return samples.one(gather(samples.each(x), behind, samples.each(index)));
  }
  return gather_at("gather", x, make_lookup("gather", x, dim, index, false));
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, Size dim) {
  detail::check_defined("take_along_dim", "input", x);
  detail::check_defined("take_along_dim", "index", index);
  const OpName op = "take_along_dim";
  check(index.dim() == x.dim(), op, "expected indices of {} dimensions as x has, got shape {}",
        x.dim(), index.shape());
  if (x.dim() == 0) return reshape(take_along_dim(as_vector(x), as_vector(index), dim), {});
  const Size at = detail::wrap_dim(op, dim, x.dim());
  if (detail::any_batched(x, index)) [[unlikely]] {
    const detail::Samples samples(op, x, index);
    return samples.one(take_along_dim(samples.each(x), samples.each(index), at + 1));
  }
  Shape of_x = x.shape();
  Shape of_index = index.shape();
  of_x[at] = of_index[at] = 1;
  const Shape common = detail::broadcast_shapes(op, of_x, of_index);
  of_x = of_index = common;
  of_x[at] = x.shape()[at];
  of_index[at] = index.shape()[at];
  const Tensor wide = x.shape() == of_x ? x : expand(x, of_x);
  return gather_at(op, wide, make_lookup(op, wide, at, expand(index, of_index), true));
}

Tensor scatter(const Tensor& x, Size dim, const Tensor& index, const Tensor& source) {
  detail::check_defined("scatter", "input", x);
  detail::check_defined("scatter", "index", index);
  detail::check_defined("scatter", "source", source);
  if (has_scalar(x, index)) {
    return reshape(scatter(as_vector(x), dim, as_vector(index), source), x.shape());
  }
  if (detail::any_batched(x, index, source)) [[unlikely]]
    return scatter_of_samples("scatter", scatter, x, dim, index, source);
  const Lookup lookup = make_lookup("scatter", x, dim, index, false);
  return scatter_at(x, lookup, source_for("scatter", x, lookup, source));
}

Tensor scatter_add(const Tensor& x, Size dim, const Tensor& index, const Tensor& source) {
  detail::check_defined("scatter_add", "input", x);
  detail::check_defined("scatter_add", "index", index);
  detail::check_defined("scatter_add", "source", source);
  check(x.dtype() != bool_, "scatter_add", "expected numbers to add, got dtype bool");
  if (has_scalar(x, index)) {
    return reshape(scatter_add(as_vector(x), dim, as_vector(index), source), x.shape());
  }
  if (detail::any_batched(x, index, source)) [[unlikely]]
    return scatter_of_samples("scatter_add", scatter_add, x, dim, index, source);
  const Lookup lookup = make_lookup("scatter_add", x, dim, index, false);
  return scatter_add_at(x, lookup, source_for("scatter_add", x, lookup, source));
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  detail::check_defined("masked_fill", "input", x);
  detail::check_defined("masked_fill", "mask", mask);
  detail::check_defined("masked_fill", "value", value);
  check(mask.dtype() == bool_, "masked_fill", "expected a mask of dtype bool, got {}",
        mask.dtype());
  check(value.dim() == 0, "masked_fill", "expected a 0-d value, got shape {}", value.shape());
  check(detail::kind(value.dtype()) <= detail::kind(x.dtype()), "masked_fill",
        "expected a value that fits dtype {}, got {}", x.dtype(), value.dtype());
  detail::broadcast_shapes("masked_fill", x.shape(), mask.shape());
  const bool exact = is_floating(x.dtype());
  return where(mask, exact ? to(value, x.dtype()) : detail::fitted("masked_fill", x.dtype(), value),
               x);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  detail::check_defined("masked_select", "input", x);
  detail::check_defined("masked_select", "mask", mask);
  const detail::OpScope scope("masked_select", x, mask);
  const Shape shape = detail::broadcast_shapes("masked_select", x.shape(), mask.shape());
  const Tensor flags = detail::to_mask("masked_select", expand(mask, shape));
  const Tensor positions = detail::true_positions(flags);
  const Tensor wide = x.shape() == shape ? x : expand(x, shape);
  return detail::take_rows(
      "masked_select", wide,
      {.rows = positions, .dim = 0, .count = shape.size(), .shape = positions.shape()});
}

Tensor nonzero(const Tensor& x) {
  detail::check_defined("nonzero", "input", x);
  const detail::OpScope scope("nonzero", x);
  const Tensor flags = contiguous(x.dtype() == bool_ ? x.detach() : ne(x.detach(), 0));
  const Tensor positions = detail::true_positions(flags);
  const Tensor out = empty({positions.numel(), x.dim()}, {.dtype = int64});
  kernels::unravel(readable(positions), x.shape(), writable(out));
  return out;
}

Tensor one_hot(const Tensor& labels, std::optional<Size> num_classes) {
  detail::check_defined("one_hot", "labels", labels);
  if (detail::is_batched(labels)) [[unlikely]] {
    check(num_classes.has_value(), "one_hot",
          "expected num_classes inside vmap, where every sample has as many, got none");
    const detail::Samples samples("one_hot", labels);
    return samples.one(one_hot(samples.all(labels), num_classes));
  }
  const detail::OpScope scope("one_hot", labels);
  const Tensor positions = detail::to_positions("one_hot", labels);
  const Size count = positions.numel();
  check(num_classes.has_value() || count > 0, "one_hot",
        "expected num_classes for an empty tensor, got none");
  const Size least = count > 0 ? amin(positions).item<Size>() : 0;
  const Size greatest = count > 0 ? amax(positions).item<Size>() : 0;
  constexpr Size too_many = Size{1} << 48;  // which one more than the label may not wrap around
  const Size classes = num_classes ? *num_classes : std::clamp<Size>(greatest, 0, too_many) + 1;
  check(classes > 0, "one_hot", "expected num_classes of 1 or more, got {}", classes);
  Shape shape = labels.shape();
  shape.push_back(classes);
  const Tensor out = detail::new_tensor("one_hot", shape, int64);
  check(least >= 0 && greatest < classes, "one_hot", "expected labels in [0, {}), got {}", classes,
        least < 0 ? least : greatest);
  out.zero_();
  if (count == 0) return out;
  const Tensor index = unsqueeze(positions, -1);
  kernels::scatter(readable(expand(ones({}, {.dtype = int64}), index.shape())), labels.dim(),
                   readable(index), writable(out));
  return out;
}

Tensor tril(const Tensor& x, Size diagonal) {
  return masked_fill(x, diagonals("tril", x) > diagonal, false);
}

Tensor triu(const Tensor& x, Size diagonal) {
  return masked_fill(x, diagonals("triu", x) < diagonal, false);
}

Tensor Tensor::gather(Size dim, const Tensor& index) const {
  return reel::gather(*this, dim, index);
}
Tensor Tensor::scatter_add(Size dim, const Tensor& index, const Tensor& source) const {
  return reel::scatter_add(*this, dim, index, source);
}
Tensor Tensor::masked_fill(const Tensor& mask, const Tensor& value) const {
  return reel::masked_fill(*this, mask, value);
}
Tensor Tensor::masked_select(const Tensor& mask) const { return reel::masked_select(*this, mask); }

}  // namespace reel
