#include "reel/datasets/data_loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "reel/autograd/random.h"
#include "reel/kernels/team.h"
#include "reel/ops/create/random.h"
#include "reel/ops/shape/join.h"
#include "support/temp_folder.h"

using namespace reel;

namespace {

using Indices = std::vector<Size>;

/// The samples 0 to n-1.
TensorDataset<1> counting(Size n) { return TensorDataset{arange(n)}; }

/// The sizes of the batches of one pass, and all samples in their order.
struct Pass {
  Indices sizes;
  Indices samples;
};

template <class Loader>
Pass pass_of(Loader&& loader) {
  Pass pass;
  for (auto [numbers] : loader) {
    pass.sizes.push_back(numbers.size(0));
    const auto* values = numbers.template data_ptr<Size>();
    pass.samples.insert(pass.samples.end(), values, values + numbers.numel());
  }
  return pass;
}

Indices first_n(Size n) {
  Indices all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), Size{0});
  return all;
}

static_assert(std::input_iterator<DataLoader<TensorDataset<1>>::Iterator>);

}  // namespace

TEST_CASE("DataLoader goes over a set in order, the last batch being smaller") {
  DataLoader loader{counting(10), {.batch_size = 4}};
  CHECK(loader.size() == 3);
  const Pass pass = pass_of(loader);
  CHECK(pass.sizes == Indices{4, 4, 2});
  CHECK(pass.samples == first_n(10));
  CHECK(pass_of(loader).samples == first_n(10));
  CHECK(DataLoader{counting(10)}.size() == 10);
}

TEST_CASE("DataLoader leaves a smaller last batch out when told to") {
  DataLoader loader{counting(10), {.batch_size = 4, .drop_last = true}};
  CHECK(loader.size() == 2);
  CHECK(pass_of(loader).samples == first_n(8));
  CHECK(pass_of(DataLoader{counting(8), {.batch_size = 4, .drop_last = true}}).sizes ==
        Indices{4, 4});
  CHECK(pass_of(DataLoader{counting(3), {.batch_size = 4, .drop_last = true}}).sizes.empty());
  const Pass pass =
      pass_of(DataLoader{counting(10), {.batch_size = 4, .shuffle = true, .drop_last = true}});
  CHECK(pass.sizes == Indices{4, 4});
}

TEST_CASE("DataLoader takes batches larger than the set, and empty sets") {
  CHECK(pass_of(DataLoader{counting(3), {.batch_size = 100}}).sizes == Indices{3});
  const Size most = std::numeric_limits<Size>::max();
  CHECK(pass_of(DataLoader{counting(3), {.batch_size = most}}).sizes == Indices{3});
  CHECK(DataLoader{counting(0), {.batch_size = 4}}.size() == 0);
  CHECK(pass_of(DataLoader{counting(0), {.batch_size = 4}}).sizes.empty());
  CHECK(pass_of(DataLoader{counting(0), {.batch_size = 4, .shuffle = true}}).sizes.empty());
}

TEST_CASE("DataLoader shuffles every pass anew, each sample once") {
  DataLoader loader{counting(1000), {.batch_size = 64, .shuffle = true, .seed = 1}};
  Indices first = pass_of(loader).samples, second = pass_of(loader).samples;
  CHECK(first != first_n(1000));
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  CHECK(first == first_n(1000));
  std::sort(second.begin(), second.end());
  CHECK(second == first_n(1000));
}

TEST_CASE("DataLoader's orders follow from seed and epoch") {
  const auto loader = [](std::uint64_t seed) {
    return DataLoader{counting(100), {.batch_size = 7, .shuffle = true, .seed = seed}};
  };
  auto one = loader(1);
  const Indices epoch0 = pass_of(one).samples, epoch1 = pass_of(one).samples;
  CHECK(one.epoch() == 2);
  auto again = loader(1);
  CHECK(pass_of(again).samples == epoch0);
  CHECK(pass_of(again).samples == epoch1);
  CHECK(pass_of(loader(2)).samples != epoch0);
  auto resumed = loader(1);
  resumed.set_epoch(1);
  CHECK(pass_of(resumed).samples == epoch1);
}

TEST_CASE("loaders made anew for each pass follow manual_seed") {
  const auto pass = [] { return pass_of(DataLoader{counting(100), {.shuffle = true}}).samples; };
  manual_seed(7);
  const Indices first = pass(), second = pass();
  CHECK(first != second);
  manual_seed(7);
  CHECK(pass() == first);
  CHECK(pass() == second);

  manual_seed(7);
  pass_of(DataLoader{counting(100)});  // these draw nothing
  pass_of(DataLoader{counting(100), {.shuffle = true, .seed = 1}});
  CHECK(pass() == first);
}

TEST_CASE("shuffling is fair") {
  // How often sample s comes first in 6000 passes over 6: 1000 each, within five deviations.
  DataLoader loader{counting(6), {.shuffle = true, .seed = 3}};
  Indices first(6), last(6);
  for (int i = 0; i < 6000; ++i) {
    const Indices samples = pass_of(loader).samples;
    ++first[static_cast<std::size_t>(samples.front())];
    ++last[static_cast<std::size_t>(samples.back())];
  }
  for (const Size count : first) CHECK(std::abs(count - 1000) < 145);
  for (const Size count : last) CHECK(std::abs(count - 1000) < 145);
}

TEST_CASE("a temporary loader, and one that outlives the variable it was made of, are safe") {
  auto set = std::make_unique<TensorDataset<1>>(counting(5));
  DataLoader loader{*set, {.batch_size = 2}};
  set.reset();
  CHECK(pass_of(loader).samples == first_n(5));

  const TensorDataset train_set = counting(5);
  Size sum = 0;
  for (auto [numbers] : DataLoader{train_set, {.batch_size = 2}}) sum += numbers.numel();
  CHECK(sum == 5);
}

TEST_CASE("passes over one loader may be nested, and left early") {
  DataLoader loader{counting(4), {.batch_size = 2, .shuffle = true, .seed = 5}};
  Indices inner;
  for (auto [outer] : loader) {
    for (auto [numbers] : loader) inner.push_back(numbers.numel());
    if (outer.numel() > 0) break;
  }
  CHECK(inner == Indices{2, 2});
}

TEST_CASE("an iterator at the end gives no batch") {
  for (const bool shuffle : {false, true}) {
    DataLoader loader{counting(3), {.batch_size = 2, .shuffle = shuffle}};
    auto it = loader.begin();
    *it;
    ++it;
    *it;
    ++it;
    REQUIRE(it == loader.end());
    CHECK_ERROR(*it, "[DataLoader] expected a batch that is left, got the end of the pass");
    CHECK_ERROR(++it, "[DataLoader] expected a batch that is left, got the end of the pass");
    DataLoader nothing{counting(0), {.shuffle = shuffle}};
    CHECK_ERROR(*nothing.begin(), "got the end of the pass");
  }
}

TEST_CASE("threads that begin passes of one loader get different epochs") {
  // Passes over nothing, so that the threads do little else than count.
  DataLoader loader{counting(0)};
  constexpr std::uint64_t threads = 4, passes = 200000;
  std::vector<std::thread> all;
  for (std::uint64_t i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      for (std::uint64_t pass = 0; pass < passes; ++pass) loader.begin();
    });
  }
  for (std::thread& thread : all) thread.join();
  CHECK(loader.epoch() == threads * passes);
}

TEST_CASE("a loader makes batches of any data set") {
  struct Evens {
    Size size() const { return 3; }
    Size get(Size i) const { return 2 * i; }
  };
  Indices all;
  for (const Tensor& numbers : DataLoader{Evens{}, {.batch_size = 2}}) {
    for (Size i = 0; i < numbers.numel(); ++i) all.push_back(numbers.data_ptr<Size>()[i]);
  }
  CHECK(all == Indices{0, 2, 4});
}

TEST_CASE("DataLoader refuses batch sizes below 1") {
  CHECK_ERROR((DataLoader{counting(3), {.batch_size = 0}}),
              "[DataLoader] expected batch_size > 0, got 0");
  CHECK_ERROR((DataLoader{counting(3), {.batch_size = -5}}), "got -5");
}

namespace {

/// A number and what chance adds to it.
struct Noisy {
  Size count = 0;
  Size size() const { return count; }
  std::tuple<Size, Tensor> get(Size i) const { return {i, rand({3})}; }
};

/// Of every batch of a pass the samples and the chance.
std::vector<std::vector<float>> noise_of(DataLoaderOptions options, Size workers) {
  options.num_workers = workers;
  DataLoader loader{Noisy{50}, options};
  std::vector<std::vector<float>> batches;
  for (int pass = 0; pass < 2; ++pass) {
    for (auto [numbers, noise] : loader) {
      std::vector<float> batch(noise.template data_ptr<float>(),
                               noise.template data_ptr<float>() + noise.numel());
      for (Size i = 0; i < numbers.numel(); ++i) {
        batch.push_back(static_cast<float>(numbers.template data_ptr<Size>()[i]));
      }
      batches.push_back(batch);
    }
  }
  return batches;
}

/// Fails at sample 5.
struct Faulty {
  Size size() const { return 8; }
  Size get(Size i) const {
    if (i == 5) throw std::runtime_error("five");
    return i;
  }
};

/// Batches that know how many of them are alive.
struct Counts {
  std::atomic<int> alive = 0, most = 0, made = 0;
};
struct Tracked {
  explicit Tracked(std::shared_ptr<Counts> all) : counts(std::move(all)) {
    const int alive = ++counts->alive;
    for (int most = counts->most; alive > most;) {
      if (counts->most.compare_exchange_weak(most, alive)) break;
    }
    ++counts->made;
  }
  ~Tracked() { --counts->alive; }
  Tracked(const Tracked&) = delete;
  Tracked& operator=(const Tracked&) = delete;
  std::shared_ptr<Counts> counts;
};
struct TrackedSet {
  std::shared_ptr<Counts> counts = std::make_shared<Counts>();
  Size size() const { return 100; }
  std::shared_ptr<Tracked> batch(std::span<const Size>) const {
    return std::make_shared<Tracked>(counts);
  }
};

}  // namespace

TEST_CASE("workers make the same batches in the same order, whatever is drawn at random") {
  for (const DataLoaderOptions& options :
       {DataLoaderOptions{.batch_size = 7, .seed = 3},
        DataLoaderOptions{.batch_size = 7, .shuffle = true, .seed = 3, .drop_last = true},
        DataLoaderOptions{
            .batch_size = 1, .sampler = RandomSampler(50, {.seed = 1}), .prefetch_factor = 1}}) {
    const auto alone = noise_of(options, 0);
    CHECK(alone.front() != alone[alone.size() / 2]);
    for (const Size workers : {1, 2, 5}) CHECK(noise_of(options, workers) == alone);
  }
}

TEST_CASE("random numbers in a set follow from the loader's seed, and leave others' alone") {
  const DataLoaderOptions options{.batch_size = 10};
  manual_seed(1);
  const auto first = noise_of(options, 2);
  const std::uint64_t next = default_generator()();
  manual_seed(1);
  CHECK(noise_of(options, 0) == first);
  CHECK(default_generator()() == next);
  manual_seed(2);
  CHECK(noise_of(options, 0) != first);
  manual_seed(1);
  CHECK(default_generator()() == next);
}

TEST_CASE("a batch that fails is an error of its own, with any number of workers") {
  for (const Size workers : {0, 1, 3}) {
    CAPTURE(workers);
    DataLoader loader{Faulty{}, {.batch_size = 2, .num_workers = workers}};
    auto it = loader.begin();
    Indices seen;
    for (; it != loader.end(); ++it) {
      if (it.position() == 2) {
        for (int again = 0; again < 2; ++again) {
          CHECK_ERROR(*it, "[get] expected sample 5, got \"five\"");
        }
        continue;
      }
      const Tensor numbers = *it;
      seen.push_back(numbers.data_ptr<Size>()[0]);
    }
    CHECK(seen == Indices{0, 2, 6});
  }
}

TEST_CASE("batches may be looked at twice, or passed over, with workers too") {
  DataLoader loader{counting(10), {.batch_size = 2, .num_workers = 2}};
  auto it = loader.begin();
  CHECK((*it)[0].data_ptr<Size>()[0] == 0);
  CHECK((*it)[0].data_ptr<Size>()[0] == 0);
  ++it;
  ++it;
  CHECK((*it)[0].data_ptr<Size>()[0] == 4);
  ++it;
  ++it;
  ++it;
  REQUIRE(it == loader.end());
  CHECK_ERROR(*it, "got the end of the pass");
  CHECK_ERROR(++it, "got the end of the pass");
}

TEST_CASE("no more batches are alive than workers may make ahead, and one") {
  for (const auto& [workers, factor] : {std::array<Size, 2>{1, 1}, {2, 3}, {4, 1}}) {
    TrackedSet set;
    for (const auto& batch : DataLoader{set, {.num_workers = workers, .prefetch_factor = factor}}) {
      // Time for the workers to run ahead, as far as they may.
      std::this_thread::sleep_for(std::chrono::microseconds(300));
      CHECK(batch->counts == set.counts);
    }
    CHECK(set.counts->most <= workers * factor + 1);
    CHECK(set.counts->made == 100);
    CHECK(set.counts->alive == 0);
  }
}

TEST_CASE("an iterator that goes ends its workers") {
  for (int round = 0; round < 20; ++round) {
    TrackedSet set;
    int taken = 0;
    for (const auto& batch : DataLoader{set, {.num_workers = 3, .prefetch_factor = 2}}) {
      CHECK(batch != nullptr);
      if (++taken > round % 4) break;
    }
    // They are gone: nothing is made any more, and nothing was kept.
    CHECK(set.counts->alive == 0);
    CHECK(set.counts->made <= taken + 6);
  }
}

TEST_CASE("operations inside a worker run on one thread") {
  struct Alone {
    Size size() const { return 4; }
    bool get(Size) const { return kernels::detail::in_split(); }
  };
  for (const Tensor& alone : DataLoader{Alone{}, {.num_workers = 2}}) CHECK(alone.item<bool>());
  for (const Tensor& alone : DataLoader{Alone{}}) CHECK(!alone.item<bool>());
}

TEST_CASE("a pass goes on where it was stopped") {
  for (const Size workers : {0, 2}) {
    const DataLoaderOptions options{
        .batch_size = 3, .shuffle = true, .seed = 9, .num_workers = workers};
    DataLoader whole{counting(20), options};
    pass_of(whole);
    const Indices all = pass_of(whole).samples, next = pass_of(whole).samples;

    DataLoader resumed{counting(20), options};
    resumed.set_epoch(1, 4);
    CHECK(pass_of(resumed).samples == Indices(all.begin() + 12, all.end()));
    CHECK(pass_of(resumed).samples == next);
    resumed.set_epoch(1, 100);
    CHECK(pass_of(resumed).samples.empty());
    CHECK_ERROR(resumed.set_epoch(1, -1), "expected a number of batches to go on behind, got -1");
  }
}

TEST_CASE("samplers say which samples come, batch samplers which come together") {
  DataLoader loader{
      counting(10),
      {.batch_size = 4,
       .sampler = DistributedSampler(10, {.num_replicas = 2, .rank = 1, .shuffle = false})}};
  CHECK(loader.size() == 2);
  const Pass pass = pass_of(loader);
  CHECK(pass.sizes == Indices{4, 1});
  CHECK(pass.samples == Indices{1, 3, 5, 7, 9});
  DataLoader batches{
      counting(4),
      {.batch_sampler = LengthBatchSampler(tensor({3, 1, 3, 1}), {.batch_size = 2, .seed = 1})}};
  CHECK(batches.size() == 2);
  CHECK(pass_of(batches).sizes == Indices{2, 2});
  DataLoader beyond{counting(4), {.sampler = SequentialSampler(5)}};
  CHECK_ERROR(pass_of(beyond), "expected an index in [0, 4), got 4");
}

TEST_CASE("a collate function of one's own makes the batches") {
  const auto sum = [](const std::vector<Size>& samples) {
    return std::accumulate(samples.begin(), samples.end(), Size{0});
  };
  struct Numbers {
    Size size() const { return 5; }
    Size get(Size i) const { return i; }
  };
  Indices sums;
  for (const Size batch : DataLoader{Numbers{}, {.batch_size = 2, .num_workers = 2}, sum}) {
    sums.push_back(batch);
  }
  CHECK(sums == Indices{1, 5, 4});
}

TEST_CASE("DataLoader refuses options that contradict each other") {
  const SequentialSampler sampler(3);
  const LengthBatchSampler batches(tensor({1, 2, 3}));
  CHECK_ERROR((DataLoader{counting(3), {.shuffle = true, .sampler = sampler}}),
              "[DataLoader] expected no shuffle beside a sampler");
  CHECK_ERROR((DataLoader{counting(3), {.batch_size = 2, .batch_sampler = batches}}),
              "expected no batch_size, shuffle, sampler or drop_last beside a batch_sampler");
  CHECK_ERROR((DataLoader{counting(3), {.sampler = sampler, .batch_sampler = batches}}),
              "beside a batch_sampler");
  CHECK_ERROR((DataLoader{counting(3), {.num_workers = -1}}),
              "expected num_workers in [0, 1024], got -1");
  CHECK_ERROR((DataLoader{counting(3), {.prefetch_factor = 0}}),
              "expected prefetch_factor in [1, 1048576], got 0");
}
