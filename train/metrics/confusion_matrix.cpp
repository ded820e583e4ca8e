#include "reel/train/metrics/confusion_matrix.h"

#include <algorithm>
#include <utility>

#include "reel/base/detail/columns.h"
#include "reel/base/fail.h"
#include "reel/train/detail/samples.h"
#include "reel/train/metrics/mean.h"

namespace reel::train {
namespace {

using detail::for_each_sample;
using detail::largest;

double share(Size part, Size whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Filled up, or shortened and marked so, to exactly `width` columns.
std::string padded(const std::string& text, int width) {
  const int missing = width - reel::detail::columns(text);
  if (missing >= 0) return text + std::string(static_cast<std::size_t>(missing), ' ');
  return reel::detail::cut(text, width - 1) + "~";
}

int digits(Size n) { return static_cast<int>(std::to_string(n).size()); }

}  // namespace

ConfusionMatrix::ConfusionMatrix(Size classes, std::vector<std::string> names)
    : classes_(classes), names_(std::move(names)) {
  check(classes > 0, "confusion_matrix", "expected a positive number of classes, got {}", classes);
  check(names_.empty() || static_cast<Size>(names_.size()) == classes, "confusion_matrix",
        "expected {} names, one for each class, got {}", classes, names_.size());
  if (names_.empty()) {
    for (Size cls = 0; cls < classes; ++cls) names_.push_back(std::to_string(cls));
  }
  counts_.resize(static_cast<std::size_t>(classes * classes));
}

void ConfusionMatrix::add(const Tensor& outputs, const Tensor& targets) {
  check(outputs.dim() >= 2 && outputs.size(1) == classes_, "confusion_matrix",
        "expected outputs of shape [N, {}], got {}", classes_, outputs.shape());
  for_each_sample(
      "confusion_matrix", outputs, targets, {}, [&](const auto* row, Size stride, Size truth) {
        ++counts_[static_cast<std::size_t>(truth * classes_ + largest(row, classes_, stride))];
      });
}

Size ConfusionMatrix::count(Size truth, Size predicted) const {
  check(truth >= 0 && truth < classes_ && predicted >= 0 && predicted < classes_,
        "confusion_matrix", "expected classes in [0, {}), got {} and {}", classes_, truth,
        predicted);
  return counts_[static_cast<std::size_t>(truth * classes_ + predicted)];
}

Size ConfusionMatrix::total() const {
  Size sum = 0;
  for (const Size n : counts_) sum += n;
  return sum;
}

double ConfusionMatrix::accuracy() const {
  Size right = 0;
  for (Size cls = 0; cls < classes_; ++cls) right += count(cls, cls);
  return share(right, total());
}

Size ConfusionMatrix::support(Size cls) const {
  Size sum = 0;
  for (Size predicted = 0; predicted < classes_; ++predicted) sum += count(cls, predicted);
  return sum;
}

Size ConfusionMatrix::taken(Size cls) const {
  Size sum = 0;
  for (Size truth = 0; truth < classes_; ++truth) sum += count(truth, cls);
  return sum;
}

double ConfusionMatrix::precision(Size cls) const { return share(count(cls, cls), taken(cls)); }

double ConfusionMatrix::recall(Size cls) const { return share(count(cls, cls), support(cls)); }

double ConfusionMatrix::f1(Size cls) const {
  const double p = precision(cls), r = recall(cls);
  return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

std::string ConfusionMatrix::per_class_table(int width) const {
  const std::string right = "accuracy", mean = "mean";
  int name_width = reel::detail::columns(right);
  for (const std::string& name : names_)
    name_width = std::max(name_width, reel::detail::columns(name));

  constexpr int gap = 2, shortest_name = 4;
  std::vector<int> widths{9, 6, 6, 7};
  int numbers = 0;
  for (const int column : widths) numbers += gap + column;
  if (width > 0) {
    for (; !widths.empty() && shortest_name + numbers > width; widths.pop_back()) {
      numbers -= gap + widths.back();
    }
    name_width = std::clamp(width - numbers, 1, name_width);
  }

  std::string text;
  const auto line = [&](const std::string& name, const std::vector<std::string>& cells) {
    std::string row = padded(name, name_width);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      row += fmt::format("{:{}}{:>{}}", "", gap, cells[i], widths[i]);
    }
    text += row + "\n";
  };
  const auto share = [](double value) { return fmt::format("{:.4f}", value); };
  line("class", {"precision", "recall", "F1", "support"});
  Mean precisions, recalls, f1s;
  for (Size cls = 0; cls < classes_; ++cls) {
    const double p = precision(cls), r = recall(cls), f = f1(cls);
    const Size n = support(cls);
    line(names_[static_cast<std::size_t>(cls)], {share(p), share(r), share(f), std::to_string(n)});
    if (!occurs(cls)) continue;
    precisions.add(p);
    recalls.add(r);
    f1s.add(f);
  }
  text += "\n";
  line(right, {"", "", share(accuracy()), std::to_string(total())});
  if (precisions.weight() > 0) {
    line(mean, {share(precisions.value()), share(recalls.value()), share(f1s.value()),
                std::to_string(total())});
  }
  return text;
}

std::string ConfusionMatrix::table(int width) const {
  int name_width = 0, cell_width = digits(classes_ - 1);
  for (const std::string& name : names_)
    name_width = std::max(name_width, reel::detail::columns(name));
  for (const Size n : counts_) cell_width = std::max(cell_width, digits(n));

  constexpr int gap = 2, shortest_name = 4;
  const int number_width = digits(classes_ - 1);
  const int cell = gap + cell_width;
  Size in_a_row = classes_;
  if (width > 0) {
    const int before = number_width + gap;
    const int longest = width - before - static_cast<int>(classes_) * cell;
    name_width = std::min(name_width, std::max({longest, width / 4, shortest_name}));
    in_a_row = std::clamp<Size>((width - before - name_width) / cell, 1, classes_);
  }

  std::string text;
  for (Size first = 0; first < classes_; first += in_a_row) {
    const Size last = std::min(first + in_a_row, classes_);
    if (first > 0) text += "\n";
    text.append(static_cast<std::size_t>(number_width + gap + name_width), ' ');
    for (Size cls = first; cls < last; ++cls) text += fmt::format("{:>{}}", cls, cell);
    text += "\n";
    for (Size truth = 0; truth < classes_; ++truth) {
      text += fmt::format("{:>{}}  {}", truth, number_width,
                          padded(names_[static_cast<std::size_t>(truth)], name_width));
      for (Size predicted = first; predicted < last; ++predicted) {
        const Size n = count(truth, predicted);
        text += fmt::format("{:>{}}", n == 0 ? "." : std::to_string(n), cell);
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace reel::train
