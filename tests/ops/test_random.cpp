#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/base/threads.h"
#include "reel/kernels/random.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

template <class T>
std::vector<T> values(const Tensor& x) {
  return std::vector<T>(x.data_ptr<T>(), x.data_ptr<T>() + x.numel());
}

/// The largest distance between the empirical distribution and `cdf`, times sqrt(n): above 1.95
/// with probability 0.001 (Kolmogorov and Smirnov).
template <class Cdf>
double distance(std::vector<double> sample, Cdf cdf) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double worst = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double p = cdf(sample[i]);
    worst = std::max({worst, std::fabs(p - static_cast<double>(i) / n),
                      std::fabs(p - static_cast<double>(i + 1) / n)});
  }
  return worst * std::sqrt(n);
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// FNV-1a of a tensor's bytes.
std::uint64_t fingerprint(const Tensor& x) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(x.impl().data);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (Size i = 0; i < x.numel() * item_size(x.dtype()); ++i) {
    hash = (hash ^ bytes[i]) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

TEST_CASE("Philox gives the published numbers") {
  // The known answers that come with Random123.
  std::uint32_t words[4];
  kernels::philox(0, 0, words);
  CHECK(words[0] == 0x6627e8d5);
  CHECK(words[1] == 0xe169c58d);
  CHECK(words[2] == 0xbc57ac4c);
  CHECK(words[3] == 0x9b00dbd8);
  kernels::philox(~std::uint64_t{0}, ~std::uint64_t{0}, words, ~std::uint64_t{0});
  CHECK(words[0] == 0x408f276d);
  CHECK(words[1] == 0x41c83b0e);
  CHECK(words[2] == 0xa20bc7c6);
  CHECK(words[3] == 0x6d5451fd);
  kernels::philox(0x299f31d0a4093822, 0x85a308d3243f6a88, words, 0x0370734413198a2e);
  CHECK(words[0] == 0xd16cfe09);
  CHECK(words[1] == 0x94fdcceb);
  CHECK(words[2] == 0x5001e420);
  CHECK(words[3] == 0x24126ea1);
}

TEST_CASE("groups of words are Philox blocks side by side") {
  const std::uint64_t first = 0xfffffffc;  // the counter carries into its second word
  std::uint32_t group[kernels::group_words];
  kernels::random_table().words({.seed = 0x123456789abcdef0, .block = first}, 1, group);
  for (Size b = 0; b < kernels::group_blocks; ++b) {
    std::uint32_t words[4];
    kernels::philox(0x123456789abcdef0, first + static_cast<std::uint64_t>(b), words);
    for (Size j = 0; j < 4; ++j) CHECK(group[kernels::group_blocks * j + b] == words[j]);
  }
}

#if defined(__x86_64__)
TEST_CASE("every instruction set gives the same numbers bit for bit") {
  const kernels::RandomStream stream{.seed = 7, .block = 3};
  constexpr Size n = 5003;
  std::vector<const kernels::RandomTable*> tables{&kernels::v2::random_table()};
  if (kernels::isa() >= kernels::Isa::v3) tables.push_back(&kernels::v3::random_table());
  if (kernels::isa() >= kernels::Isa::v4) tables.push_back(&kernels::v4::random_table());
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<double>> doubles;
  for (const auto* table : tables) {
    std::vector<float> f(4 * n);
    std::vector<double> d(3 * n);
    table->uniform32(stream, n, f.data(), -1.3, 2.7);
    table->normal32(stream, n, f.data() + n, 0.1, 1.7);
    table->dropout32(stream, n, f.data(), f.data() + 2 * n, 1u << 30, 4.0 / 3);
    table->uniform64(stream, n, d.data(), -1.3, 2.7);
    table->normal64(stream, n, d.data() + n, 0.1, 1.7);
    table->dropout64(stream, n, d.data(), d.data() + 2 * n, 1u << 30, 4.0 / 3);
    floats.push_back(f);
    doubles.push_back(d);
  }
  for (std::size_t i = 1; i < tables.size(); ++i) {
    CHECK(floats[i] == floats[0]);
    CHECK(doubles[i] == doubles[0]);
  }
}
#endif

TEST_CASE("seeded numbers are the same on every machine") {
  Generator generator(2024);
  CHECK(fingerprint(rand({1001}, generator)) == 0x42887e0334aacd0f);
  CHECK(fingerprint(rand({1001}, generator, {.dtype = float64})) == 0x6ae5fdee0a8c4534);
  CHECK(fingerprint(randn({1001}, generator)) == 0xfdc0cf56d4eb88b7);
  CHECK(fingerprint(randn({1001}, generator, {.dtype = float64})) == 0xce1ff45f175f6dbf);
  CHECK(fingerprint(randint(-5, 1000, {1001}, generator)) == 0x72e0831d17e3ca6);
  CHECK(fingerprint(randperm(1001, generator)) == 0x8ea087fa7905d6b8);
}

TEST_CASE("the same seed gives the same numbers, and another seed others") {
  manual_seed(1);
  const Tensor a = randn({100});
  const Tensor b = randn({100});
  manual_seed(1);
  CHECK(values<float>(randn({100})) == values<float>(a));
  CHECK(values<float>(a) != values<float>(b));
  manual_seed(2);
  CHECK(values<float>(randn({100})) != values<float>(a));
  CHECK(default_generator().seed() == 2);
}

TEST_CASE("numbers do not depend on the number of threads") {
  const int before = get_num_threads();
  std::vector<std::uint64_t> prints[2];
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    Generator generator(5);
    for (const Tensor& x :
         {rand({300001}, generator), randn({300001}, generator),
          rand({300001}, generator, {.dtype = float64}), randint(9, {300001}, generator),
          dropout(ones({300001}), 0.3, true, generator)}) {
      prints[threads == 1].push_back(fingerprint(x));
    }
  }
  set_num_threads(before);
  CHECK(prints[0] == prints[1]);
}

TEST_CASE("a generator's state can be kept and split") {
  Generator generator(9);
  rand({10}, generator);
  const Generator::State state = generator.state();
  const Tensor a = rand({10}, generator);
  generator.set_state(state);
  CHECK(values<float>(rand({10}, generator)) == values<float>(a));
  CHECK(Generator(state).state() == state);

  Generator parent(9);
  Generator child = parent.split();
  CHECK(values<float>(rand({10}, child)) != values<float>(rand({10}, parent)));
  Generator again(9);
  Generator same = again.split();
  child.set_state({child.seed(), 0});
  CHECK(values<float>(rand({10}, same)) == values<float>(rand({10}, child)));
  parent.manual_seed(3);
  CHECK(parent.state() == Generator::State{3, 0});
}

TEST_CASE("a generator serves the standard library") {
  static_assert(std::uniform_random_bit_generator<Generator>);
  Generator generator(1);
  std::vector<int> cards(52);
  std::iota(cards.begin(), cards.end(), 0);
  std::shuffle(cards.begin(), cards.end(), generator);
  CHECK_FALSE(std::is_sorted(cards.begin(), cards.end()));
  CHECK(std::accumulate(cards.begin(), cards.end(), 0) == 51 * 26);
}

TEST_CASE("rand is uniform over [0, 1)") {
  for (DType dtype : {float32, float64}) {
    Generator generator(11);
    const auto sample = values<double>(rand({200000}, generator, {.dtype = dtype}).to(float64));
    CHECK(*std::min_element(sample.begin(), sample.end()) >= 0);
    CHECK(*std::max_element(sample.begin(), sample.end()) < 1);
    CHECK(distance(sample, [](double x) { return x; }) < 1.95);
  }
}

TEST_CASE("randn is normal, its halves uncorrelated") {
  for (DType dtype : {float32, float64}) {
    Generator generator(12);
    const auto sample = values<double>(randn({200000}, generator, {.dtype = dtype}).to(float64));
    double moments[5] = {};
    double neighbours = 0;
    double pairs = 0;
    for (std::size_t i = 0; i < sample.size(); ++i) {
      for (int k = 1; k <= 4; ++k) moments[k] += std::pow(sample[i], k) / 200000;
      if (i + 1 < sample.size()) neighbours += sample[i] * sample[i + 1] / 200000;
      if (i % 32 < 16)
        pairs += sample[i] * sample[i + 16] / 100000;  // cosine and sine of one angle
    }
    CHECK(std::fabs(moments[1]) < 0.01);
    CHECK(std::fabs(moments[2] - 1) < 0.015);
    CHECK(std::fabs(moments[3]) < 0.03);
    CHECK(std::fabs(moments[4] - 3) < 0.12);
    CHECK(std::fabs(neighbours) < 0.01);
    CHECK(std::fabs(pairs) < 0.015);
    CHECK(distance(sample, normal_cdf) < 1.95);
  }
}

TEST_CASE("normal has the mean and deviation asked for") {
  Generator generator(13);
  const auto sample = values<float>(normal(5, 0.5, {50000}, generator));
  const double mean = std::accumulate(sample.begin(), sample.end(), 0.0) / 50000;
  CHECK(mean == doctest::Approx(5).epsilon(0.005));
  CHECK(values<float>(normal(5, 0, {3})) == std::vector<float>(3, 5));
  CHECK_THROWS_WITH_AS(normal(0, -1, {3}),
                       "[normal] expected a finite standard deviation of 0 or more, got -1", Error);
}

TEST_CASE("randint covers its range evenly") {
  Generator generator(14);
  std::vector<int> counts(7);
  for (std::int64_t value : values<std::int64_t>(randint(-3, 4, {70000}, generator))) {
    REQUIRE(value >= -3);
    REQUIRE(value < 4);
    ++counts[static_cast<std::size_t>(value + 3)];
  }
  for (int count : counts) CHECK(std::abs(count - 10000) < 400);
  CHECK(randint(10, {2, 3}).shape() == Shape{2, 3});
  CHECK(randint(10, {2}, {.dtype = uint8}).dtype() == uint8);
  CHECK(randint(4, 5, {1}).item<int>() == 4);
  CHECK_THROWS_WITH_AS(randint(3, 3, {1}), "[randint] expected low < high, got low 3 and high 3",
                       Error);
}

TEST_CASE("randperm holds every number once, each place as likely") {
  Generator generator(15);
  auto order = values<std::int64_t>(randperm(1000, generator));
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(order[i] == static_cast<Size>(i));
  CHECK(randperm(0).numel() == 0);
  CHECK_THROWS_AS(randperm(-1), Error);
  int counts[3][3] = {};
  for (int trial = 0; trial < 9000; ++trial) {
    const Tensor p = randperm(3, generator);
    for (int i = 0; i < 3; ++i) ++counts[i][p.data_ptr<std::int64_t>()[i]];
  }
  for (const auto& row : counts) {
    for (int count : row) CHECK(std::abs(count - 3000) < 250);
  }
}

TEST_CASE("bernoulli draws with the probabilities given") {
  Generator generator(16);
  const Tensor p = tensor({0.0, 1.0, 0.25}, {.dtype = float64}).expand({20000, 3});
  const Tensor draws = bernoulli(p, generator);
  CHECK(draws.shape() == p.shape());
  const auto means = values<double>(draws.mean(0));
  CHECK(means[0] == 0);
  CHECK(means[1] == 1);
  CHECK(means[2] == doctest::Approx(0.25).epsilon(0.05));
  CHECK_THROWS_WITH_AS(bernoulli(tensor({0.5, 1.5})),
                       "[bernoulli] expected probabilities in [0, 1], got 1.5", Error);
  CHECK_THROWS_AS(bernoulli(tensor({1})), Error);
}

TEST_CASE("the _like forms keep shape and dtype") {
  const Tensor like = zeros({2, 3}, {.dtype = float64});
  Generator generator(17);
  CHECK(rand_like(like).dtype() == float64);
  CHECK(randn_like(like, generator).shape() == like.shape());
  CHECK(randint_like(like, 0, 5).dtype() == float64);
  CHECK(randn_like(like, {.dtype = float32, .requires_grad = true}).requires_grad());
  CHECK_THROWS_AS(rand_like(tensor({1})), Error);
}

TEST_CASE("random numbers need a floating-point dtype") {
  CHECK_THROWS_WITH_AS(rand({2}, {.dtype = int64}),
                       "[rand] expected a floating-point dtype, got int64", Error);
  CHECK_THROWS_AS(randn({2}, {.dtype = bool_}), Error);
  CHECK_THROWS_AS(randn({-2}), Error);
}

TEST_CASE("uniform_ and normal_ fill in place, also views with gaps") {
  Generator generator(18);
  const Tensor x = zeros({4, 6});
  const std::uint32_t version = x.version();
  x.slice(1, 0, 6, 2).uniform_(2, 3, generator);
  CHECK(x.version() > version);
  for (Size i = 0; i < 24; ++i) {
    const float value = x.data_ptr<float>()[i];
    CHECK((i % 2 == 0 ? value >= 2 && value < 3 : value == 0));
  }
  x.normal_(10, 0.1, generator);
  CHECK(x.mean().item() == doctest::Approx(10).epsilon(0.02));
  CHECK_THROWS_WITH_AS(x.uniform_(2, 1), "[uniform_] expected low <= high, got 2 and 1", Error);
  CHECK_THROWS_AS(x.normal_(0, -1), Error);
  CHECK_THROWS_AS(ones({2}, {.dtype = int64}).uniform_(), Error);
  const Tensor leaf = zeros({2}, {.requires_grad = true});
  CHECK_THROWS_AS(leaf.normal_(), Error);
  const NoGradGuard no_grad;
  leaf.normal_();
  CHECK(leaf.requires_grad());
}

TEST_CASE("dropout zeroes a share p and scales the rest") {
  Generator generator(19);
  const Tensor x = full({100000}, 2.0);
  const auto y = values<float>(dropout(x, 0.3, true, generator));
  const auto zeros_in_y = std::count(y.begin(), y.end(), 0.f);
  CHECK(std::fabs(static_cast<double>(zeros_in_y) - 30000) < 600);
  for (float value : y) CHECK((value == 0 || value == doctest::Approx(2 / 0.7)));
  CHECK(dropout(x, 0.3, false).is_same(x));
  CHECK(dropout(x, 0).is_same(x));
  CHECK(dropout(x, 1).sum().item() == 0);
  CHECK_THROWS_WITH_AS(dropout(x, 1.5), "[dropout] expected p in [0, 1], got 1.5", Error);
  CHECK_THROWS_AS(dropout(tensor({1, 2}), 0.5), Error);
}

TEST_CASE("dropout passes gradients where it let values through") {
  Generator generator(20);
  const Tensor x = ones({4, 3, 5, 7}, {.dtype = float64, .requires_grad = true});
  for (const Tensor& in : {x, x.permute({0, 2, 3, 1}), x.slice(3, 0, 7, 2)}) {
    const Tensor y = dropout(in, 0.4, true, generator);
    const Tensor dx = grad(y.sum(), in);
    CHECK(values<double>(dx.contiguous()) == values<double>(y.contiguous()));
  }
  const Generator::State state = generator.state();
  const Tensor small = rand({3, 4}, {.dtype = float64, .requires_grad = true});
  auto f = [&](const Tensor& in) {
    Generator same(state);
    return dropout(in * in, 0.5, true, same);
  };
  CHECK(gradcheck(f, small));
  CHECK(gradgradcheck(f, small));
}

TEST_CASE("integers that a dtype does not hold are refused, not wrapped around") {
  CHECK_THROWS_WITH_AS(
      randint(Size{1} << 40, {2}, {.dtype = int32}),
      "[randint] expected integers that int32 holds, in [-2147483648, 2147483647], "
      "got 0 to 1099511627775",
      Error);
  CHECK_THROWS_WITH_AS(randint(300, {2}, {.dtype = uint8}),
                       doctest::Contains("that uint8 holds, in [0, 255], got 0 to 299"), Error);
  CHECK_THROWS_AS(randint(-1, 5, {2}, {.dtype = uint8}), Error);
  CHECK_THROWS_AS(randint(3, {2}, {.dtype = bool_}), Error);
  CHECK_THROWS_AS(randint((1 << 24) + 2, {2}, {.dtype = float32}), Error);
  CHECK_THROWS_AS(randint_like(zeros({2}, {.dtype = uint8}), 0, 257), Error);
  CHECK(randint(256, {2}, {.dtype = uint8}).dtype() == uint8);
  CHECK(randint((1 << 24) + 1, {2}, {.dtype = float32}).dtype() == float32);
  const Size least = std::numeric_limits<Size>::min(), most = std::numeric_limits<Size>::max();
  CHECK(randint(least, most, {2}).numel() == 2);
  CHECK_THROWS_WITH_AS(randperm(300, {.dtype = uint8}),
                       doctest::Contains("[randperm] expected integers that uint8 holds"), Error);
  CHECK(randperm(256, {.dtype = uint8}).to(int64).sum().item() == 255 * 128);
}

TEST_CASE("the numbers of a distribution are checked") {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const Tensor x = zeros({3});
  CHECK_THROWS_WITH_AS(x.uniform_(0, infinity), "[uniform_] expected a finite range, got 0 to inf",
                       Error);
  CHECK_THROWS_AS(x.uniform_(nan, 1), Error);
  CHECK_THROWS_AS(x.uniform_(infinity, infinity), Error);
  CHECK_THROWS_AS(x.uniform_(2, 1), Error);
  CHECK_THROWS_WITH_AS(normal(-nan, 1, {2}), "[normal] expected a finite mean, got nan", Error);
  CHECK_THROWS_WITH_AS(x.normal_(0, infinity),
                       "[normal_] expected a finite standard deviation of 0 or more, got inf",
                       Error);
  CHECK_THROWS_AS(x.normal_(0, -1), Error);
  CHECK_THROWS_AS(normal(0, nan, {2}), Error);
  CHECK_THROWS_WITH_AS(dropout(x, nan), "[dropout] expected p in [0, 1], got nan", Error);
  CHECK_THROWS_AS(dropout(x, 1.5, false), Error);
}
