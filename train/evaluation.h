#pragma once

#include <iosfwd>
#include <string_view>

#include "reel/train/figures.h"

namespace reel::train {

/// How good a model is: "loss", the mean over all samples, then the metrics, "accuracy" unless
/// others were chosen.
///
/// **Example**
/// ```cpp
/// const auto result = train::evaluate(model, test_set);
/// fmt::print("{:.4f}\n", result["accuracy"]);
/// ```
struct REEL_API Evaluation {
  Figures figures;     ///< "loss", then the metrics
  Size samples = 0;    ///< over how many samples they were taken
  double seconds = 0;  ///< how long that took

  /// Throws `[Evaluation] expected one of "loss", "accuracy", got "acuracy"`.
  double operator[](std::string_view name) const;
  /// Whether there is a figure of that name.
  bool contains(std::string_view name) const { return figures.contains(name); }
};

/// As `loss 0.3891  accuracy 0.8593`.
REEL_API std::ostream& operator<<(std::ostream& out, const Evaluation& evaluation);

}  // namespace reel::train
