#include "reel/autograd/detail/array.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/kernels/reduce.h"
#include "reel/kernels/softmax.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/loss/classes.h"
#include "reel/ops/loss/softmax.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/gradients_by.h"
#include "reel/ops/support/samples.h"

namespace reel {
namespace {

using detail::readable;
using detail::writable;

constexpr OpName op = "cross_entropy";

/// The tensors of one loss: logits `[rows, classes]` and targets `[rows]`, contiguous.
struct Rows {
  Tensor logits;
  Tensor targets;
  Tensor weight;  // in the logits' dtype, or undefined
  Size ignore_index;
  double label_smoothing;

  kernels::CrossEntropy problem() const {
    return {.x = readable(logits),
            .targets = readable(targets),
            .weight = readable(weight),
            .ignore_index = ignore_index,
            .label_smoothing = label_smoothing};
  }
};

/// What the probabilities should be, each row times the weight of its loss: `[rows, classes]`.
Tensor wanted_probabilities(const Rows& rows) {
  const NoGradGuard no_grad;
  const DType dtype = rows.logits.dtype();
  const Size classes = rows.logits.size(1);
  const Tensor counts = rows.targets != rows.ignore_index;
  const Tensor index = unsqueeze(where(counts, rows.targets, 0), 1);
  const Tensor weight = rows.weight.defined() ? rows.weight : ones(classes, {.dtype = dtype});
  const Tensor hard = scatter_add(zeros(rows.logits.shape(), {.dtype = dtype}), 1, index,
                                  ones(index.shape(), {.dtype = dtype}));
  const double spread = rows.label_smoothing / static_cast<double>(classes);
  return where(unsqueeze(counts, 1), weight * (hard * (1 - rows.label_smoothing) + spread), 0);
}

/// d(loss)/d(logits), `scale` being what the reduction multiplied all losses with. `dy` holds a
/// value per row, or one for all.
Tensor cross_entropy_backward(const Tensor& dy, const Rows& rows, const Tensor& logsumexp,
                              double scale) {
  return detail::gradients_by(
      [&] {
        const Tensor wanted = wanted_probabilities(rows);
        const Tensor by_row = dy.dim() == 0 ? dy : unsqueeze(dy, 1);
        // An ignored row may hold anything, and 0 times that need not be 0.
        const Tensor counts = unsqueeze(rows.targets != rows.ignore_index, 1);
        const Tensor p = softmax(where(counts, rows.logits, 0), 1);
        return (p * sum(wanted, 1, true) - wanted) * (by_row * scale);
      },
      [&] {
        const Tensor gradient = dy.contiguous();
        Tensor dx = empty(rows.logits.shape(), {.dtype = rows.logits.dtype()});
        kernels::cross_entropy_backward(rows.problem(), readable(logsumexp), readable(gradient),
                                        scale, writable(dx));
        return dx;
      },
      dy, rows.logits);
}

Tensor cross_entropy_rows(const Rows& rows, LossReduction reduction) {
  const kernels::CrossEntropy problem = rows.problem();
  detail::check_targets(op, problem.classes(), rows.targets, rows.ignore_index);
  const DType dtype = rows.logits.dtype();
  Tensor out = empty(problem.rows(), {.dtype = dtype});
  const Tensor logsumexp = empty(problem.rows(), {.dtype = dtype});
  kernels::cross_entropy(problem, writable(out), writable(logsumexp));

  double scale = 1;
  if (reduction != LossReduction::none) {
    if (reduction == LossReduction::mean) scale = 1 / kernels::cross_entropy_weight(problem);
    const Tensor losses = std::exchange(out, empty({}, {.dtype = dtype}));
    kernels::reduce(kernels::Reduction::sum, readable(losses), 1, writable(out), {.scale = scale});
  }
  return record(
      op, std::move(out),
      wrt(rows.logits, [logits = save(rows.logits), targets = save(rows.targets),
                        weight = save(rows.weight), ignore_index = rows.ignore_index,
                        smoothing = rows.label_smoothing, logsumexp, scale](const Tensor& dy) {
        const Rows saved{logits, targets, weight, ignore_index, smoothing};
        return cross_entropy_backward(dy, saved, logsumexp, scale);
      }));
}

/// The rule for the samples of a vmap: the rows of all are one batch, the mean of each is its own.
Tensor cross_entropy_of_samples(const Tensor& logits, const Tensor& targets,
                                CrossEntropyLogitsOptions o) {
  detail::check_not_batched(op, o.weight);
  const detail::Samples samples(op, logits, targets);
  const LossReduction reduction = std::exchange(o.reduction, LossReduction::none);
  const auto rows = [&](const Tensor& x, bool several) {
    return several ? flatten(samples.each(x), 0, 1) : samples.each(x);
  };
  const bool several = targets.dim() > 0;
  Tensor losses = cross_entropy_logits(rows(logits, several), rows(targets, several), o);
  Shape shape = targets.shape();
  shape.insert(0, samples.count());
  losses = samples.one(reshape(losses, shape));
  if (reduction == LossReduction::none) return losses;
  if (reduction == LossReduction::sum) return sum(losses);
  const Tensor counts = targets != o.ignore_index;
  if (!o.weight.defined()) return sum(losses) / sum(counts.to(logits.dtype()));
  const Tensor weight = o.weight.detach().to(logits.dtype());
  const Tensor of_targets = index_select(weight, 0, flatten(where(counts, targets, 0).to(int64)));
  return sum(losses) / sum(where(flatten(counts), of_targets, 0));
}

}  // namespace

Tensor cross_entropy_logits(const Tensor& logits, const Tensor& targets,
                            const CrossEntropyLogitsOptions& options) {
  detail::check_classes(op, logits, targets, options.weight);
  detail::check_between(op, "label_smoothing", options.label_smoothing, 0, 1);
  if (detail::any_batched(logits, targets)) [[unlikely]]
    return cross_entropy_of_samples(logits, targets, options);
  const detail::OpScope scope(op, logits, targets);
  const Size rank = logits.dim();
  Tensor matrix = logits;
  if (rank > 2) {
    Dims classes_last;
    for (Size i = 0; i < rank; ++i) {
      if (i != 1) classes_last.push_back(i);
    }
    classes_last.push_back(1);
    matrix = permute(logits, classes_last);
  }
  if (rank != 2) matrix = reshape(matrix, {targets.numel(), logits.size(rank == 1 ? 0 : 1)});
  const Tensor index = targets.to(int64).contiguous();
  const Rows rows{
      matrix.contiguous(), rank == 2 ? index : flatten(index),
      options.weight.defined() ? options.weight.detach().to(logits.dtype()).contiguous() : Tensor(),
      options.ignore_index, options.label_smoothing};
  const Tensor loss = cross_entropy_rows(rows, options.reduction);
  return options.reduction == LossReduction::none && rank != 2 ? reshape(loss, targets.shape())
                                                               : loss;
}

}  // namespace reel
