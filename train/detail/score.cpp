#include "reel/train/detail/score.h"

#include <algorithm>
#include <utility>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel::train::detail {
namespace {

/// Whether the targets are classes: indices, or where the loss wants an output for each class, a
/// row of probabilities.
bool are_classes(const Loss& loss, const Tensor& outputs, const Tensor& targets) {
  if (outputs.dim() < 2 || outputs.numel() == 0) return false;
  if (targets.is_floating_point()) {
    return loss.takes() != Loss::Takes::anything && targets.shape() == outputs.shape();
  }
  return targets.dtype() != bool_ && targets.dim() == outputs.dim() - 1;
}

}  // namespace

Score::Score(const char* op, const Loss& loss, std::vector<Metric> metrics)
    : loss_(loss), metrics_(std::move(metrics)), metrics_chosen_(!metrics_.empty()) {
  std::vector<std::string> names{"loss", "seconds"};
  for (const Metric& metric : metrics_) {
    const std::string name = metric.name();
    check(
        std::ranges::find(names, name) == names.end() && !name.empty() && !name.starts_with("val_"),
        op,
        "expected metrics with names of their own, beside loss, seconds and val_..., got "
        "\"{}\"{}",
        name, std::ranges::count(names, name) > 0 ? " twice" : "");
    names.push_back(name);
  }
}

void Score::begin() {
  mean_loss_.reset();
  accuracy_.reset();
  first_ = true;
  for (Metric& metric : metrics_) metric.reset();
}

void Score::add(double loss, const Tensor& outputs, const Tensor& targets) {
  const NoGradGuard no_grad;
  mean_loss_.add(loss, static_cast<double>(targets.dim() > 0 ? targets.size(0) : 1));
  if (std::exchange(first_, false) && !metrics_chosen_ && are_classes(loss_, outputs, targets)) {
    accuracy_.emplace(Accuracy{.ignore_index = loss_.ignore_index()});
  }
  if (accuracy_) accuracy_->update(outputs, targets);
  for (Metric& metric : metrics_) metric.update(outputs, targets);
}

Figures Score::figures() const {
  Figures figures{{"loss", mean_loss_.value()}};
  if (accuracy_) figures.set(accuracy_->name(), accuracy_->value());
  for (const Metric& metric : metrics_) figures.set(metric.name(), metric.value());
  return figures;
}

bool Score::uses(std::string_view name) const {
  const bool accuracy = accuracy_ || (first_ && !metrics_chosen_);
  return name == "loss" || (accuracy && name == Accuracy().name()) ||
         std::ranges::any_of(metrics_, [&](const Metric& metric) { return metric.name() == name; });
}

}  // namespace reel::train::detail
