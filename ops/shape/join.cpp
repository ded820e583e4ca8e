#include "reel/ops/shape/join.h"
#include "reel/base/detail/promotion.h"

#include <algorithm>
#include <numeric>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/copy.h"
#include "reel/ops/create/create.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/promote.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

DType common_dtype(const std::vector<Tensor>& tensors) {
  DType dtype = detail::dtype_of_operand(tensors.front().impl());
  for (const Tensor& x : tensors) {
    dtype = detail::promote_types(dtype, detail::dtype_of_operand(x.impl()));
  }
  return dtype;
}

/// Dense strides for `shape` in the memory order of `like`, which has as many dimensions.
Strides strides_in_order_of(const Tensor& like, const Shape& shape) {
  if (like.is_contiguous() || !detail::is_dense(like.shape(), like.strides())) {
    return detail::contiguous_strides(shape);
  }
  Dims order = Shape::repeat(shape.size(), 0);
  std::iota(order.begin(), order.end(), Size{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Size a, Size b) { return like.strides()[a] > like.strides()[b]; });
  Strides strides = Shape::repeat(shape.size(), 1);
  Size step = 1;
  for (Size i = shape.size() - 1; i >= 0; --i) {
    strides[order[i]] = step;
    step *= std::max<Size>(shape[order[i]], 1);
  }
  return strides;
}

/// Writes `x` to the part of `out` that begins `offset` elements behind its first.
void write_part(const Tensor& out, Size offset, const Tensor& x, const Strides& strides) {
  kernels::copy(detail::readable(x), detail::writable(out, x.shape(), strides, offset));
}

/// Puts the op on the tape; `part(dy, i)` is the gradient of the i-th tensor.
template <class Part>
Tensor record_parts(OpName name, Tensor out, const std::vector<Tensor>& tensors, Part part) {
  if (!grad_enabled() || !detail::any_requires_grad(tensors)) return out;
  std::vector<DType> dtypes;
  for (const Tensor& x : tensors) dtypes.push_back(x.dtype());
  return record(name, std::move(out), Inputs{tensors},
                detail::NumbersOnly{[=](const Tensor& dy, const Needs& needs) {
                  Gradients gradients(needs.size());
                  for (std::size_t i = 0; i < needs.size(); ++i) {
                    if (needs[i]) gradients[i] = to(part(dy, i), dtypes[i]);
                  }
                  return gradients;
                }});
}

std::vector<Tensor> each_of(const detail::Samples& samples, const std::vector<Tensor>& tensors) {
  std::vector<Tensor> each;
  for (const Tensor& x : tensors) {
    detail::check_defined("cat", "each input", x);
    each.push_back(samples.each(x));
  }
  return each;
}

/// The rule for the samples of a vmap.
Tensor cat_samples(const std::vector<Tensor>& tensors, Size dim) {
  const detail::Samples samples("cat", tensors);
  std::vector<Tensor> filled;
  for (const Tensor& x : tensors) {
    if (!x.defined() || x.shape() != Shape{0}) filled.push_back(x);
  }
  const std::vector<Tensor>& parts = filled.empty() ? tensors : filled;
  check(parts.front().dim() > 0, "cat",
        "expected tensors of 1 dimension or more, got a 0-d tensor\nhelp: use stack()");
  const Size at = detail::wrap_dim("cat", dim, parts.front().dim());
  return samples.one(cat(each_of(samples, parts), at + 1));
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, Size dim) {
  if (detail::any_batched(tensors)) [[unlikely]]
    return cat_samples(tensors, dim);
  const detail::OpScope scope("cat");
  check(!tensors.empty(), "cat", "expected at least one tensor, got none");
  for (const Tensor& x : tensors) detail::check_defined("cat", "each input", x);
  // As in PyTorch an empty vector may stand among tensors of any shape, where a list began with it.
  auto begins = [](const Tensor& x) { return x.shape() != Shape{0}; };
  const auto filled = std::find_if(tensors.begin(), tensors.end(), begins);
  const Tensor& first = filled == tensors.end() ? tensors.front() : *filled;
  check(first.dim() > 0, "cat",
        "expected tensors of 1 dimension or more, got a 0-d tensor\nhelp: use stack()");
  const Size at = detail::wrap_dim("cat", dim, first.dim());
  Shape shape = first.shape();
  shape[at] = 0;
  constexpr Size nowhere = -1;
  std::vector<Size> starts, lengths;
  for (const Tensor& x : tensors) {
    const bool skipped = first.dim() > 1 && !begins(x);
    starts.push_back(skipped ? nowhere : shape[at]);
    lengths.push_back(x.dim() == first.dim() ? x.shape()[at] : 0);
    if (skipped) continue;
    Shape wanted = first.shape();
    if (x.dim() == wanted.size()) wanted[at] = x.shape()[at];
    check(x.shape() == wanted, "cat", "expected shapes equal but for dimension {}, got {} and {}",
          at, first.shape(), x.shape());
    shape[at] += lengths.back();
    detail::checked_numel("cat", shape);
  }
  const Strides strides = strides_in_order_of(first, shape);
  Tensor out = detail::empty_strided(shape, strides, common_dtype(tensors), "cat");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (starts[i] != nowhere) write_part(out, starts[i] * strides[at], tensors[i], strides);
  }
  return record_parts("cat", std::move(out), tensors,
                      [at, starts = std::move(starts), lengths = std::move(lengths)](
                          const Tensor& dy, std::size_t i) {
                        return starts[i] != nowhere ? narrow(dy, at, starts[i], lengths[i])
                                                    : zeros({0}, {.dtype = dy.dtype()});
                      });
}

Tensor stack(const std::vector<Tensor>& tensors, Size dim) {
  if (detail::any_batched(tensors)) [[unlikely]] {
    const detail::Samples samples("stack", tensors);
    const Size at = detail::wrap_dim("stack", dim, tensors.front().dim() + 1);
    return samples.one(stack(each_of(samples, tensors), at + 1));
  }
  const detail::OpScope scope("stack");
  check(!tensors.empty(), "stack", "expected at least one tensor, got none");
  for (const Tensor& x : tensors) detail::check_defined("stack", "each input", x);
  const Tensor& first = tensors.front();
  const Size at = detail::wrap_dim("stack", dim, first.dim() + 1);
  for (const Tensor& x : tensors) {
    check(x.shape() == first.shape(), "stack", "expected tensors of one shape, got {} and {}",
          first.shape(), x.shape());
  }
  Shape shape = first.shape();
  shape.insert(at, static_cast<Size>(tensors.size()));
  Tensor out = detail::new_tensor("stack", shape, common_dtype(tensors));
  Strides strides = out.strides();
  strides.erase(at);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    write_part(out, static_cast<Size>(i) * out.strides()[at], tensors[i], strides);
  }
  return record_parts("stack", std::move(out), tensors, [at](const Tensor& dy, std::size_t i) {
    return select(dy, at, static_cast<Size>(i));
  });
}

}  // namespace reel
