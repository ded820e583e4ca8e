#include "reel/datasets/split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "reel/autograd/random.h"
#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;

namespace {

using Indices = std::vector<Size>;

TensorDataset<1> numbered(Size n) { return TensorDataset{arange(n)}; }

Indices first_n(Size n) {
  Indices all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), Size{0});
  return all;
}

Indices sorted(Indices indices) {
  std::sort(indices.begin(), indices.end());
  return indices;
}

Indices all_of(const auto& parts) {
  Indices all;
  for (const auto& part : parts)
    all.insert(all.end(), part.indices().begin(), part.indices().end());
  return sorted(all);
}

/// 100 samples of class 7, 30 of -1, 10 of 0, mixed.
Tensor uneven_classes() {
  Tensor labels = empty({140}, {.dtype = int64});
  const Indices order = detail::shuffled_indices(140, 5, 0);
  for (std::size_t i = 0; i < 140; ++i) {
    labels.data_ptr<Size>()[order[i]] = i < 100 ? 7 : i < 130 ? -1 : 0;
  }
  return labels;
}

std::map<Size, Size> class_counts(const Tensor& labels, const Indices& samples) {
  std::map<Size, Size> counts;
  for (const Size sample : samples) ++counts[labels.data_ptr<Size>()[sample]];
  return counts;
}

}  // namespace

TEST_CASE("random_split splits by lengths and fractions") {
  const auto [train, validation] = random_split(numbered(11), {8, 3}, {.seed = 1});
  CHECK(train.size() == 8);
  CHECK(validation.size() == 3);
  const auto parts = random_split(numbered(11), {0.5, 0.25, 0.25}, {.seed = 1});
  CHECK(parts[0].size() == 6);
  CHECK(parts[1].size() == 3);
  CHECK(parts[2].size() == 2);
  CHECK(all_of(parts) == first_n(11));
  CHECK(random_split(numbered(10), {0.9, 0.1})[1].size() == 1);
  CHECK(random_split(numbered(10), {0.7, 0.2, 0.1})[0].size() == 7);
  CHECK(random_split(numbered(0), {1.0})[0].size() == 0);

  CHECK(random_split(numbered(100), {100}, {.seed = 1})[0].indices() ==
        random_split(numbered(100), {100}, {.seed = 1})[0].indices());
  CHECK(random_split(numbered(100), {100}, {.seed = 1})[0].indices() !=
        random_split(numbered(100), {100}, {.seed = 2})[0].indices());
  manual_seed(3);
  const Indices first = random_split(numbered(100), {100})[0].indices();
  CHECK(first != random_split(numbered(100), {100})[0].indices());
  manual_seed(3);
  CHECK(first == random_split(numbered(100), {100})[0].indices());
}

TEST_CASE("random_split refuses parts that do not add up") {
  CHECK_ERROR(random_split(numbered(11), {8, 4}),
              "[random_split] expected lengths that add up to 11, got 8 + 4");
  CHECK_ERROR(random_split(numbered(11), {12, -1}), "got 12 + -1");
  CHECK_ERROR(random_split(numbered(11), {0.5, 0.6}),
              "[random_split] expected fractions that add up to 1, got 0.5 + 0.6");
  CHECK_ERROR(random_split(numbered(11), {1.5, -0.5}), "got 1.5 + -0.5");
}

TEST_CASE("random_split gives every part its share of each class where told to") {
  const Tensor labels = uneven_classes();
  const auto parts = random_split(numbered(140), {0.7, 0.2, 0.1}, {.seed = 3, .stratify = labels});
  CHECK(all_of(parts) == first_n(140));
  CHECK(parts[0].size() == 98);
  CHECK(class_counts(labels, parts[0].indices()) ==
        std::map<Size, Size>{{7, 70}, {-1, 21}, {0, 7}});
  CHECK(class_counts(labels, parts[1].indices()) == std::map<Size, Size>{{7, 20}, {-1, 6}, {0, 2}});
  CHECK(class_counts(labels, parts[2].indices()) == std::map<Size, Size>{{7, 10}, {-1, 3}, {0, 1}});
  // Neither class after class nor in ascending order.
  const Indices& first = parts[0].indices();
  CHECK(class_counts(labels, Indices(first.begin(), first.begin() + 60)).size() == 3);
  CHECK(first != sorted(first));

  const auto by_count = random_split(numbered(140), {139, 1}, {.seed = 3, .stratify = labels});
  CHECK(by_count[1].size() == 1);
  CHECK(random_split(numbered(140), {0.5, 0.5}, {.seed = 1, .stratify = labels})[0].indices() !=
        random_split(numbered(140), {0.5, 0.5}, {.seed = 2, .stratify = labels})[0].indices());
  CHECK(random_split(numbered(0), {1.0}, {.stratify = empty(0, {.dtype = int64})})[0].size() == 0);
  CHECK_ERROR(random_split(numbered(3), {1.0}, {.stratify = ones(3)}),
              "[random_split] expected the class of each sample, integers [3], got float32 [3]");
  CHECK_ERROR(random_split(numbered(3), {1.0}, {.stratify = arange(4)}), "got int64 [4]");
}

TEST_CASE("k_fold validates on each sample once, and trains on the others") {
  const auto folds = k_fold(numbered(11), 3, {.seed = 1});
  REQUIRE(folds.size() == 3);
  Indices validated;
  for (const auto& [train, validation] : folds) {
    CHECK(validation.size() == (&validation == &folds[2].validation ? 3 : 4));
    CHECK(all_of(std::array{train, validation}) == first_n(11));
    validated.insert(validated.end(), validation.indices().begin(), validation.indices().end());
  }
  CHECK(sorted(validated) == first_n(11));
  CHECK(validated != first_n(11));
  CHECK(k_fold(numbered(11), 3, {.seed = 1})[0].validation.indices() ==
        folds[0].validation.indices());
  CHECK(k_fold(numbered(3), 3).size() == 3);
  CHECK_ERROR(k_fold(numbered(3), 1),
              "[k_fold] expected k in [2, 3], the number of samples, got 1");
  CHECK_ERROR(k_fold(numbered(3), 4), "got 4");
}

TEST_CASE("k_fold gives every fold its share of each class where told to") {
  const Tensor labels = uneven_classes();
  for (const auto& [train, validation] :
       k_fold(numbered(140), 5, {.seed = 2, .stratify = labels})) {
    CHECK(class_counts(labels, validation.indices()) ==
          std::map<Size, Size>{{7, 20}, {-1, 6}, {0, 2}});
  }
}
