#include "reel/ops/loss/classes.h"

#include "reel/autograd/detail/array.h"
#include "reel/base/fail.h"
#include "reel/kernels/softmax.h"
#include "reel/ops/index/index.h"
#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"

namespace reel::detail {
namespace {

const char* help_with_shape(const Shape& target, const Shape& scores, const Shape& expected) {
  if (target == scores) {
    return "\nhelp: of one-hot rows take target.argmax(1); probabilities are target.to(float32)";
  }
  Shape column = expected;
  column.push_back(1);
  return target == column && expected.size() == 1 ? "\nhelp: target.squeeze(1)" : "";
}

}  // namespace

void check_classes(const char* op, const Tensor& scores, const Tensor& target,
                   const Tensor& weight) {
  check_defined(op, "input", scores);
  check_defined(op, "target", target);
  check(scores.is_floating_point(), op, "expected a floating-point input, got dtype {}",
        scores.dtype());
  check(scores.dim() >= 1, op, "expected an input of shape [N, C], [N, C, d1, ...] or [C], got []");
  Shape expected = scores.shape();
  const Size classes = expected[class_dim(scores)];
  expected.erase(class_dim(scores));
  check(!target.is_floating_point() && target.dtype() != bool_, op,
        "expected integer classes of shape {} for an input of shape {}, got {} {}\n"
        "help: convert them with target.to(int64)",
        expected, scores.shape(), target.dtype(), target.shape());
  check(target.shape() == expected, op,
        "expected classes of shape {} for an input of shape {}, got {}{}", expected, scores.shape(),
        target.shape(), help_with_shape(target.shape(), scores.shape(), expected));
  if (!weight.defined()) return;
  check(weight.is_floating_point() && weight.shape() == Shape{classes}, op,
        "expected a floating-point weight of shape [{}], one for each class, got {} {}", classes,
        weight.dtype(), weight.shape());
}

void check_targets(const char* op, Size classes, const Tensor& target, Size ignore_index) {
  const Size wrong = kernels::find_wrong_class(readable(target), classes, ignore_index);
  if (wrong < 0) [[likely]]
    return;
  const Tensor flat = flatten(target);
  const Size got = flat[wrong].item<Size>();
  const char* help = "";
  if (classes == 1) {
    help =
        "\nhelp: one output tells two classes apart with binary_cross_entropy_with_logits; "
        "cross_entropy wants an output for each";
  } else if (got == classes) {
    const Tensor from_one = flat == ignore_index || (flat >= 1 && flat <= classes);
    if (all(from_one).item<bool>()) help = "\nhelp: classes count from 0: target - 1";
  }
  fail(op, "expected classes in [0, {}), got {}{}", classes, got, help);
}

}  // namespace reel::detail
