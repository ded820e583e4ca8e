#include "reel/ops/reduce/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/scan.h"
#include "reel/ops/create/create.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduced.h"
#include "reel/ops/shape/join.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::reduce;
using detail::Reduced;
using kernels::Finish;
using kernels::Reduction;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// For quotients that shall be 0 where y is 0, and whose derivatives shall be 0 there too.
Tensor infinite_where_zero(const Tensor& y) { return where(y == 0, infinity, y); }

/// What var and std divide by.
double degrees_of_freedom(const char* op, const Reduced& reduced, Size correction) {
  check(correction >= 0, op, "expected a correction of 0 or more, got {}", correction);
  return static_cast<double>(std::max<Size>(0, reduced.length - correction));
}

/// The sum of squared distances from the mean, scaled and finished as told.
Tensor reduce_deviations(const Tensor& x, const Reduced& reduced, double divisor, Finish finish) {
  const Tensor center =
      reduce(Reduction::sum, x, reduced, {.scale = 1 / static_cast<double>(reduced.length)});
  return reduce(Reduction::sum_squared_deviations, x, reduced,
                {.center = detail::readable(center), .finish = finish, .scale = 1 / divisor});
}

}  // namespace

// ---- sums

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::along_dims("sum", reel::sum, x, dims, keepdim);
  const Reduced reduced("sum", x, dims, keepdim);
  return record("sum", reduce(Reduction::sum, x, reduced),
                wrt(x, [spread = reduced.spread](const Tensor& dy) { return spread(dy); }));
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::along_dims("mean", reel::mean, x, dims, keepdim);
  detail::check_floating("mean", x);
  const Reduced reduced("mean", x, dims, keepdim);
  const auto n = static_cast<double>(reduced.length);
  return record("mean", reduce(Reduction::sum, x, reduced, {.scale = 1 / n}),
                wrt(x, [spread = reduced.spread, n](const Tensor& dy) { return spread(dy / n); }));
}

Tensor var(const Tensor& x, const Dims& dims, Size correction, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::along_dims("var", reel::var, x, dims, correction, keepdim);
  detail::check_floating("var", x);
  const Reduced reduced("var", x, dims, keepdim);
  const double divisor = degrees_of_freedom("var", reduced, correction);
  return record("var", reduce_deviations(x, reduced, divisor, Finish::scale),
                wrt(x, [x = save(x), dims, spread = reduced.spread, divisor](const Tensor& dy) {
                  return spread(dy * (2 / divisor)) * (x - mean(x, dims, true));
                }));
}

Tensor std(const Tensor& x, const Dims& dims, Size correction, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::along_dims("std", reel::std, x, dims, correction, keepdim);
  detail::check_floating("std", x);
  const Reduced reduced("std", x, dims, keepdim);
  const double divisor = degrees_of_freedom("std", reduced, correction);
  return record("std", reduce_deviations(x, reduced, divisor, Finish::sqrt),
                wrt(x, [x = save(x), dims, spread = reduced.spread, divisor](const Tensor& dy,
                                                                             const Tensor& y) {
                  const Tensor slope = dy / (divisor * infinite_where_zero(y));
                  return spread(slope) * (x - mean(x, dims, true));
                }));
}

Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::along_dims("logsumexp", reel::logsumexp, x, dims, keepdim);
  detail::check_floating("logsumexp", x);
  const Reduced reduced("logsumexp", x, dims, keepdim);
  const Tensor greatest = reduce(Reduction::max, x, reduced);
  Tensor out = reduce(Reduction::sum_exp, x, reduced,
                      {.center = detail::readable(greatest), .finish = Finish::log_center});
  return record("logsumexp", std::move(out),
                wrt(x, [x = save(x), spread = reduced.spread](const Tensor& dy, const Tensor& y) {
                  // Where all elements are -inf none of them moves the result.
                  return spread(dy) * exp(x - spread(where(y == -infinity, 0, y)));
                }));
}

// ---- products

namespace {

/// Along the first dimension, for each element the product of all others: halves are multiplied
/// pairwise up a tree and down again, so that nothing is ever divided by an element, which may be
/// 0.
Tensor products_of_others(const Tensor& x) {
  const Size n = x.size(0);
  if (n == 1) return ones_like(x);
  const Size half = n / 2;
  const Tensor a = narrow(x, 0, 0, half);
  const Tensor b = narrow(x, 0, half, half);
  const Tensor last = narrow(x, 0, 2 * half, n - 2 * half);
  const Tensor pairs = n % 2 == 0 ? a * b : cat({a * b, last});
  const Tensor others = products_of_others(pairs);
  const Tensor of_pairs = narrow(others, 0, 0, half);
  return cat({of_pairs * b, of_pairs * a, narrow(others, 0, half, n - 2 * half)});
}

Tensor prod_backward(const Tensor& dy, const Tensor& x, std::uint32_t mask,
                     const detail::Spread& spread) {
  if (x.numel() == 0) return zeros_like(x);
  Dims order;
  for (const bool reduced : {true, false}) {
    for (Size i = 0; i < x.dim(); ++i) {
      if (((mask >> i & 1u) != 0) == reduced) order.push_back(i);
    }
  }
  Dims inverse = order;
  for (Size i = 0; i < order.size(); ++i) inverse[order[i]] = i;
  const Tensor front = permute(x, order);
  const Size outputs = spread.kept.numel();
  const Tensor others = products_of_others(reshape(front, {x.numel() / outputs, outputs}));
  return spread(dy) * permute(reshape(others, front.shape()), inverse);
}

}  // namespace

Tensor prod(const Tensor& x, const Dims& dims, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::along_dims("prod", reel::prod, x, dims, keepdim);
  const Reduced reduced("prod", x, dims, keepdim);
  return record("prod", reduce(Reduction::prod, x, reduced),
                wrt(x, [x = save(x), mask = reduced.mask, spread = reduced.spread](
                           const Tensor& dy) { return prod_backward(dy, x, mask, spread); }));
}

// ---- norms

namespace {

Tensor norm_backward(const Tensor& dy, const Tensor& y, const Tensor& x, double p,
                     const detail::Spread& spread) {
  if (p == 0) return zeros_like(x);
  if (p == 1) return spread(dy) * sign(x);
  if (p == 2) return x * spread(dy / infinite_where_zero(y));
  if (std::isinf(p)) {
    // Those that have the extreme magnitude share the gradient evenly.
    const Tensor chosen = detail::equal_or_nan(abs(x), y, spread).to(x.dtype());
    Dims dims;
    for (Size i = 0; i < x.dim(); ++i) {
      if (spread.kept[i] != spread.input[i]) dims.push_back(i);
    }
    const Tensor count = dims.empty() ? chosen : sum(chosen, dims, true);
    return spread(dy) * (sign(x) * chosen / count);
  }
  const Tensor slope = dy / pow(infinite_where_zero(y), p - 1);
  if (p > 2) return x * pow(abs(x), p - 2) * spread(where(y == 0, 0, slope));
  const Tensor magnitude = where(x == 0, 1, abs(x));
  return sign(x) * pow(magnitude, p - 1) * spread(where(y == 0, 0, slope));
}

Tensor norm_forward(const Tensor& x, double p, const Reduced& reduced) {
  if (p == 0) return reduce(Reduction::count_nonzero, x, reduced);
  if (p == 1) return reduce(Reduction::sum_abs, x, reduced);
  if (p == 2) return reduce(Reduction::sum_squares, x, reduced, {.finish = Finish::sqrt});
  check(reduced.length > 0 || (p > 0 && !std::isinf(p)), "norm",
        "expected at least one element for p = {}, got shape {}", p, x.shape());
  if (std::isinf(p)) {
    return reduce(p > 0 ? Reduction::max_abs : Reduction::min_abs, x, reduced);
  }
  return reduce(Reduction::sum_pow, x, reduced, {.p = p, .finish = Finish::root});
}

}  // namespace

Tensor norm(const Tensor& x, double p, const Dims& dims, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]] {
    const auto again = [=](const Tensor& all, const Dims& behind) {
      return norm(all, p, behind, keepdim);
    };
    return detail::along_dims("norm", again, x, dims);
  }
  detail::check_floating("norm", x);
  check(!std::isnan(p), "norm", "expected a number p, got nan");
  const Reduced reduced("norm", x, dims, keepdim);
  return record(
      "norm", norm_forward(x, p, reduced),
      wrt(x, [x = save(x), p, spread = reduced.spread](const Tensor& dy, const Tensor& y) {
        return norm_backward(dy, y, x, p, spread);
      }));
}

// ---- running sums

namespace {

/// Sums from the front, or with `reverse` from the back: each is the other's derivative.
Tensor running_sum(const Tensor& input, Size dim, bool reverse) {
  if (detail::is_batched(input)) [[unlikely]] {
    const auto again = [=](const Tensor& all, Size behind) {
      return running_sum(all, behind, reverse);
    };
    return detail::along_dim("cumsum", again, input, dim);
  }
  const detail::OpScope scope("cumsum", input);
  const Tensor& x = input.is_floating_point() ? input : input.to(int64);
  const Tensor source = detail::alias(x, x.shape(), x.strides()).contiguous();
  Tensor out = empty(x.shape(), {.dtype = x.dtype()});
  kernels::cumsum(detail::readable(source), dim, reverse, detail::writable(out));
  return record("cumsum", std::move(out), wrt(input, [dim, reverse](const Tensor& dy) {
                  return running_sum(dy, dim, !reverse);
                }));
}

}  // namespace

Tensor cumsum(const Tensor& x, Size dim) {
  detail::check_defined("cumsum", "input", x);
  return running_sum(x, detail::wrap_dim("cumsum", dim, x.dim()), false);
}

// ---- truth

Tensor any(const Tensor& x, const Dims& dims, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::along_dims("any", reel::any, x, dims, keepdim);
  return reduce(Reduction::any, x, Reduced("any", x, dims, keepdim));
}

Tensor all(const Tensor& x, const Dims& dims, bool keepdim) {
  if (detail::is_batched(x)) [[unlikely]]
    return detail::along_dims("all", reel::all, x, dims, keepdim);
  return reduce(Reduction::all, x, Reduced("all", x, dims, keepdim));
}

// ---- methods

Tensor Tensor::sum(const Dims& dims, bool keepdim) const { return reel::sum(*this, dims, keepdim); }
Tensor Tensor::mean(const Dims& dims, bool keepdim) const {
  return reel::mean(*this, dims, keepdim);
}
Tensor Tensor::var(const Dims& dims, Size correction, bool keepdim) const {
  return reel::var(*this, dims, correction, keepdim);
}
Tensor Tensor::std(const Dims& dims, Size correction, bool keepdim) const {
  return reel::std(*this, dims, correction, keepdim);
}
Tensor Tensor::prod(const Dims& dims, bool keepdim) const {
  return reel::prod(*this, dims, keepdim);
}
Tensor Tensor::logsumexp(const Dims& dims, bool keepdim) const {
  return reel::logsumexp(*this, dims, keepdim);
}
Tensor Tensor::cumsum(Size dim) const { return reel::cumsum(*this, dim); }
Tensor Tensor::norm(double p, const Dims& dims, bool keepdim) const {
  return reel::norm(*this, p, dims, keepdim);
}
Tensor Tensor::any(const Dims& dims, bool keepdim) const { return reel::any(*this, dims, keepdim); }
Tensor Tensor::all(const Dims& dims, bool keepdim) const { return reel::all(*this, dims, keepdim); }

}  // namespace reel
