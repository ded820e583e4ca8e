#include "reel/train/metrics/metric.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>

#include "reel/autograd/random.h"
#include "reel/nn/loss.h"
#include "reel/ops/ops.h"
#include "reel/train/metrics/metrics.h"

using namespace reel;
using namespace reel::train;

namespace {

/// A metric as a user writes one; it cannot be copied.
struct LargestOutput {
  std::unique_ptr<double> seen = std::make_unique<double>(0);

  void update(const Tensor& outputs, const Tensor&) {
    *seen = std::max(*seen, outputs.max().item());
  }
  double value() const { return *seen; }
  void reset() { *seen = 0; }
  const char* name() const { return "largest"; }
};

}  // namespace

TEST_CASE("a metric of the caller's counts where it is, one made in place is kept") {
  LargestOutput mine;
  Metric seen = mine, kept = LargestOutput{};
  seen.update(tensor({3.0, 4.0}), Tensor());
  kept.update(tensor({5.0}), Tensor());
  CHECK(*mine.seen == 4);
  CHECK(seen.value() == 4);
  CHECK(kept.value() == 5);
  CHECK(kept.name() == "largest");
  seen.reset();
  CHECK(*mine.seen == 0);
  CHECK(kept.value() == 5);
}

TEST_CASE("a constant metric is copied, for it cannot count") {
  const Accuracy pattern{.ignore_index = 1};
  Metric metric = pattern;
  metric.update(eye(2), tensor({0, 1}));
  CHECK(metric.value() == 1);
  CHECK(pattern.hits.samples == 0);
}

TEST_CASE("any loss is a metric, weighted by its samples") {
  manual_seed(4);
  const Tensor outputs = randn({5, 2}), targets = randn({5, 2});
  MeanMetric huber{"huber", nn::HuberLoss{}};
  CHECK(std::isnan(huber.value()));
  huber.update(outputs.narrow(0, 0, 4), targets.narrow(0, 0, 4));
  huber.update(outputs.narrow(0, 4, 1), targets.narrow(0, 4, 1));
  CHECK(huber.value() == doctest::Approx(nn::huber_loss(outputs, targets).item()).epsilon(1e-6));
  CHECK(Metric(huber).name() == "huber");
  MeanMetric whole{"difference", [](const Tensor& a, const Tensor& b) { return a - b; }};
  CHECK_THROWS_WITH_AS(whole.update(outputs, targets),
                       "[difference] expected one element, got [5, 2]", Error);
}

TEST_CASE("mean errors are means over all elements, however they are cut") {
  manual_seed(4);
  const Tensor outputs = randn({1000, 3}).requires_grad_(), targets = randn({1000, 3});
  const Tensor difference = outputs.detach().to(float64) - targets.to(float64);
  for (const Size batch : {1, 7, 1000}) {
    CAPTURE(batch);
    MeanAbsoluteError absolute;
    MeanSquaredError squared;
    for (Size first = 0; first < 1000; first += batch) {
      const Size count = std::min(batch, 1000 - first);
      absolute.update(outputs.narrow(0, first, count), targets.narrow(0, first, count));
      squared.update(outputs.narrow(0, first, count), targets.narrow(0, first, count));
    }
    CHECK(absolute.value() == doctest::Approx(difference.abs().mean().item()).epsilon(1e-12));
    CHECK(squared.value() == doctest::Approx(difference.square().mean().item()).epsilon(1e-12));
  }
  MeanSquaredError squared;
  CHECK_THROWS_WITH_AS(
      squared.update(zeros({3, 1}), zeros({3})),
      "[mean_squared_error] expected targets of the outputs' shape [3, 1], got [3]", Error);
  MeanAbsoluteError absolute;
  CHECK_THROWS_WITH_AS(
      absolute.update(zeros({3, 1}), zeros({3})),
      "[mean_absolute_error] expected targets of the outputs' shape [3, 1], got [3]", Error);
}

TEST_CASE("a running mean weighs what it is given") {
  Mean mean;
  CHECK(std::isnan(mean.value()));
  mean.add(1.0);
  mean.add(4.0, 2);
  CHECK(mean.value() == 3.0);
  CHECK(mean.weight() == 3.0);
  mean.reset();
  CHECK(mean.weight() == 0);
}
