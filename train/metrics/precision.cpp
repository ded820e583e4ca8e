#include "reel/train/metrics/precision.h"

#include <limits>

#include "reel/base/fail.h"
#include "reel/train/detail/samples.h"
#include "reel/train/metrics/mean.h"

namespace reel::train::detail {

void count_classes(const char* op, std::optional<ConfusionMatrix>& counts, const Tensor& outputs,
                   const Tensor& targets) {
  const Layout layout = layout_of(op, outputs, targets);
  check(layout.classes >= 2, op,
        "expected an output for each class, two at least, got outputs of shape {}",
        outputs.shape());
  if (!counts) counts.emplace(layout.classes);
  check(counts->classes() == layout.classes, op,
        "expected outputs of {} classes, as before, got {} in outputs of shape {}",
        counts->classes(), layout.classes, outputs.shape());
  counts->add(outputs, targets);
}

double averaged(const std::optional<ConfusionMatrix>& counts, Average average,
                double (ConfusionMatrix::*of_class)(Size) const) {
  if (!counts || counts->total() == 0) return std::numeric_limits<double>::quiet_NaN();
  // Every sample taken for a wrong class is missed by its own, so that all three are the accuracy.
  if (average == Average::micro) return counts->accuracy();
  Mean mean;
  for (Size cls = 0; cls < counts->classes(); ++cls) {
    if (counts->occurs(cls)) mean.add(((*counts).*of_class)(cls));
  }
  return mean.value();
}

std::vector<double> of_each(const std::optional<ConfusionMatrix>& counts,
                            double (ConfusionMatrix::*of_class)(Size) const) {
  std::vector<double> numbers;
  for (Size cls = 0; counts && cls < counts->classes(); ++cls) {
    numbers.push_back(((*counts).*of_class)(cls));
  }
  return numbers;
}

}  // namespace reel::train::detail
