#include <optional>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/index/index_plan.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

constexpr OpName op = "embedding";

detail::RowIndex rows_of(const Tensor& input, Size extent) {
  const Tensor positions = detail::to_positions(op, input);
  const Tensor rows = detail::append_index(op, zeros(positions.shape(), {.dtype = int64}),
                                           positions, extent, false);
  return {.rows = rows, .dim = 0, .count = 1, .shape = input.shape()};
}

/// The row without a gradient, counted from 0.
std::optional<Size> padding_of(const EmbeddingOptions& options, Size extent) {
  if (!options.padding_idx) return std::nullopt;
  const Size given = *options.padding_idx, padding = given < 0 ? given + extent : given;
  check(padding >= 0 && padding < extent, op, "expected a padding_idx in [{}, {}), got {}", -extent,
        extent, given);
  return padding;
}

}  // namespace

Tensor embedding(const Tensor& input, const Tensor& weight, const EmbeddingOptions& options) {
  detail::check_defined(op, "input", input);
  detail::check_defined(op, "weight", weight);
  check(weight.dim() == 2, op, "expected a weight [n, d], got shape {}", weight.shape());
  const Size extent = weight.shape()[0];
  const detail::OpScope scope(op, detail::all_samples(input), detail::all_samples(weight));
  const detail::RowIndex index = rows_of(input, extent);
  const std::optional<Size> padding = padding_of(options, extent);
  if (!padding) return detail::take_rows(op, weight, index);
  if (detail::any_batched(input, weight)) [[unlikely]] {
    const Tensor out = detail::take_rows(op, weight, index);
    return where(unsqueeze(eq(index.rows, *padding), -1), out.detach(), out);
  }
  Tensor out = [&] {
    const NoGradGuard no_grad;
    return detail::take_rows(op, weight, index);
  }();
  return record(op, std::move(out),
                wrt(weight, [index, padding = *padding, shape = weight.shape()](const Tensor& dy) {
                  const Tensor is_padding = unsqueeze(eq(index.rows, padding), -1);
                  return detail::add_rows(op, masked_fill(dy, is_padding, 0), index, shape);
                }));
}

}  // namespace reel
