#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/reduce/reduced.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::Reduced;
using kernels::Reduction;

void check_choice(const char* op, const Tensor& x, Size length) {
  check(length > 0, op, "expected at least one element to choose from, got shape {}", x.shape());
}

Tensor extreme(OpName op, Reduction reduction, const Tensor& x, const Dims& dims, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]] {
    const auto again = [=](const Tensor& all, const Dims& behind) {
      return extreme(op, reduction, all, behind, keepdim);
    };
    return detail::along_dims(op, again, x, dims);
  }
  const Reduced reduced(op, x, dims, keepdim);
  check_choice(op, x, reduced.length);
  return record(
      op, detail::reduce(reduction, x, reduced),
      wrt(x, [x = save(x), dims, spread = reduced.spread](const Tensor& dy, const Tensor& y) {
        const Tensor chosen = detail::equal_or_nan(x, y, spread).to(dy.dtype());
        return chosen * spread(dy) / sum(chosen, dims, true);
      }));
}

/// The extremes along a dimension, on request, and where they stand, outside the tape.
ValuesAndIndices choose(const char* op, bool greatest, const Tensor& x, Size dim, bool keepdim,
                        bool with_values) {
  const Size along = detail::wrap_dim(op, dim, detail::check_defined(op, "input", x).dim());
  const Reduced reduced(op, x, along, keepdim);
  check_choice(op, x, reduced.length);
  ValuesAndIndices chosen;
  if (with_values) chosen.values = empty(reduced.out, {.dtype = x.dtype()});
  chosen.indices = empty(reduced.out, {.dtype = int64});
  kernels::arg_reduce(greatest, detail::readable(x), along, detail::writable(chosen.values),
                      detail::writable(chosen.indices));
  return chosen;
}

ValuesAndIndices extreme_along(OpName op, bool greatest, const Tensor& x, Size dim, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]] {
    const auto again = [=](const Tensor& all, Size behind) {
      const auto [values, indices] = extreme_along(op, greatest, all, behind, keepdim);
      return std::vector{values, indices};
    };
    const std::vector<Tensor> chosen = detail::results_along_dim(op, again, x, dim);
    return {chosen[0], chosen[1]};
  }
  const detail::OpScope scope(op, x);
  ValuesAndIndices chosen = choose(op, greatest, x, dim, keepdim, true);
  const Size along = detail::wrap_dim(op, dim, x.dim());
  const Reduced reduced(op, x, along, true);
  auto [values, indices] = record(
      op, outputs(std::move(chosen.values), std::move(chosen.indices)), inputs(x),
      [along, spread = reduced.spread](const Gradients& dy, const std::vector<Tensor>& y,
                                       const Needs&) {
        if (spread.input.empty()) return Gradients{dy[0]};
        return Gradients{scatter_add(zeros(spread.input, {.dtype = dy[0].dtype()}), along,
                                     reshape(y[1], spread.kept), reshape(dy[0], spread.kept))};
      });
  return {std::move(values), std::move(indices)};
}

Tensor place(const char* op, bool greatest, const Tensor& x, std::optional<Size> dim,
             bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]] {
    const auto again = [=](const Tensor& all, Size behind) {
      return place(op, greatest, all, behind, keepdim);
    };
    if (dim) return detail::along_dim(op, again, x, *dim);
    const Tensor index = place(op, greatest, flatten(x), 0, false);
    return keepdim ? view(index, Shape::repeat(x.dim(), 1)) : index;
  }
  detail::check_defined(op, "input", x);
  if (dim) return choose(op, greatest, x, *dim, keepdim, false).indices;
  const Tensor elements = detail::alias(x, x.shape(), x.strides());
  const Tensor index = choose(op, greatest, flatten(elements), 0, false, false).indices;
  return keepdim ? view(index, Shape::repeat(x.dim(), 1)) : index;
}

}  // namespace

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme("amax", Reduction::max, x, dims, keepdim);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme("amin", Reduction::min, x, dims, keepdim);
}
Tensor max(const Tensor& x) { return extreme("max", Reduction::max, x, {}, false); }
Tensor min(const Tensor& x) { return extreme("min", Reduction::min, x, {}, false); }
ValuesAndIndices max(const Tensor& x, Size dim, bool keepdim) {
  return extreme_along("max", true, x, dim, keepdim);
}
ValuesAndIndices min(const Tensor& x, Size dim, bool keepdim) {
  return extreme_along("min", false, x, dim, keepdim);
}
Tensor argmax(const Tensor& x, std::optional<Size> dim, bool keepdim) {
  return place("argmax", true, x, dim, keepdim);
}
Tensor argmin(const Tensor& x, std::optional<Size> dim, bool keepdim) {
  return place("argmin", false, x, dim, keepdim);
}

Tensor Tensor::amax(const Dims& dims, bool keepdim) const {
  return reel::amax(*this, dims, keepdim);
}
Tensor Tensor::amin(const Dims& dims, bool keepdim) const {
  return reel::amin(*this, dims, keepdim);
}
Tensor Tensor::max() const { return reel::max(*this); }
Tensor Tensor::min() const { return reel::min(*this); }
ValuesAndIndices Tensor::max(Size dim, bool keepdim) const {
  return reel::max(*this, dim, keepdim);
}
ValuesAndIndices Tensor::min(Size dim, bool keepdim) const {
  return reel::min(*this, dim, keepdim);
}
Tensor Tensor::argmax(std::optional<Size> dim, bool keepdim) const {
  return reel::argmax(*this, dim, keepdim);
}
Tensor Tensor::argmin(std::optional<Size> dim, bool keepdim) const {
  return reel::argmin(*this, dim, keepdim);
}

}  // namespace reel
