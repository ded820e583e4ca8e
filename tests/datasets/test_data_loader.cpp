#include "reel/datasets/data_loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "reel/autograd/random.h"
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
