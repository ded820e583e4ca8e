#include "reel/nn/loss.h"

#include <cmath>
#include <limits>
#include <utility>

#include "reel/autograd/detail/batched.h"
#include "reel/autograd/tape.h"
#include "reel/base/detail/broadcast.h"
#include "reel/base/fail.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/loss/classes.h"
#include "reel/ops/loss/softmax.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"
#include "reel/ops/support/promote.h"
#include "reel/ops/support/samples.h"

namespace reel::nn {
namespace {

using reel::detail::class_dim;

/// The least number above 0 of full precision.
double smallest(DType dtype) {
  return dtype == float64 ? std::numeric_limits<double>::min()
                          : static_cast<double>(std::numeric_limits<float>::min());
}

Tensor reduce(const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::mean:
      return losses.mean();
    case Reduction::sum:
      return losses.sum();
    default:
      return losses;
  }
}

/// How to give `target` the shape of `input`, or the other way round, where one has a dimension of
/// 1 more: an output of shape [N, 1] and labels of shape [N].
const char* help_with_column(const Shape& input, const Shape& target) {
  const auto is_column_of = [](const Shape& column, const Shape& flat) {
    Shape longer = flat;
    longer.push_back(1);
    return flat.size() == 1 && column == longer;
  };
  if (is_column_of(input, target)) return "\nhelp: target.unsqueeze(1), or input.squeeze(1)";
  return is_column_of(target, input) ? "\nhelp: target.squeeze(1)" : "";
}

void check_same_shape(const char* op, const Tensor& input, const Tensor& target) {
  reel::detail::check_defined(op, "input", input);
  reel::detail::check_defined(op, "target", target);
  check(input.is_floating_point(), op, "expected a floating-point input, got dtype {}",
        input.dtype());
  check(input.shape() == target.shape(), op, "expected a target of the input's shape {}, got {}{}",
        input.shape(), target.shape(), help_with_column(input.shape(), target.shape()));
}

/// A weight may be smaller than the target, not larger: that would repeat the losses.
void check_broadcasts(const char* op, const char* name, const Tensor& weight,
                      const Tensor& target) {
  if (!weight.defined()) return;
  check(reel::detail::try_broadcast(weight.shape(), target.shape()) == target.shape(), op,
        "expected a {} that broadcasts to the target's shape {}, got shape {}", name,
        target.shape(), weight.shape());
}

/// The probabilities, those that rounding took past an end put back on it.
Tensor check_probabilities(const char* op, const Tensor& p) {
  if (p.numel() == 0) return p;
  constexpr double rounding = 1e-4;
  double least = 0, most = 0;
  {
    const NoGradGuard no_grad;
    const Tensor& every = reel::detail::all_samples(p);
    least = every.amin().item();
    most = every.amax().item();
  }
  check(least >= -rounding && most <= 1 + rounding, op,
        "expected probabilities in [0, 1], got numbers from {} to {}\n"
        "help: for logits use {}",
        least, most,
        op == std::string_view("cross_entropy") ? "{.from_logits = true}"
                                                : "binary_cross_entropy_with_logits");
  return least < 0 || most > 1 ? clamp(p, 0, 1) : p;
}

// ---- classes

// Classes as indices, ready to gather with: where a target is ignored, class 0 stands in, and
// `counts` (undefined when all count) is false.
struct Classes {
  Tensor index;
  Tensor counts;
};

Classes read_classes(const char* op, const Tensor& input, const Tensor& target, Size ignore_index) {
  const Size classes = input.size(class_dim(input));
  const Tensor index = target.to(int64).contiguous();
  reel::detail::check_targets(op, classes, reel::detail::all_samples(index).contiguous(),
                              ignore_index);
  const Tensor counts = index != ignore_index;
  if (all(reel::detail::all_samples(counts)).item<bool>()) return {index, {}};
  return {where(counts, index, 0), counts};
}

// The input with a number in the place of what is ignored, so that nothing there, be it infinite or
// NaN, reaches the loss or a gradient: a weight of 0 would turn it into NaN.
Tensor without_ignored(const Tensor& input, const Classes& classes, double stand_in) {
  if (!classes.counts.defined()) return input;
  return where(classes.counts.unsqueeze(class_dim(input)), input, stand_in);
}

// How much each element counts: undefined when all count alike.
Tensor element_weights(const Classes& classes, const Tensor& weight, DType dtype) {
  Tensor result;
  if (weight.defined())
    result = weight.to(dtype).index_select(0, classes.index.flatten()).view(classes.index.shape());
  if (!classes.counts.defined()) return result;
  return result.defined() ? where(classes.counts, result, 0) : classes.counts.to(dtype);
}

// The mean divides by the weights, not by their number.
Tensor reduce_weighted(const Tensor& losses, const Tensor& weights, Reduction reduction) {
  if (reduction != Reduction::mean || !weights.defined()) return reduce(losses, reduction);
  return losses.sum() / weights.sum();
}

Tensor classes_loss(const Tensor& log_p, const Classes& classes, const Tensor& weight,
                    Reduction reduction, double smoothing) {
  const Size dim = class_dim(log_p);
  const Size count = log_p.size(dim);
  const Tensor weights = element_weights(classes, weight, log_p.dtype());

  Tensor losses = -log_p.gather(dim, classes.index.unsqueeze(dim)).squeeze(dim);
  if (weights.defined()) losses = losses * weights;
  if (smoothing > 0) {
    Tensor all = log_p;
    if (weight.defined()) {
      Shape along = Shape::repeat(log_p.dim(), 1);
      along[dim] = count;
      all = all * weight.to(log_p.dtype()).view(along);
    }
    Tensor spread = -all.sum(dim);
    if (classes.counts.defined()) spread = spread * classes.counts.to(log_p.dtype());
    losses = losses * (1 - smoothing) + spread * (smoothing / static_cast<double>(count));
  }
  return reduce_weighted(losses, weights, reduction);
}

Tensor probabilities_loss(const Tensor& log_p, const Tensor& target,
                          const CrossEntropyOptions& options) {
  const Size dim = class_dim(log_p);
  const Size count = log_p.size(dim);
  check(!options.weight.defined() || options.weight.shape() == Shape{count}, "cross_entropy",
        "expected a weight of shape [{}], one for each class, got {}", count,
        options.weight.defined() ? options.weight.shape() : Shape{});
  check(options.ignore_index < 0, "cross_entropy",
        "expected integer classes to use ignore_index = {}, got probabilities",
        options.ignore_index);
  Tensor p = target;
  if (options.label_smoothing > 0)
    p = p * (1 - options.label_smoothing) + options.label_smoothing / static_cast<double>(count);
  if (options.weight.defined()) {
    Shape along = Shape::repeat(log_p.dim(), 1);
    along[dim] = count;
    p = p * options.weight.to(log_p.dtype()).view(along);
  }
  const Tensor losses = -(log_p * p).sum(dim);
  return reduce(losses, options.reduction);
}

// Logarithms of probabilities; where one is 0 its gradient is 0 and not infinite.
Tensor log_of(const Tensor& p) { return log(clamp(p, smallest(p.dtype()))); }

}  // namespace

Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options) {
  reel::detail::check_defined("cross_entropy", "input", input);
  reel::detail::check_defined("cross_entropy", "target", target);
  reel::detail::check_between("cross_entropy", "label_smoothing", options.label_smoothing, 0, 1);
  const bool classes = !target.is_floating_point() || target.shape() != input.shape();
  if (options.from_logits && classes) {
    return cross_entropy_logits(input, target,
                                {.weight = options.weight,
                                 .ignore_index = options.ignore_index,
                                 .label_smoothing = options.label_smoothing,
                                 .reduction = options.reduction});
  }
  check(input.is_floating_point() && input.dim() >= 1, "cross_entropy",
        "expected a floating-point input of shape [N, C], [N, C, d1, ...] or [C], got {} {}",
        input.dtype(), input.shape());
  if (!classes) {
    const Tensor log_p = options.from_logits ? log_softmax(input, class_dim(input))
                                             : log_of(check_probabilities("cross_entropy", input));
    return probabilities_loss(log_p, target, options);
  }
  reel::detail::check_classes("cross_entropy", input, target, options.weight);
  const Classes read = read_classes("cross_entropy", input, target, options.ignore_index);
  const Tensor p = check_probabilities("cross_entropy", without_ignored(input, read, 1));
  return classes_loss(log_of(p), read, options.weight, options.reduction, options.label_smoothing);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target,
                const NLLLossOptions& options) {
  reel::detail::check_classes("nll_loss", log_probabilities, target, options.weight);
  const Classes read = read_classes("nll_loss", log_probabilities, target, options.ignore_index);
  return classes_loss(without_ignored(log_probabilities, read, 0), read, options.weight,
                      options.reduction, 0);
}

// ---- numbers

Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options) {
  check_same_shape("mse_loss", input, target);
  return reduce(square(input - target), options.reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options) {
  check_same_shape("l1_loss", input, target);
  return reduce(abs(input - target), options.reduction);
}

namespace {

/// d^2 / 2 up to a distance of delta, a line beyond. The derivative is the difference cut at delta;
/// that of the formula would multiply an infinite difference by 0.
Tensor huber(OpName op, const Tensor& d, double delta) {
  if (reel::detail::is_batched(d)) [[unlikely]] {
    const auto again = [=](const Tensor* all) { return huber(op, all[0], delta); };
    return reel::detail::of_each_element(op, again, {&d});
  }
  Tensor losses;
  {
    const NoGradGuard no_grad;
    const Tensor distance = abs(d);
    losses = where(distance < delta, 0.5 * square(d), delta * (distance - 0.5 * delta));
  }
  return record(op, std::move(losses), wrt(d, [d = save(d), delta](const Tensor& dy) {
                  return dy * clamp(d, -delta, delta);
                }));
}

}  // namespace

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossOptions& options) {
  check_same_shape("huber_loss", input, target);
  check(options.delta > 0, "huber_loss", "expected a delta above 0, got {}", options.delta);
  return reduce(huber("huber_loss", input - target, options.delta), options.reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      const SmoothL1LossOptions& options) {
  check_same_shape("smooth_l1_loss", input, target);
  reel::detail::check_not_negative("smooth_l1_loss", "beta", options.beta);
  // Where the dtype has no such small number the square would come to 0 / 0.
  const DType dtype = reel::detail::result_type("smooth_l1_loss", input, target);
  if (options.beta < smallest(dtype)) return l1_loss(input, target, {options.reduction});
  return reduce(huber("smooth_l1_loss", input - target, options.beta) / options.beta,
                options.reduction);
}

namespace {

/// Where a logarithm is cut its slope is not, so that a sure and wrong network still learns: as
/// PyTorch does it.
Tensor binary_losses(const Tensor& p, const Tensor& t) {
  constexpr OpName op = "binary_cross_entropy";
  if (reel::detail::any_batched(p, t)) [[unlikely]] {
    const auto again = [](const Tensor* all) { return binary_losses(all[0], all[1]); };
    return reel::detail::of_each_element(op, again, {&p, &t});
  }
  Tensor losses;
  {
    const NoGradGuard no_grad;
    const auto log_cut = [](const Tensor& x) { return clamp(x, -100); };
    losses = (t - 1) * log_cut(log1p(-p)) - t * log_cut(log(p));
  }
  return record(op, std::move(losses),
                wrt(p,
                    [p = save(p), t = save(t)](const Tensor& dy) {
                      constexpr double least = 1e-12;
                      return dy * ((p() - t()) / clamp((1 - p()) * p(), least));
                    }),
                wrt(t, [p = save(p)](const Tensor& dy) { return dy * (log1p(-p()) - log(p())); }));
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target,
                            const BinaryCrossEntropyOptions& options) {
  constexpr const char* op = "binary_cross_entropy";
  check_same_shape(op, probabilities, target);
  check_broadcasts(op, "weight", options.weight, target);
  const DType dtype = reel::detail::result_type(op, probabilities, target);
  const Tensor p = check_probabilities(op, probabilities).to(dtype), t = target.to(dtype);
  Tensor losses = binary_losses(p, t);
  if (options.weight.defined()) losses = losses * options.weight;
  return reduce(losses, options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options) {
  constexpr const char* op = "binary_cross_entropy_with_logits";
  check_same_shape(op, logits, target);
  check_broadcasts(op, "weight", options.weight, target);
  check_broadcasts(op, "pos_weight", options.pos_weight, target);
  // log(1 + exp(-x)) turns into -x where float32 cannot tell them apart, before exp overflows.
  constexpr double threshold = 80;
  Tensor minus_log_p = softplus(-logits, 1, threshold);
  if (options.pos_weight.defined())
    minus_log_p = (1 + (options.pos_weight - 1) * target) * minus_log_p;
  Tensor losses = (1 - target) * logits + minus_log_p;
  if (options.weight.defined()) losses = losses * options.weight;
  return reduce(losses, options.reduction);
}

}  // namespace reel::nn
