#pragma once

// Internal: outputs and targets of a classifier, sample by sample.

#include <cmath>
#include <optional>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::train::detail {

/// Samples of a batch, whatever its rank: `[outer, classes, inner]` elements in memory order.
struct Layout {
  Size outer = 0;
  Size classes = 0;
  Size inner = 1;
  bool indices = false;  ///< targets are class indices, not rows of probabilities
};

/// Throws where outputs and targets do not match.
Layout layout_of(const char* op, const Tensor& outputs, const Tensor& targets);

/// The true class of each sample, `[outer, inner]`; the ignored one may be any number.
std::vector<Size> true_classes(const char* op, const Layout& layout, const Tensor& targets,
                               std::optional<Size> ignored);

/// Whether `a` stands before `b` where the largest comes first; NaN counts as the largest.
template <class T>
bool is_larger(T a, T b) {
  return a > b || (std::isnan(a) && !std::isnan(b));
}

/// The first largest of `classes` elements `stride` apart.
template <class T>
Size largest(const T* row, Size classes, Size stride) {
  Size best = 0;
  for (Size c = 1; c < classes; ++c) {
    if (is_larger(row[c * stride], row[best * stride])) best = c;
  }
  return best;
}

/// Calls `visit(row, stride, truth)` for each sample; `row` points at the output of class 0.
template <class Visit>
void for_each_sample(const char* op, const Tensor& outputs, const Tensor& targets,
                     std::optional<Size> ignored, Visit visit) {
  const Layout layout = layout_of(op, outputs, targets);
  const std::vector<Size> truths = true_classes(op, layout, targets, ignored);
  const Tensor rows = outputs.detach().contiguous();
  with_floating(rows.dtype(), [&]<class T>(T) {
    auto truth = truths.begin();
    for (Size n = 0; n < layout.outer; ++n) {
      const T* first = rows.data_ptr<T>() + n * layout.classes * layout.inner;
      for (Size i = 0; i < layout.inner; ++i, ++truth) {
        if (*truth != ignored) visit(first + i, layout.inner, *truth);
      }
    }
  });
}

}  // namespace reel::train::detail
