#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/index/index_plan.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"

namespace reel {
namespace {

constexpr OpName op = "embedding";

detail::RowIndex rows_of(const Tensor& input, Size extent) {
  const Tensor positions = detail::to_positions(op, input);
  const Tensor rows = zeros(positions.numel(), {.dtype = int64});
  detail::append_index(op, rows, positions, extent, false);
  return {.rows = rows, .dim = 0, .count = 1, .shape = input.shape()};
}

}  // namespace

Tensor embedding(const Tensor& input, const Tensor& weight, const EmbeddingOptions& options) {
  const detail::OpScope scope(op, input, weight);
  detail::check_defined(op, "input", input);
  detail::check_defined(op, "weight", weight);
  check(weight.dim() == 2, op, "expected a weight [n, d], got shape {}", weight.shape());
  const Size extent = weight.shape()[0];
  const detail::RowIndex index = rows_of(input, extent);
  if (!options.padding_idx) return detail::take_rows(op, weight, index);

  const Size given = *options.padding_idx, padding = given < 0 ? given + extent : given;
  check(padding >= 0 && padding < extent, op, "expected a padding_idx in [{}, {}), got {}", -extent,
        extent, given);
  Tensor out = [&] {
    const NoGradGuard no_grad;
    return detail::take_rows(op, weight, index);
  }();
  return record(op, std::move(out),
                wrt(weight, [index, padding, shape = weight.shape()](const Tensor& dy) {
                  Shape entries = index.shape;
                  entries.push_back(1);
                  const Tensor is_padding = view(eq(index.rows, padding), entries);
                  return detail::add_rows(op, masked_fill(dy, is_padding, 0), index, shape);
                }));
}

}  // namespace reel
