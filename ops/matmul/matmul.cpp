#include "reel/ops/matmul/matmul.h"
#include "reel/base/detail/broadcast.h"

#include <algorithm>
#include <optional>
#include <string>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/gemm.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/promote.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;

void check_dtypes(const char* op, const Tensor& a, const Tensor& b) {
  detail::check_one_dtype(op, "a", a, "b", b);
  check(a.dtype() != bool_, op, "expected a dtype of numbers, got bool");
}

void check_rank(const char* op, const Tensor& x, Size rank) {
  detail::check_defined(op, "input", x);
  check(x.dim() == rank, op, "expected a tensor with {} dimension{}, got shape {}", rank,
        rank == 1 ? "" : "s", x.shape());
}

/// How to make rows of `size` numbers of `x`, where its last dimensions hold as many.
std::string help_with_rows(const char* name, const Shape& x, Size size) {
  for (Size dim = 1; dim < x.size(); ++dim) {
    if (Shape(x.begin() + dim, x.end()).numel() == size) {
      return fmt::format("\nhelp: {}.flatten({})", name, dim);
    }
  }
  if (x.size() < 2 || x.numel() != size) return "";
  return fmt::format("\nhelp: for one sample {}.unsqueeze(0).flatten(1)", name);
}

void check_inner(const char* op, const Tensor& a, const Tensor& b, Size k, Size other) {
  check(k == other, op, "expected inner sizes to be equal, got shapes {} and {}{}", a.shape(),
        b.shape(), help_with_rows("a", a.shape(), other));
}

void check_matrices(const char* op, const Tensor& a, const Tensor& b) {
  check_rank(op, a, 2);
  check_rank(op, b, 2);
  check_dtypes(op, a, b);
  check_inner(op, a, b, a.shape()[1], b.shape()[0]);
}

/// Whether a batch is one matrix again and again, as `expand` makes it.
bool is_repeated(const Tensor& x) {
  if (x.dim() < 3 || x.numel() == 0) return false;
  const Size* strides = x.strides().begin();
  return std::all_of(strides, strides + x.dim() - 2, [](Size stride) { return stride == 0; });
}

Tensor first_matrix(const Tensor& x) {
  const Size rank = x.dim();
  return detail::alias(x, {x.size(-2), x.size(-1)}, {x.stride(rank - 2), x.stride(rank - 1)});
}

bool has_batch(const Tensor& x, const Shape& batch) {
  return std::equal(batch.begin(), batch.end(), x.shape().begin(), x.shape().end() - 2);
}

/// The tensor itself if its last two dimensions are a matrix that products can read, else a copy.
Tensor with_matrices(const Tensor& x) {
  if (kernels::gemm_reads(readable(x))) return x;
  const NoGradGuard no_grad;
  return contiguous(x);
}

Shape batch_shape(const Tensor& a, const Tensor& b) {
  const std::optional<Shape> batch = detail::try_broadcast(
      Shape(a.shape().begin(), a.shape().end() - 2), Shape(b.shape().begin(), b.shape().end() - 2));
  check(batch.has_value(), "matmul",
        "expected batches that broadcast together, got shapes {} and {}", a.shape(), b.shape());
  return *batch;
}

/// The product of tensors with at least two dimensions each, outside the tape.
Tensor product(const Tensor& a, const Tensor& b) {
  const Shape batch = a.dim() == 2 && b.dim() == 2 ? Shape{} : batch_shape(a, b);
  if (batch.numel() > 1 && a.size(-1) == 1 && is_floating(a.dtype())) {
    // Many small products of a column and a row cost more to begin than to do.
    const NoGradGuard no_grad;
    return contiguous(mul(a, b));
  }
  Shape shape = batch;
  shape.push_back(a.shape()[a.dim() - 2]);
  shape.push_back(b.shape().back());
  const Tensor out = empty(shape, {.dtype = a.dtype()});
  // A matrix that serves a whole batch, which the other factor has, is read once.
  const bool one_a = is_repeated(a) && has_batch(b, batch);
  const bool one_b = !one_a && is_repeated(b) && has_batch(a, batch);
  kernels::gemm(readable(one_a ? first_matrix(a) : with_matrices(a)),
                readable(one_b ? first_matrix(b) : with_matrices(b)), writable(out));
  return out;
}

Size leading(const Tensor& x) {
  Size rows = 1;
  for (Size i = 0; i + 1 < x.dim(); ++i) rows *= x.shape()[i];
  return rows;
}

Tensor as_rows(const Tensor& x) {
  return x.dim() == 2 ? x : reshape(x, {leading(x), x.shape().back()});
}

/// The rule of `f(name, a, b)` for the samples of a vmap: batches of what were batches or matrices.
Tensor multiply_samples(OpName name, Tensor (*f)(OpName, const Tensor&, const Tensor&),
                        const Tensor& a, const Tensor& b) {
  const detail::Samples samples(name, a, b);
  const Size rank = std::max(a.dim(), b.dim());
  return samples.one(f(name, samples.broadcast(a, rank), samples.broadcast(b, rank)));
}

Tensor multiply(OpName name, const Tensor& a, const Tensor& b) {
  if (detail::any_batched(a, b)) [[unlikely]]
    return multiply_samples(name, multiply, a, b);
  const detail::OpScope scope(name, a, b);
  return record(
      name, product(a, b),
      wrt(a, [b = save(b)](const Tensor& dy) { return matmul(dy, transpose(b, -2, -1)); }),
      wrt(b, [a = save(a), rank = b.dim()](const Tensor& dy) {
        // A matrix that served a whole batch: the sum over the batch is part of the product.
        if (rank == 2 && dy.numel() > 0) return mm(t(as_rows(a)), as_rows(dy));
        return matmul(transpose(a, -2, -1), dy);
      }));
}

/// a b^T: the gradient of b lies in memory as b does, which that of a transposed b would not.
Tensor multiply_transposed(OpName name, const Tensor& a, const Tensor& b) {
  if (detail::any_batched(a, b)) [[unlikely]]
    return multiply_samples(name, multiply_transposed, a, b);
  const detail::OpScope scope(name, a, b);
  return record(
      name, product(a, transpose(b.detach(), -2, -1)),
      wrt(a, [b = save(b)](const Tensor& dy) { return matmul(dy, b); }),
      wrt(b, [a = save(a)](const Tensor& dy) { return matmul(transpose(dy, -2, -1), a); }));
}

void check_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  detail::check_defined("linear", "input", x);
  detail::check_defined("linear", "weight", weight);
  check(x.dim() >= 1 && weight.dim() == 2, "linear",
        "expected input [.., in] and weight [out, in], got {} and {}", x.shape(), weight.shape());
  detail::check_one_dtype("linear", "input", x, "weight", weight);
  check(x.dtype() != bool_, "linear", "expected a dtype of numbers, got bool");
  const Size out = weight.shape()[0], in = weight.shape()[1];
  check(x.shape().back() == in, "linear",
        "expected input of shape [.., {}] to match weight {}, got {}{}", in, weight.shape(),
        x.shape(), help_with_rows("x", x.shape(), in));
  if (bias.defined()) {
    detail::check_one_dtype("linear", "bias", bias, "input", x);
    check(bias.shape() == Shape{out}, "linear",
          "expected bias of shape [{}] to match weight {}, got {}", out, weight.shape(),
          bias.shape());
  }
}

Tensor linear_forward(const Tensor& x_given, const Tensor& weight, const Tensor& bias) {
  check_linear(x_given, weight, bias);
  Shape shape = x_given.shape();
  shape.back() = weight.shape()[0];
  const Tensor out = empty(shape, {.dtype = x_given.dtype()});
  const NoGradGuard no_grad;
  const Tensor x = x_given.dim() == 2 ? with_matrices(x_given) : contiguous(x_given);
  const Tensor b = bias.defined() ? contiguous(bias) : bias;
  kernels::gemm(readable(x), readable(with_matrices(weight)), writable(out),
                {.b_transposed = true, .bias = readable(b)});
  return out;
}

Tensor weight_gradient(const Tensor& x, const Tensor& dy) { return mm(t(as_rows(dy)), as_rows(x)); }

Tensor bias_gradient(const Tensor& dy) { return dy.dim() == 1 ? dy : sum(as_rows(dy), 0); }

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  detail::check_defined("matmul", "a", a);
  detail::check_defined("matmul", "b", b);
  check(a.dim() >= 1 && b.dim() >= 1, "matmul",
        "expected tensors with at least 1 dimension, got shapes {} and {}", a.shape(), b.shape());
  check_dtypes("matmul", a, b);
  check_inner("matmul", a, b, a.shape().back(),
              b.dim() == 1 ? b.shape()[0] : b.shape()[b.dim() - 2]);
  if (a.dim() >= 2 && b.dim() >= 2) return multiply("matmul", a, b);
  const Tensor product =
      multiply("matmul", a.dim() == 1 ? unsqueeze(a, 0) : a, b.dim() == 1 ? unsqueeze(b, 1) : b);
  const Tensor no_column = b.dim() == 1 ? squeeze(product, -1) : product;
  return a.dim() == 1 ? squeeze(no_column, b.dim() == 1 ? -1 : -2) : no_column;
}

Tensor mm(const Tensor& a, const Tensor& b) {
  check_matrices("mm", a, b);
  return multiply("mm", a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_rank("bmm", a, 3);
  check_rank("bmm", b, 3);
  check_dtypes("bmm", a, b);
  check(a.shape()[0] == b.shape()[0], "bmm", "expected batches of one size, got shapes {} and {}",
        a.shape(), b.shape());
  check_inner("bmm", a, b, a.shape()[2], b.shape()[1]);
  return multiply("bmm", a, b);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_rank("dot", a, 1);
  check_rank("dot", b, 1);
  check_dtypes("dot", a, b);
  check_inner("dot", a, b, a.shape()[0], b.shape()[0]);
  return matmul(a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  check_rank("outer", a, 1);
  check_rank("outer", b, 1);
  return mul(unsqueeze(a, 1), b);
}

Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const AddmmOptions& options) {
  check_matrices("addmm", a, b);
  const Tensor product = multiply("mm", a, b);
  return add(options.beta == 1 ? input : mul(input, options.beta),
             options.alpha == 1 ? product : mul(product, options.alpha));
}

namespace {

/// The rule for the samples of a vmap: one product where all share the weight.
Tensor linear_of_samples(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_linear(x, weight, bias);
  if (!detail::any_batched(weight, bias)) {
    const detail::Samples samples("linear", x);
    return samples.one(linear(samples.all(x), weight, bias));
  }
  Shape shape = x.shape();
  shape.back() = weight.size(0);
  const Tensor y = reshape(multiply_transposed("linear", as_rows(x), weight), shape);
  return bias.defined() ? add(y, bias) : y;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (detail::any_batched(x, weight, bias)) [[unlikely]]
    return linear_of_samples(x, weight, bias);
  const detail::OpScope scope("linear", x, weight, bias);
  Tensor out = linear_forward(x, weight, bias);
  return record("linear", std::move(out),
                wrt(x, [w = save(weight)](const Tensor& dy) { return matmul(dy, w()); }),
                wrt(weight, [x = save(x)](const Tensor& dy) { return weight_gradient(x, dy); }),
                wrt(bias, [](const Tensor& dy) { return bias_gradient(dy); }));
}

Tensor Tensor::matmul(const Tensor& other) const { return reel::matmul(*this, other); }

}  // namespace reel
