#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "reel/ops/ops.h"
#include "reel/train/metrics/accuracy.h"

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

TEST_CASE("NaN is larger than any output for the top k too") {
  const Tensor outputs = tensor({{1.0, std::nan("")}});
  CHECK(top_k_accuracy(outputs, tensor({0}), 1) == accuracy(outputs, tensor({0})));
  CHECK(top_k_accuracy(outputs, tensor({1}), 1) == 1);
}

TEST_CASE("accuracies over batches are those over all samples at once") {
  const Tensor outputs = four_outputs(), targets = tensor({1, 1, 1, 2});
  Accuracy accuracy;
  TopKAccuracy top{.k = 2};
  CHECK(std::isnan(accuracy.value()));
  CHECK(top.name() == "top_2_accuracy");
  for (const Size first : {0, 3}) {  // three samples, then one
    const Size count = first == 0 ? 3 : 1;
    accuracy.update(outputs.narrow(0, first, count), targets.narrow(0, first, count));
    top.update(outputs.narrow(0, first, count), targets.narrow(0, first, count));
  }
  CHECK(accuracy.value() == train::accuracy(outputs, targets));
  CHECK(accuracy.value() == 0.25);
  CHECK(top.value() == top_k_accuracy(outputs, targets, 2));
  CHECK(top.value() == 0.75);
  accuracy.reset();
  accuracy.update(outputs.narrow(0, 2, 1), targets.narrow(0, 2, 1));
  CHECK(accuracy.value() == 1);
}

TEST_CASE("an accuracy passes over the class it ignores") {
  Accuracy accuracy{.ignore_index = -100};
  accuracy.update(four_outputs(), tensor({2, -100, -100, 0}));
  CHECK(accuracy.value() == 0.5);
  accuracy.reset();
  accuracy.update(four_outputs(), full({4}, -100, {.dtype = int64}));
  CHECK(std::isnan(accuracy.value()));
  TopKAccuracy top{.k = 1, .ignore_index = -100};
  top.update(four_outputs(), tensor({2, -100, -100, 0}));
  CHECK(top.value() == 0.5);
}

TEST_CASE("binary accuracy counts answers above the threshold") {
  BinaryAccuracy accuracy;
  const Tensor yes = tensor({{0.9}, {0.5}, {0.2}, {0.7}}),
               truths = tensor({{1.0}, {0.0}, {1.0}, {0.0}});
  accuracy.update(yes, truths);
  CHECK(accuracy.value() == 0.5);  // 0.5 itself is not above
  accuracy.reset();
  accuracy.update(yes, truths.to(int64));
  CHECK(accuracy.value() == 0.5);

  BinaryAccuracy of_logits{.from_logits = true};
  of_logits.update(log(yes / (1 - yes)), truths);
  CHECK(of_logits.value() == 0.5);
  BinaryAccuracy strict{.threshold = 0.8, .from_logits = true};
  strict.update(log(yes / (1 - yes)), truths);
  CHECK(strict.value() == 0.75);
}

TEST_CASE("binary accuracy says what does not fit") {
  BinaryAccuracy accuracy;
  CHECK_THROWS_WITH_AS(accuracy.update(zeros({2, 1}), zeros({2})),
                       "[binary_accuracy] expected outputs in float32 or float64 and targets of "
                       "their shape, got float32 [2, 1] and float32 [2]",
                       Error);
  CHECK_THROWS_WITH_AS(accuracy.update(tensor({0.5}), tensor({2.0})),
                       "[binary_accuracy] expected targets 0 and 1, got 2", Error);
  CHECK_THROWS_WITH_AS(accuracy.update(tensor({-3.0}), tensor({1.0})),
                       "[binary_accuracy] expected probabilities in [0, 1], got -3\n"
                       "help: for logits, as nn::BCEWithLogitsLoss takes them, write "
                       "BinaryAccuracy{.from_logits = true}",
                       Error);
  for (const double threshold : {-0.1, 1.5, std::nan("")}) {
    BinaryAccuracy odd{.threshold = threshold, .from_logits = true};
    CHECK_THROWS_WITH_AS(
        odd.update(tensor({0.5}), tensor({1.0})),
        doctest::Contains("[binary_accuracy] expected a threshold in [0, 1], got "), Error);
  }
  CHECK(accuracy.hits.samples == 0);  // a batch counts whole or not at all
}
