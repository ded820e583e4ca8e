#include "reel/ops/index/index.h"
#include "reel/base/detail/broadcast.h"
#include "reel/base/detail/promotion.h"

#include <algorithm>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index_plan.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/fit.h"
#include "reel/ops/support/promote.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::IndexPlan;
using detail::RowIndex;
using Kind = Index::Kind;

bool is_mask(const Index& index) {
  return index.kind == Kind::tensor && index.tensor.dtype() == bool_;
}

/// How many dimensions of the tensor an index uses up.
Size dims_taken(const Index& index) {
  switch (index.kind) {
    case Kind::number:
    case Kind::slice:
      return 1;
    case Kind::tensor:
      return is_mask(index) ? index.tensor.dim() : 1;
    default:
      return 0;
  }
}

/// The indices with one for every dimension: an ellipsis, or the end, stands for full slices.
std::vector<Index> spell_out(const char* op, const Tensor& x, const std::vector<Index>& indices) {
  Size taken = 0;
  Size ellipses = 0;
  for (const Index& index : indices) {
    if (index.kind == Kind::tensor) detail::check_defined(op, "index", index.tensor);
    taken += dims_taken(index);
    ellipses += index.kind == Kind::ellipsis;
  }
  check(ellipses <= 1, op, "expected at most one Ellipsis, got {}", ellipses);
  check(taken <= x.dim(), op, "expected at most {} indices for shape {}, got {}", x.dim(),
        x.shape(), taken);
  std::vector<Index> all;
  auto fill = [&] { all.insert(all.end(), static_cast<std::size_t>(x.dim() - taken), Slice{}); };
  for (const Index& index : indices) {
    if (index.kind == Kind::ellipsis) {
      fill();
    } else {
      all.push_back(index);
    }
  }
  if (ellipses == 0) fill();
  return all;
}

/// One tensor among the indices: positions within dimensions `dim` to `dim + count` taken as one.
struct TensorIndex {
  Tensor positions;
  Size dim;
  Size count;
};

TensorIndex tensor_index(const char* op, const Tensor& view, Size dim, const Tensor& index) {
  if (index.dtype() != bool_) {
    check(index.dtype() == int64 || index.dtype() == int32, op,
          "expected index tensors of dtype int64, int32 or bool, got {}", index.dtype());
    return {detail::to_positions(op, index), dim, 1};
  }
  const Size* sizes = view.shape().begin() + dim;
  const Shape covered(sizes, sizes + index.dim());
  check(index.shape() == covered, op, "expected a mask of shape {}, got {}", covered,
        index.shape());
  detail::check_not_batched(op, index);  // there would be more of one sample than of another
  return {detail::true_positions(contiguous(index)), dim, index.dim()};
}

RowIndex combine(const char* op, const Tensor& view, const std::vector<TensorIndex>& tensors) {
  RowIndex index{.rows = {}, .dim = tensors.front().dim, .count = 0};
  for (const TensorIndex& one : tensors) {
    index.shape = detail::broadcast_shapes(op, index.shape, one.positions.shape());
  }
  index.rows = zeros(index.shape, {.dtype = int64});
  for (const TensorIndex& one : tensors) {
    const Size* sizes = view.shape().begin() + one.dim;
    const Size extent = Shape(sizes, sizes + one.count).numel();
    const Tensor positions = contiguous(expand(one.positions, index.shape));
    index.rows = detail::append_index(op, index.rows, positions, extent, true);
    index.count += one.count;
  }
  return index;
}

/// The dimensions of the indexed tensor, moved to the front.
Tensor to_front(const Tensor& view, std::vector<TensorIndex>& tensors) {
  Dims order;
  for (TensorIndex& one : tensors) {
    const Size first = order.size();
    for (Size i = 0; i < one.count; ++i) order.push_back(one.dim + i);
    one.dim = first;
  }
  for (Size d = 0; d < view.dim(); ++d) {
    if (std::find(order.begin(), order.end(), d) == order.end()) order.push_back(d);
  }
  return permute(view, order);
}

IndexPlan make_plan(const char* op, const Tensor& x, const std::vector<Index>& indices) {
  IndexPlan plan{x, {}};
  std::vector<TensorIndex> tensors;
  Size dim = 0;
  // NumPy keeps the place of the indexed dimensions only if numbers and tensors stand together.
  bool begun = false, ended = false, apart = false;
  for (const Index& index : spell_out(op, x, indices)) {
    const bool picks = index.kind == Kind::number || index.kind == Kind::tensor;
    apart = apart || (picks && ended);
    begun = begun || picks;
    ended = ended || (begun && !picks);
    switch (index.kind) {
      case Kind::number: {
        const Size size = plan.view.shape()[dim];
        check(index.number >= -size && index.number < size, op,
              "expected an index in [{}, {}) for a dimension of shape {}, got {}", -size, size,
              x.shape(), index.number);
        plan.view = select(plan.view, dim, index.number);
        break;
      }
      case Kind::slice: {
        const auto& [start, stop, step] = index.slice;
        if (start || stop || step != 1) plan.view = slice(plan.view, dim, start, stop, step);
        ++dim;
        break;
      }
      case Kind::none:
        plan.view = unsqueeze(plan.view, dim++);
        break;
      default:
        tensors.push_back(tensor_index(op, plan.view, dim, index.tensor));
        dim += tensors.back().count;
    }
  }
  if (tensors.empty()) {
    if (plan.view.is_same(x)) plan.view = view(x, x.shape());
    return plan;
  }
  if (apart) plan.view = to_front(plan.view, tensors);
  plan.rows = combine(op, plan.view, tensors);
  return plan;
}

void write(OpName op, const IndexPlan& plan, const Tensor& values, bool accumulate) {
  const Tensor& view = plan.view;
  check_in_place(op, view, values);
  const Shape shape = plan.rows ? detail::indexed_shape(view.shape(), *plan.rows) : view.shape();
  check(detail::broadcast_shapes(op, shape, values.shape()) == shape, op,
        "expected values that broadcast to shape {}, got {}", shape, values.shape());
  check(detail::kind(values.dtype()) <= detail::kind(view.dtype()), op,
        "expected values that fit dtype {}, got {}", view.dtype(), values.dtype());
  const bool shares = values.impl().storage == view.impl().storage;
  const Tensor one = values.dim() == 0 && !is_floating(view.dtype())
                         ? detail::fitted(op, view.dtype(), values)
                         : to(shares ? clone(values) : values, view.dtype());
  const Tensor source = expand(one, shape);
  if (!plan.rows) {
    accumulate ? view.add_(source) : view.copy_(source);
    return;
  }
  check(!accumulate || view.dtype() != bool_, op, "expected numbers to add, got dtype bool");
  detail::check_not_batched(op, plan.rows->rows);
  const RowIndex& rows = *plan.rows;
  detail::put_rows(view, rows, source, accumulate);
  record_in_place(
      op, view,
      wrt(view,
          [op, rows, accumulate](const Tensor& dy) {
            return accumulate ? dy : detail::without_rows(op, dy, rows);
          }),
      wrt(source, [op, rows](const Tensor& dy) { return detail::take_rows(op, dy, rows); }));
}

RowIndex row_index(const char* op, const Tensor& x, Size dim, const Tensor& index) {
  check(index.dim() <= 1, op, "expected indices of 1 dimension, got shape {}", index.shape());
  const Size at = detail::wrap_dim(op, dim, x.dim());
  const Tensor positions = detail::to_positions(op, index);
  const Tensor rows = detail::append_index(op, zeros(positions.numel(), {.dtype = int64}),
                                           flatten(positions), x.shape()[at], false);
  return {.rows = rows, .dim = at, .count = 1, .shape = rows.shape()};
}

}  // namespace

Indexed index(const Tensor& x, const std::vector<Index>& indices) {
  detail::check_defined("index", "input", x);
  const detail::OpScope scope("index", detail::all_samples(x));
  IndexPlan plan = make_plan("index", x, indices);
  if (!plan.rows) return Indexed(std::move(plan.view));
  Tensor entries = detail::take_rows("index", plan.view, *plan.rows);
  return Indexed(std::move(entries), std::make_shared<const IndexPlan>(std::move(plan)));
}

namespace {

/// Whether a dimension before those of `x` stays before what `indices` leave of them: NumPy has what
/// tensors that stand apart give come first of all.
bool keeps_first_in_front(const Tensor& x, const std::vector<Index>& indices,
                          const std::vector<Index>& behind_first) {
  const Tensor none = empty({}, {.dtype = bool_});
  const Shape kept = index(expand(none, x.shape()), indices).shape();
  Size size = 1;  // of which there is no other
  while (std::find(kept.begin(), kept.end(), size) != kept.end()) ++size;
  Shape with_first = x.shape();
  with_first.insert(0, size);
  return index(expand(none, with_first), behind_first).shape()[0] == size;
}

/// The rule for the samples of a vmap, which share their indices.
Tensor index_put_of_samples(const Tensor& x, const std::vector<Index>& indices,
                            const Tensor& values, bool accumulate) {
  const detail::Samples samples("index_put", x, values);
  std::vector<Index> of_all{Slice{}};
  of_all.insert(of_all.end(), indices.begin(), indices.end());
  check(keeps_first_in_front(x, indices, of_all), "index_put",
        "expected tensors that stand side by side among the indices inside vmap, got them apart");
  const Tensor form = expand(empty({}, {.dtype = bool_}), x.shape());
  const Size rank = index(form, indices).dim();
  return samples.one(
      index_put(samples.each(x), of_all, samples.broadcast(values, rank), accumulate));
}

}  // namespace

Tensor index_put(const Tensor& x, const std::vector<Index>& indices, const Tensor& values,
                 bool accumulate) {
  detail::check_defined("index_put", "input", x);
  detail::check_defined("index_put", "values", values);
  if (detail::any_batched(x, values)) [[unlikely]] {
    return index_put_of_samples(x, indices, values, accumulate);
  }
  const detail::OpScope scope("index_put", x);
  const Tensor out = clone(x);
  write("index_put", make_plan("index_put", out, indices), values, accumulate);
  return out;
}

const Tensor& index_put_(const Tensor& x, const std::vector<Index>& indices, const Tensor& values,
                         bool accumulate) {
  detail::check_defined("index_put_", "input", x);
  detail::check_defined("index_put_", "values", values);
  const detail::OpScope scope("index_put_", x);
  check_in_place("index_put_", x, values);
  write("index_put_", make_plan("index_put_", x, indices), values, accumulate);
  return x;
}

const Tensor& Indexed::operator=(const Tensor& values) && {
  if (plan_ == nullptr) return static_cast<Tensor&&>(*this) = values;
  return put(values);
}

const Tensor& Indexed::put(const Tensor& values) const {
  if (plan_ == nullptr) return *this;
  detail::check_defined("index_put_", "values", values);
  const detail::OpScope scope("index_put_", plan_->view);
  write("index_put_", *plan_, values, false);
  return *this;
}

Tensor index_select(const Tensor& x, Size dim, const Tensor& index) {
  detail::check_defined("index_select", "input", x);
  detail::check_defined("index_select", "index", index);
  const detail::OpScope scope("index_select", detail::all_samples(x), detail::all_samples(index));
  if (x.dim() == 0) {
    check(index.numel() == 1, "index_select", "expected one index for a 0-d tensor, got shape {}",
          index.shape());
    return reshape(index_select(reshape(x, {1}), dim, index), {});
  }
  return detail::take_rows("index_select", x, row_index("index_select", x, dim, index));
}

namespace {

/// The rule for the samples of a vmap.
Tensor index_add_of_samples(const Tensor& x, Size dim, const Tensor& index, const Tensor& source) {
  const detail::Samples samples("index_add", x, index, source);
  if (x.dim() == 0) {
    const Tensor added = source.dim() == 0 ? reshape(source, {1}) : source;
    return reshape(index_add(reshape(x, {1}), dim, index, added), {});
  }
  const Size at = detail::wrap_dim("index_add", dim, x.dim());
  if (!samples.has(index))
    return samples.one(index_add(samples.each(x), at + 1, index, samples.each(source)));
  Shape wanted = x.shape(), along = Shape::repeat(x.dim(), 1);
  wanted[at] = along[at] = index.numel();
  check(source.shape() == wanted && source.dtype() == x.dtype(), "index_add",
        "expected a source of shape {} and dtype {}, got {} and {}", wanted, x.dtype(),
        source.shape(), source.dtype());
  return scatter_add(x, at, expand(reshape(index, along), wanted), source);
}

}  // namespace

Tensor index_add(const Tensor& x, Size dim, const Tensor& index, const Tensor& source) {
  detail::check_defined("index_add", "input", x);
  detail::check_defined("index_add", "index", index);
  detail::check_defined("index_add", "source", source);
  if (detail::any_batched(x, index, source)) [[unlikely]]
    return index_add_of_samples(x, dim, index, source);
  const detail::OpScope scope("index_add", x, index, source);
  if (x.dim() == 0) {
    const Tensor added = source.dim() == 0 ? reshape(source, {1}) : source;
    return reshape(index_add(reshape(x, {1}), dim, index, added), {});
  }
  const RowIndex rows = row_index("index_add", x, dim, index);
  const Shape wanted = detail::indexed_shape(x.shape(), rows);
  check(source.shape() == wanted, "index_add", "expected a source of shape {}, got {}", wanted,
        source.shape());
  check(source.dtype() == x.dtype(), "index_add", "expected a source of dtype {}, got {}",
        x.dtype(), source.dtype());
  return add(x, detail::add_rows("index_add", source, rows, x.shape()));
}

Tensor Tensor::operator[](Size index) const { return select(0, index); }
Indexed Tensor::operator[](const Tensor& index) const { return reel::index(*this, {index}); }
Indexed Tensor::index(const std::vector<Index>& indices) const {
  return reel::index(*this, indices);
}
const Tensor& Tensor::index_put_(const std::vector<Index>& indices, const Tensor& values) const {
  return reel::index_put_(*this, indices, values);
}
Tensor Tensor::index_select(Size dim, const Tensor& index) const {
  return reel::index_select(*this, dim, index);
}

}  // namespace reel
