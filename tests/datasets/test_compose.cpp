#include "reel/datasets/compose.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "reel/ops/create/create.h"
#include "reel/ops/shape/join.h"
#include "support/temp_folder.h"

using namespace reel;

namespace {

using Indices = std::vector<Size>;

/// i and its square, and how often a sample was made.
struct Squares {
  Size count = 10;
  std::shared_ptr<std::atomic<int>> calls = std::make_shared<std::atomic<int>>(0);

  Size size() const { return count; }
  std::pair<Size, Size> get(Size i) const {
    ++*calls;
    if (i == 7) throw std::runtime_error("seven");
    return {i, i * i};
  }
};

/// Sequences of 1, 2, 3, ... numbers, and their lengths.
struct Sequences {
  Size size() const { return 4; }
  std::tuple<Tensor, Size> get(Size i) const { return {arange(i + 1), i + 1}; }
};

std::vector<Size> values_of(const Tensor& t) {
  return std::vector<Size>(t.data_ptr<Size>(), t.data_ptr<Size>() + t.numel());
}

}  // namespace

TEST_CASE("StackDataset lays sets side by side") {
  const StackDataset set{Squares{3}, TensorDataset{arange(3), arange(6).view({3, 2})}, Squares{3}};
  static_assert(Dataset<decltype(set)>);
  CHECK(set.size() == 3);
  const auto [i, square, number, row, again, square_again] = set.get(2);
  CHECK(square == 4);
  CHECK(number.item<int>() == 2);
  CHECK(values_of(row.contiguous()) == Indices{4, 5});
  CHECK(square_again == 4);
  const auto batch = set.batch(Indices{2, 0});
  static_assert(std::tuple_size_v<decltype(batch)> == 6);
  CHECK(values_of(std::get<1>(batch)) == Indices{4, 0});
  CHECK(std::get<3>(batch).shape() == Shape{2, 2});

  struct Numbers {
    Size size() const { return 3; }
    Size get(Size index) const { return 10 * index; }
  };
  CHECK(std::get<1>(StackDataset{Numbers{}, Numbers{}}.get(1)) == 10);
  CHECK_ERROR((StackDataset{Squares{3}, Squares{4}}),
              "[StackDataset] expected data sets of equal size, got 3 and 4");
}

TEST_CASE("transform_samples shows a set through a function of samples") {
  const auto sums = transform_samples(Squares{5}, [](Size i, Size square) { return i + square; });
  CHECK(sums.size() == 5);
  CHECK(sums.get(3) == 12);
  CHECK(values_of(batch_of(sums, Indices{1, 4})) == Indices{2, 20});
  const auto doubled = transform_samples(sums, [](Size sum) { return 2 * sum; });
  CHECK(doubled.get(3) == 24);
}

TEST_CASE("filter keeps the samples that a function says yes to") {
  const auto even = filter(Squares{6}, [](Size i, Size) { return i % 2 == 0; });
  CHECK(even.indices() == Indices{0, 2, 4});
  CHECK(even.get(1).second == 4);
  CHECK_ERROR(filter(Squares{8}, [](Size, Size) { return true; }),
              "[get] expected sample 7, got \"seven\"");
}

TEST_CASE("cache makes each sample once, and none of which the making failed") {
  const Squares squares{10};
  const auto cached = cache(squares);
  const auto copy = cached;
  for (int pass = 0; pass < 3; ++pass) {
    for (const Size i : {2, 5}) CHECK(copy.get(i).second == i * i);
  }
  CHECK(cached.get(2).second == 4);
  CHECK(*squares.calls == 2);
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(cached.get(7), std::runtime_error);
  CHECK(*squares.calls == 4);
  CHECK_ERROR(cached.get(10), "[CachedDataset] expected an index in [0, 10), got 10");
}

TEST_CASE("threads share a cache") {
  const auto cached = cache(Sequences{});
  std::vector<std::thread> threads;
  std::atomic<Size> sum = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) sum += std::get<0>(cached.get(i % 4)).numel();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(sum == 4 * 25 * (1 + 2 + 3 + 4));
}

TEST_CASE("collate_by makes batches by a function of one's own") {
  const auto padded =
      collate_by(Sequences{}, [](const std::vector<std::tuple<Tensor, Size>>& samples) {
        const auto [sequences, lengths] = unzip(samples);
        return std::tuple{pad_sequence(sequences, {.padding_value = -1}), collate(lengths)};
      });
  const auto [sequences, lengths] = batch_of(padded, Indices{2, 0});
  CHECK(sequences.shape() == Shape{2, 3});
  CHECK(values_of(sequences) == Indices{0, 1, 2, 0, -1, -1});
  CHECK(values_of(lengths) == Indices{3, 1});
}

TEST_CASE("pad_sequence pads any one dimension") {
  // torch.nn.utils.rnn.pad_sequence([ones(2, 3), zeros(1, 3)], batch_first=True, padding_value=7)
  const Tensor rows = pad_sequence({ones({2, 3}), zeros({1, 3})}, {.padding_value = 7});
  CHECK(rows.shape() == Shape{2, 2, 3});
  CHECK(rows[1][1][2].item() == 7);
  CHECK(rows[1][0][2].item() == 0);
  CHECK(rows[0][1][2].item() == 1);
  CHECK(pad_sequence({ones({2, 3}), zeros({2, 5})}, {.dim = -1}).shape() == Shape{2, 2, 5});
  CHECK(pad_sequence({ones({0})}).shape() == Shape{1, 0});
  CHECK(pad_sequence({arange(3), arange(2)}).dtype() == int64);

  CHECK_ERROR(pad_sequence({}), "[pad_sequence] expected at least one tensor, got none");
  CHECK_ERROR(pad_sequence({ones({2, 3}), ones({2, 4})}),
              "expected tensors that differ in dimension 0 only, got float32 [2, 3] and float32 "
              "[2, 4]");
  CHECK_ERROR(pad_sequence({ones({2}), ones({2, 4})}), "[2, 4]");
  CHECK_ERROR(pad_sequence({ones({2}), arange(2)}), "int64 [2]");
  CHECK_ERROR(pad_sequence({ones({2})}, {.dim = 1}), "[pad_sequence]");
}
