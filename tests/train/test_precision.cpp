#include "reel/train/metrics/precision.h"

#include <doctest/doctest.h>

#include <cmath>

#include "reel/ops/ops.h"

using namespace reel;
using namespace reel::train;

namespace {

// truth:     0 0 0 1 1 2 2 2 2
// predicted: 0 0 1 1 1 2 2 0 1
Tensor outputs() { return eye(4).index_select(0, tensor({0, 0, 1, 1, 1, 2, 2, 0, 1})); }
Tensor targets() { return tensor({0, 0, 0, 1, 1, 2, 2, 2, 2}); }

template <class M>
M counted(M metric) {
  metric.update(outputs().narrow(0, 0, 4), targets().narrow(0, 0, 4));
  metric.update(outputs().narrow(0, 4, 5), targets().narrow(0, 4, 5));
  return metric;
}

}  // namespace

TEST_CASE("precision, recall and F1 are those of scikit-learn") {
  // The fourth class never occurs, and stays out of the mean.
  CHECK(counted(Precision{}).value() == doctest::Approx((2.0 / 3 + 2.0 / 4 + 1) / 3));
  CHECK(counted(Recall{}).value() == doctest::Approx((2.0 / 3 + 1 + 2.0 / 4) / 3));
  CHECK(counted(F1Score{}).value() == doctest::Approx(2.0 / 3));
  CHECK(counted(Precision{.average = Average::micro}).value() == doctest::Approx(6.0 / 9));
  CHECK(counted(Recall{.average = Average::micro}).value() == doctest::Approx(6.0 / 9));
  CHECK(counted(F1Score{.average = Average::micro}).value() == doctest::Approx(6.0 / 9));

  const std::vector<double> of_each = counted(Precision{}).per_class();
  REQUIRE(of_each.size() == 4);
  CHECK(of_each[1] == 0.5);
  CHECK(of_each[3] == 0);
  CHECK(counted(Recall{}).per_class()[1] == 1);
  CHECK(counted(F1Score{}).per_class()[2] == doctest::Approx(2.0 / 3));
}

TEST_CASE("nothing counted is no number") {
  Precision precision = counted(Precision{});
  precision.reset();
  CHECK(std::isnan(precision.value()));
  CHECK(precision.per_class().empty());
  CHECK(std::isnan(Recall{}.value()));
  CHECK(std::isnan(F1Score{.average = Average::micro}.value()));
}

TEST_CASE("precision, recall and F1 say what does not fit") {
  Precision precision = counted(Precision{});
  CHECK_THROWS_WITH_AS(precision.update(eye(3), tensor({0, 1, 2})),
                       "[precision] expected outputs of 4 classes, as before, got 3 in outputs of "
                       "shape [3, 3]",
                       Error);
  Recall recall;
  CHECK_THROWS_WITH_AS(recall.update(zeros({4}), zeros({4})),
                       "[recall] expected outputs of shape [N, C] or [N, C, ...] in float32 or "
                       "float64, got float32 [4]",
                       Error);
  F1Score f1;
  CHECK_THROWS_WITH_AS(f1.update(zeros({4, 1}), zeros({4, 1})),
                       "[f1_score] expected an output for each class, two at least, got outputs of "
                       "shape [4, 1]",
                       Error);
}
