#include "reel/train/metrics/accuracy.h"

#include <cmath>

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/train/detail/samples.h"

namespace reel::train {
namespace {

using detail::for_each_sample;

double share_of(const char* op, const Hits& hits, const Tensor& outputs) {
  check(hits.samples > 0, op, "expected at least one sample, got outputs of shape {}",
        outputs.shape());
  return hits.share();
}

}  // namespace

Hits count_correct(const Tensor& outputs, const Tensor& targets, const AccuracyOptions& options) {
  Hits hits;
  const Size classes = outputs.dim() < 2 ? 0 : outputs.size(1);
  for_each_sample("accuracy", outputs, targets, options.ignore_index,
                  [&](const auto* row, Size stride, Size truth) {
                    hits.correct += detail::largest(row, classes, stride) == truth ? 1 : 0;
                    ++hits.samples;
                  });
  return hits;
}

double accuracy(const Tensor& outputs, const Tensor& targets, const AccuracyOptions& options) {
  return share_of("accuracy", count_correct(outputs, targets, options), outputs);
}

Hits count_correct_top_k(const Tensor& outputs, const Tensor& targets, Size k,
                         const AccuracyOptions& options) {
  const char* const op = "top_k_accuracy";
  const Size classes = detail::layout_of(op, outputs, targets).classes;
  check(k >= 1 && k <= classes, op, "expected k in [1, {}], got {}", classes, k);
  Hits hits;
  for_each_sample(op, outputs, targets, options.ignore_index,
                  [&](const auto* row, Size stride, Size truth) {
                    Size larger = 0;
                    for (Size c = 0; c < classes; ++c) {
                      larger += detail::is_larger(row[c * stride], row[truth * stride]) ? 1 : 0;
                    }
                    hits.correct += larger < k ? 1 : 0;
                    ++hits.samples;
                  });
  return hits;
}

double top_k_accuracy(const Tensor& outputs, const Tensor& targets, Size k,
                      const AccuracyOptions& options) {
  return share_of("top_k_accuracy", count_correct_top_k(outputs, targets, k, options), outputs);
}

void BinaryAccuracy::update(const Tensor& outputs, const Tensor& targets) {
  check(outputs.is_floating_point() && targets.shape() == outputs.shape(), name().c_str(),
        "expected outputs in float32 or float64 and targets of their shape, got {} {} and {} {}",
        outputs.dtype(), outputs.shape(), targets.dtype(), targets.shape());
  check(threshold >= 0 && threshold <= 1, name().c_str(), "expected a threshold in [0, 1], got {}",
        threshold);
  const Tensor answers = outputs.detach().to(float64).contiguous();
  const Tensor truths = targets.detach().to(float64).contiguous();
  const double* answer = answers.data_ptr<double>();
  const double* truth = truths.data_ptr<double>();
  const double above = from_logits ? std::log(threshold / (1 - threshold)) : threshold;
  Hits batch{.samples = answers.numel()};
  for (Size i = 0; i < batch.samples; ++i) {
    check(truth[i] == 0 || truth[i] == 1, name().c_str(), "expected targets 0 and 1, got {}",
          truth[i]);
    check(from_logits || !(answer[i] < 0 || answer[i] > 1), name().c_str(),
          "expected probabilities in [0, 1], got {}\n"
          "help: for logits, as nn::BCEWithLogitsLoss takes them, write "
          "BinaryAccuracy{{.from_logits = true}}",
          answer[i]);
    batch.correct += (answer[i] > above) == (truth[i] == 1) ? 1 : 0;
  }
  hits += batch;
}

}  // namespace reel::train
