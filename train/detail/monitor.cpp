#include "reel/train/detail/monitor.h"

#include <cmath>
#include <string_view>

#include "reel/base/fail.h"
#include "reel/train/detail/names.h"

namespace reel::train::detail {
namespace {

bool should_rise(const char* op, const std::string& name) {
  const auto speaks_of = [&](std::string_view word) {
    return name.find(word) != std::string::npos;
  };
  for (const char* word : {"accuracy", "precision", "recall", "f1"}) {
    if (speaks_of(word)) return true;
  }
  check(speaks_of("loss") || speaks_of("error"), op,
        "expected .higher_is_better for \"{}\", of which only its author knows", name);
  return false;
}

}  // namespace

bool Monitored::better_than(double best, double min_delta) const {
  if (std::isnan(best)) return !std::isnan(value);
  return should_rise ? value > best + min_delta : value < best - min_delta;
}

Figure monitored_figure(const char* op, const Run& run, const std::string& monitor) {
  const Figures figures = run.figures();
  const std::string name = !monitor.empty()               ? monitor
                           : figures.contains("val_loss") ? "val_loss"
                                                          : "loss";
  if (!figures.contains(name)) fail_unknown(op, figures, name);
  return {name, figures[name]};
}

Monitored monitored(const char* op, const Run& run, const std::string& monitor,
                    std::optional<bool> higher_is_better) {
  const auto [name, value] = monitored_figure(op, run, monitor);
  return {name, value, higher_is_better ? *higher_is_better : should_rise(op, name)};
}

}  // namespace reel::train::detail
