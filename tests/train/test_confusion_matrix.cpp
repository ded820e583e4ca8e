#include "reel/train/metrics/confusion_matrix.h"

#include <doctest/doctest.h>

#include <string>

#include "reel/ops/ops.h"

using namespace reel;
using namespace reel::train;

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

TEST_CASE("a class that is only taken for another counts in the mean, as in scikit-learn") {
  ConfusionMatrix matrix(3);
  matrix.add(tensor({{1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}}), tensor({0, 1}));
  CHECK(matrix.occurs(2));
  // precision_score([0, 1], [0, 2], average="macro") and its sisters.
  CHECK(matrix.per_class_table().find("mean         0.3333  0.3333  0.3333        2\n") !=
        std::string::npos);
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
