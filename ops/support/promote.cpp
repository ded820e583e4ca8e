#include "reel/ops/support/promote.h"
#include "reel/base/detail/promotion.h"

namespace reel::detail {
namespace {

/// 2 for a tensor with dimensions, 1 for a 0-d one, 0 for a number.
int rank_of(const TensorImpl& x) { return x.is_number ? 0 : x.shape.empty() ? 1 : 2; }

}  // namespace

DType mixed_result_type(const TensorImpl& x, const TensorImpl& y) {
  const int rank_x = rank_of(x), rank_y = rank_of(y);
  if (rank_x == rank_y) return promote_types(dtype_of_operand(x), dtype_of_operand(y));
  const TensorImpl& stronger = rank_x > rank_y ? x : y;
  const TensorImpl& weaker = rank_x > rank_y ? y : x;
  if (kind(stronger.dtype) >= kind(weaker.dtype)) return stronger.dtype;
  return promote_types(stronger.dtype, dtype_of_operand(weaker));
}

}  // namespace reel::detail
