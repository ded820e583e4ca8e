#include "reel/nn/loss.h"

#include <limits>
#include <utility>

#include "reel/autograd/fail.h"
#include "reel/autograd/ops/create.h"
#include "reel/autograd/ops/index.h"
#include "reel/autograd/ops/pointwise.h"
#include "reel/autograd/ops/reduce.h"
#include "reel/autograd/ops/softmax.h"
#include "reel/autograd/ops/view.h"
#include "reel/autograd/tape.h"

namespace reel::nn {
namespace {

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

void check_same_shape(const char* op, const Tensor& input, const Tensor& target) {
  check(input.is_floating_point(), op, "expected a floating-point input, got dtype {}",
        input.dtype());
  check(input.shape() == target.shape(), op, "expected a target of the input's shape {}, got {}",
        input.shape(), target.shape());
}

void check_probabilities(const char* op, const Tensor& p) {
  if (p.numel() == 0) return;
  constexpr double rounding = 1e-4;
  const NoGradGuard no_grad;
  const double least = p.amin().item();
  const double most = p.amax().item();
  check(least >= -rounding && most <= 1 + rounding, op,
        "expected probabilities in [0, 1], got numbers from {} to {}\n"
        "help: for logits use {}",
        least, most,
        op == std::string_view("cross_entropy") ? "{.from_logits = true}"
                                                : "binary_cross_entropy_with_logits");
}

// --- classes
// ----------------------------------------------------------------------------------------

// Classes as indices, ready to gather with: where a target is ignored, class 0 stands in, and
// `counts` (undefined when all count) is false.
struct Classes {
  Tensor index;
  Tensor counts;
};

Size class_dim(const Tensor& input) { return input.dim() == 1 ? 0 : 1; }

Shape without_classes(const Tensor& input) {
  Shape shape = input.shape();
  shape.erase(class_dim(input));
  return shape;
}

void check_weight(const char* op, const Tensor& weight, Size classes) {
  if (!weight.defined()) return;
  check(weight.shape() == Shape{classes} && weight.is_floating_point(), op,
        "expected a floating-point weight of shape [{}], one for each class, got {} {}", classes,
        weight.dtype(), weight.shape());
}

Classes check_classes(const char* op, const Tensor& input, const Tensor& target,
                      Size ignore_index) {
  const Shape shape = without_classes(input);
  check(!target.is_floating_point() && target.dtype() != bool_, op,
        "expected integer classes of shape {} for an input of shape {}, got {} {}\n"
        "help: convert them with target.to(int64)",
        shape, input.shape(), target.dtype(), target.shape());
  check(target.shape() == shape, op,
        "expected classes of shape {} for an input of shape {}, got {}", shape, input.shape(),
        target.shape());

  const Size classes = input.size(class_dim(input));
  const Tensor index = target.to(int64).contiguous();
  const Size* values = index.data_ptr<Size>();
  bool all_count = true;
  for (Size i = 0; i < index.numel(); ++i) {
    if (values[i] == ignore_index)
      all_count = false;
    else if (values[i] < 0 || values[i] >= classes) [[unlikely]]
      fail(op, "expected classes in [0, {}), got {}", classes, values[i]);
  }
  if (all_count) return {index, {}};
  const Tensor counts = index != ignore_index;
  return {where(counts, index, 0), counts};
}

// How much each element counts: undefined when all count alike.
Tensor element_weights(const Classes& classes, const Tensor& weight, DType dtype) {
  Tensor result;
  if (weight.defined())
    result = weight.to(dtype).index_select(0, classes.index.flatten()).view(classes.index.shape());
  if (!classes.counts.defined()) return result;
  const Tensor counts = classes.counts.to(dtype);
  return result.defined() ? result * counts : counts;
}

// The mean divides by the weights, not by their number.
Tensor reduce_weighted(const Tensor& losses, const Tensor& weights, Reduction reduction) {
  if (reduction != Reduction::mean || !weights.defined()) return reduce(losses, reduction);
  return losses.sum() / weights.sum();
}

Tensor classes_loss(const char* op, const Tensor& log_p, const Tensor& target, const Tensor& weight,
                    Size ignore_index, Reduction reduction, double smoothing) {
  const Size dim = class_dim(log_p);
  const Size count = log_p.size(dim);
  check_weight(op, weight, count);
  const Classes classes = check_classes(op, log_p, target, ignore_index);
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
  check_weight("cross_entropy", options.weight, count);
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
Tensor log_of(const Tensor& p) {
  const double least = p.dtype() == float64
                           ? std::numeric_limits<double>::min()
                           : static_cast<double>(std::numeric_limits<float>::min());
  return log(clamp(p, least));
}

}  // namespace

Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options) {
  check(input.is_floating_point(), "cross_entropy", "expected a floating-point input, got dtype {}",
        input.dtype());
  check(input.dim() >= 1, "cross_entropy",
        "expected an input of shape [N, C], [N, C, d1, ...] or [C], got []");
  check(options.label_smoothing >= 0 && options.label_smoothing <= 1, "cross_entropy",
        "expected label_smoothing in [0, 1], got {}", options.label_smoothing);
  const bool classes = !target.is_floating_point() || target.shape() != input.shape();
  if (options.from_logits && classes)
    return cross_entropy_logits(input, target,
                                {.weight = options.weight,
                                 .ignore_index = options.ignore_index,
                                 .label_smoothing = options.label_smoothing,
                                 .reduction = options.reduction});
  if (!options.from_logits) check_probabilities("cross_entropy", input);
  const Tensor log_p = options.from_logits ? log_softmax(input, class_dim(input)) : log_of(input);
  if (!classes) return probabilities_loss(log_p, target, options);
  return classes_loss("cross_entropy", log_p, target, options.weight, options.ignore_index,
                      options.reduction, options.label_smoothing);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target,
                const NllLossOptions& options) {
  check(log_probabilities.is_floating_point(), "nll_loss",
        "expected a floating-point input, got dtype {}", log_probabilities.dtype());
  check(log_probabilities.dim() >= 1, "nll_loss",
        "expected an input of shape [N, C], [N, C, d1, ...] or [C], got []");
  return classes_loss("nll_loss", log_probabilities, target, options.weight, options.ignore_index,
                      options.reduction, 0);
}

// --- numbers
// ----------------------------------------------------------------------------------------

Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options) {
  check_same_shape("mse_loss", input, target);
  return reduce(square(input - target), options.reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options) {
  check_same_shape("l1_loss", input, target);
  return reduce(abs(input - target), options.reduction);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossOptions& options) {
  check_same_shape("huber_loss", input, target);
  check(options.delta > 0, "huber_loss", "expected a delta above 0, got {}", options.delta);
  const Tensor d = input - target;
  const Tensor distance = abs(d);
  const Tensor losses = where(distance < options.delta, 0.5 * square(d),
                              options.delta * (distance - 0.5 * options.delta));
  return reduce(losses, options.reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      const SmoothL1LossOptions& options) {
  check_same_shape("smooth_l1_loss", input, target);
  check(options.beta >= 0, "smooth_l1_loss", "expected a beta of 0 or more, got {}", options.beta);
  if (options.beta == 0) return l1_loss(input, target, {options.reduction});
  const Tensor d = input - target;
  const Tensor distance = abs(d);
  const Tensor losses =
      where(distance < options.beta, square(d) / (2 * options.beta), distance - 0.5 * options.beta);
  return reduce(losses, options.reduction);
}

Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target,
                            const BinaryCrossEntropyOptions& options) {
  check_same_shape("binary_cross_entropy", probabilities, target);
  check_probabilities("binary_cross_entropy", probabilities);
  const Tensor& p = probabilities;
  // Two steps, so that no infinity times zero comes up in backward.
  const auto log_cut = [](const Tensor& x) {
    const Tensor above = x > 0;
    return where(above, clamp(log(where(above, x, 1)), -100), -100);
  };
  Tensor losses = -(target * log_cut(p) + (1 - target) * log_cut(1 - p));
  if (options.weight.defined()) losses = losses * options.weight;
  return reduce(losses, options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options) {
  check_same_shape("binary_cross_entropy_with_logits", logits, target);
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
