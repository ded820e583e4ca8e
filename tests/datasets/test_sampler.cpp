#include "reel/datasets/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "reel/autograd/random.h"
#include "reel/ops/create/create.h"
#include "support/temp_folder.h"

using namespace reel;

namespace {

using Indices = std::vector<Size>;

Indices first_n(Size n) {
  Indices all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), Size{0});
  return all;
}

Indices sorted(Indices indices) {
  std::sort(indices.begin(), indices.end());
  return indices;
}

static_assert(SamplerLike<RandomSampler> && SamplerLike<DistributedSampler> &&
              SamplerLike<Sampler>);
static_assert(BatchSamplerLike<LengthBatchSampler> && !BatchSamplerLike<RandomSampler>);

}  // namespace

TEST_CASE("samplers forget their type") {
  const Sampler sampler = SequentialSampler{3};
  CHECK(sampler.defined());
  CHECK(sampler.size() == 3);
  CHECK(sampler.indices(7) == Indices{0, 1, 2});
  CHECK(!Sampler{}.defined());
  CHECK_ERROR(SequentialSampler{-1}, "[SequentialSampler] expected a number of samples, got -1");
}

TEST_CASE("RandomSampler gives every sample once, in an order of seed and epoch") {
  const RandomSampler sampler(100, {.seed = 1});
  CHECK(sampler.indices(0) != sampler.indices(1));
  CHECK(sampler.indices(1) == RandomSampler(100, {.seed = 1}).indices(1));
  CHECK(sampler.indices(0) != RandomSampler(100, {.seed = 2}).indices(0));
  CHECK(sorted(sampler.indices(5)) == first_n(100));
  manual_seed(4);
  const Indices drawn = RandomSampler(100).indices(0);
  manual_seed(4);
  CHECK(RandomSampler(100).indices(0) == drawn);
}

TEST_CASE("RandomSampler draws fewer and more than there are, with and without replacement") {
  const Indices few = RandomSampler(100, {.num_samples = 10, .seed = 1}).indices(0);
  CHECK(std::set<Size>(few.begin(), few.end()).size() == 10);
  const RandomSampler twice(3, {.num_samples = 7, .seed = 1});
  CHECK(twice.size() == 7);
  Indices drawn = twice.indices(0);
  CHECK(sorted(Indices(drawn.begin(), drawn.begin() + 3)) == first_n(3));
  CHECK(sorted(Indices(drawn.begin() + 3, drawn.begin() + 6)) == first_n(3));
  // 0 of 6000 draws of each of 6: 1000, within five deviations.
  Indices counts(6);
  for (const Size i :
       RandomSampler(6, {.replacement = true, .num_samples = 6000, .seed = 1}).indices(2)) {
    ++counts[static_cast<std::size_t>(i)];
  }
  for (const Size count : counts) CHECK(std::abs(count - 1000) < 145);
  CHECK(RandomSampler(0).indices(0).empty());
  CHECK_ERROR(RandomSampler(0, {.num_samples = 2}),
              "[RandomSampler] expected samples to draw 2 from, got none");
  CHECK_ERROR(RandomSampler(3, {.num_samples = -2}), "expected num_samples >= 0, got -2");
}

TEST_CASE("WeightedRandomSampler draws in proportion to the weights") {
  const Tensor weights = tensor({1.0, 0.0, 3.0, 0.0});
  Indices counts(4);
  const WeightedRandomSampler sampler(weights, 8000, {.seed = 1});
  CHECK(sampler.size() == 8000);
  for (const Size i : sampler.indices(0)) ++counts[static_cast<std::size_t>(i)];
  CHECK(std::abs(counts[0] - 2000) < 200);  // five deviations
  CHECK(counts[1] == 0);
  CHECK(counts[3] == 0);
  CHECK(counts[0] + counts[2] == 8000);
  CHECK(sampler.indices(0) != sampler.indices(1));

  // Without replacement the first is 2 with probability 3/4.
  Size first_is_2 = 0;
  const WeightedRandomSampler pairs(weights, 2, {.replacement = false, .seed = 1});
  for (std::uint64_t epoch = 0; epoch < 4000; ++epoch) {
    const Indices drawn = pairs.indices(epoch);
    CHECK(sorted(drawn) == Indices{0, 2});
    first_is_2 += drawn[0] == 2 ? 1 : 0;
  }
  CHECK(std::abs(first_is_2 - 3000) < 140);
}

TEST_CASE("WeightedRandomSampler refuses weights that are none") {
  CHECK_ERROR(WeightedRandomSampler(tensor({1.0, -1.0}), 1),
              "[WeightedRandomSampler] expected finite weights >= 0, got -1");
  CHECK_ERROR(WeightedRandomSampler(tensor({1.0, std::numeric_limits<double>::infinity()}), 1),
              "expected finite weights >= 0, got inf");
  CHECK_ERROR(WeightedRandomSampler(zeros(3), 1), "expected weights with a finite sum above 0");
  CHECK_ERROR(WeightedRandomSampler(ones({2, 2}), 1), "expected weights of shape [N], got [2, 2]");
  CHECK_ERROR(WeightedRandomSampler(tensor({1.0, 0.0}), 2, {.replacement = false}),
              "expected at most 1 samples without replacement");
  CHECK_ERROR(WeightedRandomSampler(ones(2), -1), "expected num_samples >= 0, got -1");
}

TEST_CASE("StratifiedSampler spreads classes evenly over a pass") {
  Tensor labels = zeros({120}, {.dtype = int64});
  labels.narrow(0, 0, 30).fill_(1);  // 30 of 1, 6 of 2, 84 of 0
  labels.narrow(0, 30, 6).fill_(2);
  const StratifiedSampler sampler(labels, {.seed = 1});
  const Indices order = sampler.indices(0);
  CHECK(sorted(order) == first_n(120));
  CHECK(order != sampler.indices(1));
  for (std::size_t begin = 0; begin < 120; begin += 20) {
    Indices counts(3);
    for (std::size_t i = begin; i < begin + 20; ++i) {
      ++counts[static_cast<std::size_t>(labels.data_ptr<Size>()[order[i]])];
    }
    CHECK(counts[0] == 14);
    CHECK(counts[1] == 5);
    CHECK(counts[2] == 1);
  }
  CHECK_ERROR(StratifiedSampler(ones(3)), "[StratifiedSampler] expected integers [N], got float32");
}

TEST_CASE("DistributedSampler shares an order among processes") {
  const auto part = [](Size rank, DistributedSamplerOptions options = {}) {
    options.num_replicas = 3;
    options.rank = rank;
    return DistributedSampler(10, options).indices(2);
  };
  // torch: DistributedSampler(range(10), num_replicas=3, rank=r, shuffle=False)
  CHECK(part(0, {.shuffle = false}) == Indices{0, 3, 6, 9});
  CHECK(part(1, {.shuffle = false}) == Indices{1, 4, 7, 0});
  CHECK(part(2, {.shuffle = false}) == Indices{2, 5, 8, 1});
  CHECK(part(2, {.shuffle = false, .drop_last = true}) == Indices{2, 5, 8});
  Indices all;
  for (Size rank = 0; rank < 3; ++rank) {
    const Indices own = part(rank, {.drop_last = true});
    all.insert(all.end(), own.begin(), own.end());
  }
  CHECK(std::set<Size>(all.begin(), all.end()).size() == 9);
  CHECK(all != sorted(all));
  CHECK(DistributedSampler(1, {.num_replicas = 3, .rank = 2}).indices(0) == Indices{0});
  CHECK_ERROR(DistributedSampler(10, {.num_replicas = 2, .rank = 2}),
              "[DistributedSampler] expected rank in [0, 2), got 2");
  CHECK_ERROR(DistributedSampler(10, {.num_replicas = 0}), "expected num_replicas >= 1, got 0");
}

TEST_CASE("LengthBatchSampler puts samples of like length together") {
  const Tensor lengths = tensor({9, 1, 5, 2, 9, 1, 5, 2, 7});
  const LengthBatchSampler plain(lengths, {.batch_size = 2, .shuffle = false});
  CHECK(plain.batches(0) == std::vector<Indices>{{1, 5}, {3, 7}, {2, 6}, {8, 0}, {4}});
  CHECK(plain.size() == 5);
  const LengthBatchSampler windows(lengths, {.batch_size = 2, .shuffle = false, .window = 2});
  CHECK(windows.batches(0) == std::vector<Indices>{{1, 3}, {2, 0}, {5, 7}, {6, 4}, {8}});
  const LengthBatchSampler full(lengths, {.batch_size = 4, .max_elements = 10, .shuffle = false});
  CHECK(full.batches(0) == std::vector<Indices>{{1, 5, 3, 7}, {2, 6}, {8}, {0}, {4}});

  const LengthBatchSampler shuffled(lengths, {.batch_size = 2, .seed = 1});
  CHECK(shuffled.batches(0) != shuffled.batches(1));
  CHECK(shuffled.batches(3) ==
        LengthBatchSampler(lengths, {.batch_size = 2, .seed = 1}).batches(3));
  Indices all;
  for (const Indices& batch : shuffled.batches(0))
    all.insert(all.end(), batch.begin(), batch.end());
  CHECK(sorted(all) == first_n(9));
  CHECK(LengthBatchSampler(empty(0, {.dtype = int64})).batches(0).empty());

  CHECK_ERROR(LengthBatchSampler(ones(3)),
              "[LengthBatchSampler] expected integers [N], got float32");
  CHECK_ERROR(LengthBatchSampler(tensor({1, -1})), "expected lengths >= 0, got -1");
  CHECK_ERROR(LengthBatchSampler(lengths, {.batch_size = 0}),
              "expected batch_size >= 1, window >= 1 and max_elements >= 0, got 0, 100 and 0");
}
