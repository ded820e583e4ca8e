#include "reel/train/detail/samples.h"

#include "reel/base/fail.h"

namespace reel::train::detail {

Layout layout_of(const char* op, const Tensor& outputs, const Tensor& targets) {
  const Shape& shape = outputs.shape();
  check(outputs.is_floating_point() && shape.size() >= 2, op,
        "expected outputs of shape [N, C] or [N, C, ...] in float32 or float64, got {} {}",
        outputs.dtype(), shape);
  Shape samples = shape;
  samples.erase(1);
  Layout layout{
      .outer = shape[0], .classes = shape[1], .inner = 1, .indices = !targets.is_floating_point()};
  for (Size i = 2; i < shape.size(); ++i) layout.inner *= shape[i];
  if (layout.indices) {
    check(targets.dtype() != bool_ && targets.shape() == samples, op,
          "expected class indices of shape {} to match outputs {}, got {} {}", samples, shape,
          targets.dtype(), targets.shape());
  } else {
    check(
        targets.shape() == shape, op,
        "expected targets to be class indices of shape {} or probabilities of shape {}, got {} {}",
        samples, shape, targets.dtype(), targets.shape());
  }
  return layout;
}

std::vector<Size> true_classes(const char* op, const Layout& layout, const Tensor& targets,
                               std::optional<Size> ignored) {
  const Tensor rows = targets.detach().contiguous();
  std::vector<Size> truths;
  truths.reserve(static_cast<std::size_t>(layout.outer * layout.inner));
  with_dtype(rows.dtype(), [&]<class T>(T) {
    const T* values = rows.data_ptr<T>();
    for (Size n = 0; n < layout.outer; ++n) {
      for (Size i = 0; i < layout.inner; ++i) {
        if constexpr (std::floating_point<T>) {
          const T* row = values + n * layout.classes * layout.inner + i;
          truths.push_back(largest(row, layout.classes, layout.inner));
        } else {
          const auto truth = static_cast<Size>(values[n * layout.inner + i]);
          check((truth >= 0 && truth < layout.classes) || truth == ignored, op,
                "expected class indices in [0, {}), got {} for sample {}", layout.classes, truth,
                n);
          truths.push_back(truth);
        }
      }
    }
  });
  return truths;
}

}  // namespace reel::train::detail
