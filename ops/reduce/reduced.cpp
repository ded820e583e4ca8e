#include "reel/ops/reduce/reduced.h"

#include "reel/autograd/detail/array.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"

namespace reel::detail {

Tensor Spread::operator()(const Tensor& result) const {
  return expand(result.shape() == kept ? result : reshape(result, kept), input);
}

Reduced::Reduced(const char* op, const Tensor& x, const Dims& dims, bool keepdim)
    : scope(op, x),
      mask(dims.empty() ? ~std::uint32_t{0} : 0),
      spread{.kept = {}, .input = check_defined(op, "input", x).shape()} {
  for (const Size dim : dims) {
    const std::uint32_t bit = 1u << wrap_dim(op, dim, x.dim());
    check((mask & bit) == 0, op, "expected different dimensions, got {}", dims);
    mask |= bit;
  }
  for (Size i = 0; i < x.dim(); ++i) {
    const bool is_reduced = (mask >> i & 1u) != 0;
    spread.kept.push_back(is_reduced ? 1 : x.shape()[i]);
    if (is_reduced) length *= x.shape()[i];
    if (keepdim || !is_reduced) out.push_back(spread.kept.back());
  }
}

Tensor equal_or_nan(const Tensor& x, const Tensor& y, const Spread& spread) {
  const NoGradGuard no_grad;
  const Tensor equal = x == spread(y);
  return any(isnan(y)).item<bool>() ? equal || isnan(x) : equal;
}

Tensor reduce(kernels::Reduction op, const Tensor& x, const Reduced& reduced,
              const kernels::ReduceOptions& options) {
  const Tensor out = empty(reduced.out, {.dtype = kernels::reduced_dtype(op, x.dtype())});
  kernels::reduce(op, readable(x), reduced.mask, writable(out), options);
  return out;
}

}  // namespace reel::detail
