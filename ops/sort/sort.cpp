#include "reel/ops/sort/sort.h"

#include <limits>
#include <utility>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/sort.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::check_defined;
using detail::readable;
using detail::wrap_dim;
using detail::writable;

/// A dimension that things are ordered along; a 0-d tensor counts as 1-d.
struct Along {
  Size dim, size;

  Along(const char* op, const Tensor& x, Size given)
      : dim(wrap_dim(op, given, check_defined(op, "input", x).dim())),
        size(x.dim() == 0 ? 1 : x.shape()[dim]) {}
};

/// The shape of `x` with another size along the dimension.
Shape resized(const Tensor& x, const Along& along, Size size) {
  Shape shape = x.shape();
  if (!shape.empty()) shape[along.dim] = size;
  return shape;
}

/// Puts chosen elements on the tape: each gradient goes to where its element stood.
ValuesAndIndices record_choice(OpName op, const Tensor& x, const Along& along, Tensor values,
                               Tensor indices) {
  auto [chosen, places] = record(
      op, outputs(std::move(values), std::move(indices)), inputs(x),
      [shape = x.shape(), dim = along.dim](const Gradients& dy, const std::vector<Tensor>& y,
                                           const Needs&) {
        if (shape.empty()) return Gradients{reshape(dy[0], {})};
        return Gradients{scatter_add(zeros(shape, {.dtype = dy[0].dtype()}), dim, y[1], dy[0])};
      });
  return {std::move(chosen), std::move(places)};
}

/// The first `count` in order.
ValuesAndIndices ordered(OpName op, const Tensor& x, const Along& along, bool descending,
                         Size count) {
  const detail::OpScope scope(op, x);
  const Shape shape = resized(x, along, count);
  Tensor values = empty(shape, {.dtype = x.dtype()}), indices = empty(shape, {.dtype = int64});
  kernels::sort(readable(x), along.dim, descending, count, writable(values), writable(indices));
  return record_choice(op, x, along, std::move(values), std::move(indices));
}

/// The element after `k` others; its dimension goes unless `keepdim`.
ValuesAndIndices kth(OpName op, const Tensor& x, const Along& along, Size k, bool nan_first,
                     bool keepdim) {
  const detail::OpScope scope(op, x);
  const Shape shape = resized(x, along, 1);
  Tensor values = empty(shape, {.dtype = x.dtype()}), indices = empty(shape, {.dtype = int64});
  kernels::kth_value(readable(x), along.dim, k, nan_first, writable(values), writable(indices));
  ValuesAndIndices chosen = record_choice(op, x, along, std::move(values), std::move(indices));
  if (keepdim || x.dim() == 0) return chosen;
  return {squeeze(chosen.values, along.dim), squeeze(chosen.indices, along.dim)};
}

/// The rule of an op along `dim` for the samples of a vmap.
template <class F>
ValuesAndIndices samples_along(const char* op, const Tensor& x, Size dim, const F& f) {
  const auto again = [&](const Tensor& all, Size behind) {
    const ValuesAndIndices of_all = f(all, behind);
    return std::vector{of_all.values, of_all.indices};
  };
  const std::vector<Tensor> chosen = detail::results_along_dim(op, again, x, dim);
  return {chosen[0], chosen[1]};
}

}  // namespace

ValuesAndIndices sort(const Tensor& x, Size dim, bool descending) {
  if (detail::is_batched(x)) [[unlikely]] {
    return samples_along("sort", x, dim, [=](const Tensor& all, Size behind) {
      return sort(all, behind, descending);
    });
  }
  const Along along("sort", x, dim);
  return ordered("sort", x, along, descending, along.size);
}

Tensor argsort(const Tensor& x, Size dim, bool descending) {
  if (detail::is_batched(x)) [[unlikely]]
    return sort(x, dim, descending).indices;
  const Along along("argsort", x, dim);
  const detail::OpScope scope("argsort", x);
  Tensor indices = empty(x.shape(), {.dtype = int64});
  kernels::sort(readable(x), along.dim, descending, along.size, {}, writable(indices));
  return indices;
}

Tensor msort(const Tensor& x) {
  if (detail::is_batched(x)) [[unlikely]]
    return sort(x, 0, false).values;
  const Along along("msort", x, 0);
  return ordered("msort", x, along, false, along.size).values;
}

ValuesAndIndices topk(const Tensor& x, Size k, Size dim, bool largest) {
  if (detail::is_batched(x)) [[unlikely]] {
    return samples_along("topk", x, dim, [=](const Tensor& all, Size behind) {
      return topk(all, k, behind, largest);
    });
  }
  const Along along("topk", x, dim);
  check(k >= 0 && k <= along.size, "topk",
        "expected k in [0, {}] along dimension {} of shape {}, got {}", along.size, dim, x.shape(),
        k);
  if (x.dim() == 0 && k == 0)
    return {empty({0}, {.dtype = x.dtype()}), empty({0}, {.dtype = int64})};
  return ordered("topk", x, along, largest, k);
}

ValuesAndIndices kthvalue(const Tensor& x, Size k, Size dim, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]] {
    return samples_along("kthvalue", x, dim, [=](const Tensor& all, Size behind) {
      return kthvalue(all, k, behind, keepdim);
    });
  }
  const Along along("kthvalue", x, dim);
  check(k >= 1 && k <= along.size, "kthvalue",
        "expected k in [1, {}] along dimension {} of shape {}, got {}", along.size, dim, x.shape(),
        k);
  return kth("kthvalue", x, along, k - 1, false, keepdim);
}

ValuesAndIndices median(const Tensor& x, Size dim, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]] {
    return samples_along("median", x, dim, [=](const Tensor& all, Size behind) {
      return median(all, behind, keepdim);
    });
  }
  const Along along("median", x, dim);
  check(along.size > 0, "median", "expected at least one element to choose from, got shape {}",
        x.shape());
  return kth("median", x, along, (along.size - 1) / 2, true, keepdim);
}

Tensor median(const Tensor& x) {
  check_defined("median", "input", x);
  if (x.numel() == 0) {
    check(x.is_floating_point(), "median", "expected at least one integer, got shape {}",
          x.shape());
    return full({}, std::numeric_limits<double>::quiet_NaN(), {.dtype = x.dtype()});
  }
  return median(flatten(x), 0).values;
}

ValuesAndIndices Tensor::sort(Size dim, bool descending) const {
  return reel::sort(*this, dim, descending);
}
Tensor Tensor::argsort(Size dim, bool descending) const {
  return reel::argsort(*this, dim, descending);
}
ValuesAndIndices Tensor::topk(Size k, Size dim, bool largest) const {
  return reel::topk(*this, k, dim, largest);
}
ValuesAndIndices Tensor::median(Size dim, bool keepdim) const {
  return reel::median(*this, dim, keepdim);
}
Tensor Tensor::median() const { return reel::median(*this); }

}  // namespace reel
