#include "reel/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "reel/base/detail/columns.h"
#include "reel/base/fail.h"

namespace reel::train {
namespace {

/// Samples of a batch, whatever its rank: `[outer, classes, inner]` elements in memory order.
struct Layout {
  Size outer = 0;
  Size classes = 0;
  Size inner = 1;
  bool indices = false;  ///< targets are class indices, not rows of probabilities
};

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

/// The first largest of `classes` elements `stride` apart; NaN counts as the largest.
template <class T>
Size largest(const T* row, Size classes, Size stride) {
  Size best = 0;
  for (Size c = 1; c < classes; ++c) {
    const T value = row[c * stride];
    if (value > row[best * stride] || (std::isnan(value) && !std::isnan(row[best * stride])))
      best = c;
  }
  return best;
}

/// The true class of each sample, `[outer, inner]`; the ignored one may be any number.
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

double share_of(const char* op, const Hits& hits, const Tensor& outputs) {
  check(hits.samples > 0, op, "expected at least one sample, got outputs of shape {}",
        outputs.shape());
  return static_cast<double>(hits.correct) / static_cast<double>(hits.samples);
}

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

Hits count_correct(const Tensor& outputs, const Tensor& targets, const AccuracyOptions& options) {
  Hits hits;
  const Size classes = outputs.dim() < 2 ? 0 : outputs.size(1);
  for_each_sample("accuracy", outputs, targets, options.ignore_index,
                  [&](const auto* row, Size stride, Size truth) {
                    hits.correct += largest(row, classes, stride) == truth ? 1 : 0;
                    ++hits.samples;
                  });
  return hits;
}

double accuracy(const Tensor& outputs, const Tensor& targets, const AccuracyOptions& options) {
  return share_of("accuracy", count_correct(outputs, targets, options), outputs);
}

double top_k_accuracy(const Tensor& outputs, const Tensor& targets, Size k,
                      const AccuracyOptions& options) {
  const char* const op = "top_k_accuracy";
  const Size classes = layout_of(op, outputs, targets).classes;
  check(k >= 1 && k <= classes, op, "expected k in [1, {}], got {}", classes, k);
  Hits hits;
  for_each_sample(op, outputs, targets, options.ignore_index,
                  [&](const auto* row, Size stride, Size truth) {
                    Size larger = 0;
                    for (Size c = 0; c < classes; ++c) {
                      larger += row[c * stride] > row[truth * stride] ? 1 : 0;
                    }
                    hits.correct += larger < k ? 1 : 0;
                    ++hits.samples;
                  });
  return share_of(op, hits, outputs);
}

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

double ConfusionMatrix::precision(Size cls) const {
  Size taken = 0;
  for (Size truth = 0; truth < classes_; ++truth) taken += count(truth, cls);
  return share(count(cls, cls), taken);
}

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
    if (n == 0 && f == 0 && p == 0) continue;
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
