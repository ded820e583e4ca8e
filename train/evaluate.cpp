#include <ostream>

#include "reel/base/fail.h"
#include "reel/train/detail/names.h"
#include "reel/train/detail/number.h"
#include "reel/train/detail/passes.h"
#include "reel/train/trainer.h"

namespace reel::train {

double Evaluation::operator[](std::string_view name) const {
  if (!figures.contains(name)) detail::fail_unknown("Evaluation", figures, name);
  return figures[name];
}

std::ostream& operator<<(std::ostream& out, const Evaluation& evaluation) {
  const char* gap = "";
  for (const Figure& figure : evaluation.figures) {
    out << gap << figure.name << ' ' << detail::number(figure.value);
    gap = "  ";
  }
  return out;
}

namespace detail {

Evaluation evaluate(AnyModel& model, const TrainerOptions& purpose, const Data& data,
                    const PassOptions& options) {
  require_data("evaluate", data);
  return run_evaluation("evaluate", model, purpose, data, options);
}

}  // namespace detail
}  // namespace reel::train
