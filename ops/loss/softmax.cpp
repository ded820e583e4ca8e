#include "reel/ops/loss/softmax.h"

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/softmax.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/reduce/reduced.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/gradients_by.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;

/// `x` with the elements of `like`, which is dense, in the same places of memory.
Tensor in_order_of(const Tensor& x, const Tensor& like) {
  if (x.strides() == like.strides()) return x;
  const NoGradGuard no_grad;
  Tensor copy = detail::empty_strided(like.shape(), like.strides(), x.dtype());
  copy.copy_(x);
  return copy;
}

Tensor softmax_backward(const Tensor& dy, const Tensor& y, Size dim, bool log) {
  return detail::gradients_by(
      [&] { return log ? dy - exp(y) * sum(dy, dim, true) : y * (dy - sum(dy * y, dim, true)); },
      [&] {
        const Tensor gradient = in_order_of(dy, y);
        Tensor dx = detail::empty_strided(y.shape(), y.strides(), y.dtype());
        kernels::softmax_backward(readable(y), readable(gradient), dim, log, writable(dx));
        return dx;
      },
      dy, y);
}

Tensor softmax(OpName op, const Tensor& x, Size dim, bool log) {
  if (detail::is_batched(x)) [[unlikely]] {
    const auto again = [=](const Tensor& all, Size behind) {
      return softmax(op, all, behind, log);
    };
    return detail::along_dim(op, again, x, dim);
  }
  const detail::OpScope scope(op, x);
  detail::check_floating(op, x);
  const Size along = detail::wrap_dim(op, dim, x.dim());
  const Tensor source = detail::is_dense(x.shape(), x.strides())
                            ? detail::alias(x, x.shape(), x.strides())
                            : x.detach().contiguous();
  Tensor out = detail::empty_strided(x.shape(), source.strides(), x.dtype());
  kernels::softmax(readable(source), along, log, writable(out));
  return record(op, std::move(out), wrt(x, [along, log](const Tensor& dy, const Tensor& y) {
                  return softmax_backward(dy, y, along, log);
                }));
}

}  // namespace

Tensor softmax(const Tensor& x, Size dim) { return softmax("softmax", x, dim, false); }
Tensor softmin(const Tensor& x, Size dim) { return softmax("softmin", -x, dim, false); }
Tensor log_softmax(const Tensor& x, Size dim) { return softmax("log_softmax", x, dim, true); }

Tensor Tensor::softmax(Size dim) const { return reel::softmax(*this, dim); }
Tensor Tensor::log_softmax(Size dim) const { return reel::log_softmax(*this, dim); }

}  // namespace reel
