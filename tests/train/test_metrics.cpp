#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "reel/ops/ops.h"
#include "reel/train/metrics.h"

using namespace reel;
using namespace reel::train;

namespace {

/// Four samples of three classes; the largest outputs are 2, 0, 1, 1.
Tensor four_outputs() {
  return tensor({{0.1, 0.2, 0.7}, {3.0, -1.0, 2.0}, {0.0, 5.0, 0.0}, {-3.0, -1.0, -2.0}});
}

}  // namespace

TEST_CASE("accuracy counts the samples whose largest output is the true class") {
  CHECK(accuracy(four_outputs(), tensor({2, 0, 1, 1})) == 1.0);
  CHECK(accuracy(four_outputs(), tensor({2, 2, 1, 0})) == 0.5);
  CHECK(count_correct(four_outputs(), tensor({0, 0, 0, 0})).correct == 1);
  CHECK(count_correct(four_outputs(), tensor({0, 0, 0, 0})).samples == 4);
}

TEST_CASE("accuracy takes any integer and floating dtype") {
  for (const DType dtype : {int64, int32, uint8}) {
    for (const DType outputs : {float32, float64}) {
      CHECK(accuracy(four_outputs().to(outputs), tensor({2, 2, 1, 1}).to(dtype)) == 0.75);
    }
  }
}

TEST_CASE("accuracy takes one-hot rows and probabilities as targets") {
  const Tensor one_hot =
      tensor({{0.0, 0.0, 1.0}, {1.0, 0.0, 0.0}, {1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}});
  CHECK(accuracy(four_outputs(), one_hot) == 0.75);
  const Tensor soft = tensor({{0.3, 0.3, 0.4}, {0.2, 0.5, 0.3}, {0.1, 0.8, 0.1}, {0.6, 0.2, 0.2}});
  CHECK(accuracy(four_outputs(), soft) == 0.5);
}

TEST_CASE("accuracy follows strides and does not reach into the tape") {
  const Tensor columns = four_outputs().t().contiguous();  // [3, 4]
  columns.requires_grad_();
  CHECK(accuracy(columns.t(), tensor({2, 2, 1, 1})) == 0.75);
}

TEST_CASE("accuracy of pictures counts their pixels") {
  // [1, 2, 1, 3]: two classes for three pixels.
  const Tensor outputs = tensor({1.0, 5.0, 0.0, 2.0, 4.0, 1.0}).view({1, 2, 1, 3});
  CHECK(accuracy(outputs, tensor({1, 0, 0}).view({1, 1, 3})) == doctest::Approx(2.0 / 3));
}

TEST_CASE("the first of equal outputs counts, and NaN counts as the largest") {
  CHECK(accuracy(tensor({{1.0, 1.0}}), tensor({0})) == 1);
  CHECK(accuracy(tensor({{1.0, 1.0}}), tensor({1})) == 0);
  CHECK(accuracy(tensor({{1.0, std::nan("")}}), tensor({1})) == 1);
  CHECK(accuracy(tensor({{std::nan(""), std::numeric_limits<double>::infinity()}}), tensor({0})) ==
        1);
}

TEST_CASE("an ignored class does not count and may be any number") {
  const Tensor targets = tensor({2, -100, 0, 1});
  CHECK(accuracy(four_outputs(), targets, {.ignore_index = -100}) == doctest::Approx(2.0 / 3));
  CHECK(top_k_accuracy(four_outputs(), targets, 1, {.ignore_index = -100}) ==
        doctest::Approx(2.0 / 3));
  CHECK(count_correct(four_outputs(), targets, {.ignore_index = -100}).samples == 3);
  CHECK_THROWS_AS(accuracy(four_outputs(), targets), Error);
  CHECK_THROWS_AS(accuracy(four_outputs(), tensor({7, 7, 7, 7}), {.ignore_index = 7}), Error);
}

TEST_CASE("top-k accuracy looks at the k largest outputs") {
  const Tensor outputs = four_outputs();
  const Tensor targets = tensor({1, 1, 0, 2});
  CHECK(top_k_accuracy(outputs, targets, 1) == accuracy(outputs, targets));
  CHECK(top_k_accuracy(outputs, targets, 2) == 0.75);
  CHECK(top_k_accuracy(outputs, targets, 3) == 1.0);
  CHECK_THROWS_WITH_AS(top_k_accuracy(outputs, targets, 4),
                       "[top_k_accuracy] expected k in [1, 3], got 4", Error);
  CHECK_THROWS_WITH_AS(top_k_accuracy(outputs, targets, 0),
                       "[top_k_accuracy] expected k in [1, 3], got 0", Error);
}

TEST_CASE("accuracy says what does not fit") {
  CHECK_THROWS_WITH_AS(accuracy(four_outputs(), tensor({0, 1, 2})),
                       "[accuracy] expected class indices of shape [4] to match outputs [4, 3], "
                       "got int64 [3]",
                       Error);
  CHECK_THROWS_WITH_AS(accuracy(four_outputs(), tensor({0.0, 1.0, 2.0, 0.0})),
                       "[accuracy] expected targets to be class indices of shape [4] or "
                       "probabilities of shape [4, 3], got float32 [4]",
                       Error);
  CHECK_THROWS_WITH_AS(accuracy(four_outputs(), tensor({0, 1, 3, 0})),
                       "[accuracy] expected class indices in [0, 3), got 3 for sample 2", Error);
  CHECK_THROWS_WITH_AS(accuracy(four_outputs(), tensor({0, 1, -1, 0})),
                       "[accuracy] expected class indices in [0, 3), got -1 for sample 2", Error);
  CHECK_THROWS_WITH_AS(accuracy(tensor({1.0, 2.0}), tensor({0, 1})),
                       "[accuracy] expected outputs of shape [N, C] or [N, C, ...] in float32 or "
                       "float64, got float32 [2]",
                       Error);
  CHECK_THROWS_WITH_AS(accuracy(zeros({0, 3}), zeros({0}, {.dtype = int64})),
                       "[accuracy] expected at least one sample, got outputs of shape [0, 3]",
                       Error);
  CHECK_THROWS_AS(accuracy(Tensor(), tensor({0})), Error);
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

TEST_CASE("a confusion matrix against values by hand") {
  // truth:     0 0 0 1 1 2 2 2 2
  // predicted: 0 0 1 1 1 2 2 0 1
  const Tensor predicted = tensor({0, 0, 1, 1, 1, 2, 2, 0, 1});
  const Tensor outputs = eye(3).index_select(0, predicted);
  ConfusionMatrix matrix(3, {"cat", "dog", "ferret"});
  matrix.add(outputs.narrow(0, 0, 4), tensor({0, 0, 0, 1}));
  matrix.add(outputs.narrow(0, 4, 5), tensor({1, 2, 2, 2, 2}));

  CHECK(matrix.total() == 9);
  CHECK(matrix.count(0, 1) == 1);
  CHECK(matrix.count(2, 2) == 2);
  CHECK(matrix.accuracy() == doctest::Approx(6.0 / 9));
  CHECK(matrix.support(2) == 4);
  CHECK(matrix.precision(0) == doctest::Approx(2.0 / 3));
  CHECK(matrix.precision(1) == doctest::Approx(2.0 / 4));
  CHECK(matrix.recall(1) == 1.0);
  CHECK(matrix.recall(2) == 0.5);
  CHECK(matrix.f1(2) == doctest::Approx(2.0 / 3));

  CHECK(matrix.per_class_table() ==
        "class     precision  recall      F1  support\n"
        "cat          0.6667  0.6667  0.6667        3\n"
        "dog          0.5000  1.0000  0.6667        2\n"
        "ferret       1.0000  0.5000  0.6667        4\n"
        "\n"
        "accuracy                     0.6667        9\n"
        "mean         0.7222  0.7222  0.6667        9\n");
  CHECK(matrix.table() ==
        "           0  1  2\n"
        "0  cat     2  1  .\n"
        "1  dog     .  2  .\n"
        "2  ferret  1  1  2\n");
}

TEST_CASE("tables fit a narrow terminal") {
  ConfusionMatrix matrix(3, {"cat", "dog", "größter ferret"});
  matrix.add(tensor({{1.0, 0.0, 0.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}}), tensor({0, 1, 2}));
  CHECK(
      matrix.per_class_table(44).starts_with("class     precision  recall      F1  support\n"
                                             "cat          0.5000  1.0000  0.6667        1\n"
                                             "dog          0.0000  0.0000  0.0000        1\n"
                                             "größter~     1.0000  1.0000  1.0000        1\n"));
  CHECK(matrix.per_class_table(32).starts_with("class  precision  recall      F1\n"));
  CHECK(matrix.per_class_table(1000) == matrix.per_class_table());
  CHECK(matrix.table(18) ==
        "           0  1  2\n"
        "0  cat     1  .  .\n"
        "1  dog     1  .  .\n"
        "2  größt~  .  .  1\n");
  CHECK(matrix.table(13) ==
        "         0  1\n"
        "0  cat   1  .\n"
        "1  dog   1  .\n"
        "2  grö~  .  .\n"
        "\n"
        "         2\n"
        "0  cat   .\n"
        "1  dog   .\n"
        "2  grö~  1\n");
  CHECK(matrix.table(1000) == matrix.table());

  ConfusionMatrix many(120);
  for (int width = 15; width < 200; ++width) {
    for (const std::string& text : {many.table(width), many.per_class_table(width)}) {
      int longest = 0, now = 0;
      for (const char c : text) longest = std::max(longest, now = c == '\n' ? 0 : now + 1);
      CHECK(longest <= width);
    }
  }
}

TEST_CASE("classes that never occur have zeros and stay out of the mean") {
  ConfusionMatrix matrix(3);
  matrix.add(tensor({{1.0, 0.0, 0.0}, {1.0, 0.0, 0.0}}), tensor({0, 1}));
  CHECK(matrix.precision(2) == 0);
  CHECK(matrix.recall(2) == 0);
  CHECK(matrix.f1(2) == 0);
  CHECK(matrix.per_class_table().find("mean         0.2500  0.5000  0.3333        2\n") !=
        std::string::npos);
  CHECK(ConfusionMatrix(2).accuracy() == 0);
  CHECK(ConfusionMatrix(2).per_class_table().find("mean") == std::string::npos);
}

TEST_CASE("a confusion matrix says what does not fit") {
  CHECK_THROWS_WITH_AS(ConfusionMatrix(0),
                       "[confusion_matrix] expected a positive number of classes, got 0", Error);
  CHECK_THROWS_WITH_AS(ConfusionMatrix(3, {"cat"}),
                       "[confusion_matrix] expected 3 names, one for each class, got 1", Error);
  ConfusionMatrix matrix(3);
  CHECK_THROWS_WITH_AS(matrix.add(zeros({2, 4}), tensor({0, 1})),
                       "[confusion_matrix] expected outputs of shape [N, 3], got [2, 4]", Error);
  CHECK_THROWS_WITH_AS(matrix.add(zeros({2, 3}), tensor({0, 7})),
                       "[confusion_matrix] expected class indices in [0, 3), got 7 for sample 1",
                       Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(matrix.count(0, 3)),
                       "[confusion_matrix] expected classes in [0, 3), got 0 and 3", Error);
}
