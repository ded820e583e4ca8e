#include "reel/datasets/dataset.h"

#include <doctest/doctest.h>

#include <exception>
#include <new>
#include <stdexcept>

#include "support/temp_folder.h"

using namespace reel;
using reel::testing::error_of;

namespace {

/// The least that is a data set: i and its square.
struct Squares {
  Size count = 10;
  Size size() const { return count; }
  std::pair<Size, double> get(Size i) const { return {i, static_cast<double>(i * i)}; }
};

struct Point {
  Size x, y;
};
struct PointBatch {
  std::vector<Point> points;
};
PointBatch collate(const std::vector<Point>& points) { return {points}; }

/// A data set of a sample type of its own.
struct Points {
  Size size() const { return 3; }
  Point get(Size i) const { return {i, -i}; }
};

static_assert(Dataset<Squares> && HasGet<Squares> && !HasBatch<Squares>);
static_assert(Dataset<TensorDataset<2>> && HasBatch<TensorDataset<2>>);
static_assert(!Dataset<int> && !Dataset<std::vector<int>>);

template <class T = Size>
std::vector<T> values_of(const Tensor& t) {
  return std::vector<T>(t.data_ptr<T>(), t.data_ptr<T>() + t.numel());
}

using Indices = std::vector<Size>;

/// The numbers 0 to n-1 and, as rows of two, 10 i and 10 i + 1.
TensorDataset<2> numbered(Size n) {
  const Tensor numbers = arange(n), rows = empty({n, 2});
  for (Size i = 0; i < 2 * n; ++i)
    rows.data_ptr<float>()[i] = static_cast<float>(i / 2 * 10 + i % 2);
  return TensorDataset{rows, numbers};
}

}  // namespace

TEST_CASE("TensorDataset hands out rows of its tensors") {
  const TensorDataset set = numbered(5);
  CHECK(set.size() == 5);
  const auto [row, number] = set.get(3);
  CHECK(row.shape() == Shape{2});
  CHECK(values_of<float>(row) == std::vector<float>{30, 31});
  CHECK(number.shape() == Shape{});
  CHECK(number.item<int>() == 3);
  const auto [rows, numbers] = set.batch(Indices{4, 0, 4});
  CHECK(rows.shape() == Shape{3, 2});
  CHECK(values_of<float>(rows) == std::vector<float>{40, 41, 0, 1, 40, 41});
  CHECK(values_of(numbers) == Indices{4, 0, 4});
  const auto [no_rows, no_numbers] = set.batch(Indices{});
  CHECK(no_rows.shape() == Shape{0, 2});
  CHECK(no_numbers.shape() == Shape{0});
}

TEST_CASE("TensorDataset takes any number of tensors, and views") {
  const Tensor matrix = tensor({{1, 2, 3}, {4, 5, 6}});
  const TensorDataset one{matrix.t()};
  CHECK(one.size() == 3);
  CHECK(values_of(one.batch(Indices{2, 0})[0]) == Indices{3, 6, 1, 4});
  const TensorDataset three{matrix, tensor({true, false}), tensor({1, 2}, {.dtype = uint8})};
  CHECK(values_of<bool>(three.get(1)[1]) == std::vector<bool>{false});
}

TEST_CASE("TensorDataset's batches are copies outside the tape") {
  const Tensor data = ones({3, 2}, {.requires_grad = true});
  const TensorDataset set{data};
  const auto [batch] = set.batch(Indices{0, 1});
  CHECK(!batch.requires_grad());
  batch.data_ptr<float>()[0] = 7;
  CHECK(data.data_ptr<float>()[0] == 1);
}

TEST_CASE("TensorDataset refuses tensors of different length and indices out of range") {
  CHECK_ERROR(TensorDataset(empty({6, 28, 28}), empty(5)),
              "[TensorDataset] expected tensors of equal first dimension, got [6, 28, 28] and [5]");
  CHECK_ERROR(TensorDataset(Tensor(1.0)),
              "[TensorDataset] expected tensors of equal first dimension, got []");
  const TensorDataset set = numbered(5);
  CHECK_ERROR(set.get(5), "[TensorDataset] expected an index in [0, 5), got 5");
  CHECK_ERROR(set.get(-1), "[TensorDataset] expected an index in [0, 5), got -1");
  CHECK_ERROR(set.batch(Indices{0, 7}), "[TensorDataset] expected an index in [0, 5), got 7");
}

TEST_CASE("samples of numbers, tensors and nested tuples become batches") {
  const auto [numbers, squares] = batch_of(Squares{}, Indices{2, 3});
  CHECK(numbers.dtype() == int64);
  CHECK(values_of(numbers) == Indices{2, 3});
  CHECK(squares.dtype() == float32);
  CHECK(values_of<float>(squares) == std::vector<float>{4, 9});

  using Sample = std::tuple<Tensor, std::array<int, 2>>;
  const std::vector<Sample> samples{{tensor({1, 2}), {3, 4}}, {tensor({5, 6}), {7, 8}}};
  const auto [tensors, pair] = collate(samples);
  CHECK(tensors.shape() == Shape{2, 2});
  CHECK(values_of(tensors) == Indices{1, 2, 5, 6});
  CHECK(values_of(std::get<1>(pair)) == Indices{4, 8});

  CHECK(batch_of(Points{}, Indices{1, 2}).points[1].y == -2);
  CHECK_THROWS_AS(collate(std::vector<Tensor>{ones(2), ones(3)}), Error);
}

TEST_CASE("Subset is some samples of another set") {
  const Subset subset{numbered(6), Indices{5, 1, 1}};
  CHECK(subset.size() == 3);
  CHECK(subset.get(0)[1].item<int>() == 5);
  CHECK(values_of(subset.batch(Indices{2, 0})[1]) == Indices{1, 5});
  const Subset deeper{subset, Indices{0}};
  CHECK(values_of(deeper.batch(Indices{0})[1]) == Indices{5});
  CHECK_ERROR((Subset{numbered(6), Indices{0, 6}}), "[Subset] expected an index in [0, 6), got 6");
  CHECK_ERROR(subset.get(3), "[Subset] expected an index in [0, 3), got 3");
  CHECK_ERROR(subset.batch(Indices{-1}), "[Subset] expected an index in [0, 3), got -1");
}

TEST_CASE("ConcatDataset is several sets one after another") {
  const ConcatDataset set{numbered(3), numbered(0), Subset{numbered(9), Indices{7, 8}}};
  CHECK(set.size() == 5);
  const auto [rows, numbers] = set.batch(Indices{4, 0, 3, 2, 4});
  CHECK(values_of(numbers) == Indices{8, 0, 7, 2, 8});
  CHECK(values_of<float>(rows) == std::vector<float>{80, 81, 0, 1, 70, 71, 20, 21, 80, 81});
  CHECK(values_of(set.batch(Indices{2, 1})[1]) == Indices{2, 1});
  CHECK(values_of(set.batch(Indices{4, 3})[1]) == Indices{8, 7});
  CHECK(set.batch(Indices{})[0].shape() == Shape{0, 2});
  CHECK_ERROR(set.batch(Indices{5}), "[ConcatDataset] expected an index in [0, 5), got 5");
  CHECK(set.get(3)[1].item<int>() == 7);
  CHECK(set.get(1)[1].item<int>() == 1);
  CHECK_ERROR(set.get(-1), "[ConcatDataset] expected an index in [0, 5), got -1");
  CHECK(ConcatDataset{Squares{2}, Squares{3}}.get(4).first == 2);
  CHECK(values_of(std::get<0>(ConcatDataset{Squares{2}, Squares{3}}.batch(Indices{4, 1, 2}))) ==
        Indices{2, 1, 0});
}

TEST_CASE("transform shows a set through a function of whole batches") {
  int calls = 0;
  const auto swapped = transform(numbered(4), [&](const Tensor& rows, const Tensor& numbers) {
    ++calls;
    return std::tuple{numbers, rows};
  });
  static_assert(Dataset<decltype(swapped)>);
  CHECK(swapped.size() == 4);
  const auto [numbers, rows] = swapped.batch(Indices{3, 1});
  CHECK(values_of(numbers) == Indices{3, 1});
  CHECK(rows.shape() == Shape{2, 2});
  CHECK(calls == 1);
}

TEST_CASE("what get throws names the sample") {
  struct Faulty {
    int kind = 0;
    Size size() const { return 5; }
    Size get(Size i) const {
      if (i != 3) return i;
      if (kind == 0) return tensor({1, 2}).item<Size>();
      if (kind == 1) throw std::out_of_range("no such row");
      throw std::bad_alloc();
    }
  };
  CHECK(batch_of(Faulty{}, Indices{0, 4}).numel() == 2);
  CHECK_ERROR(batch_of(Faulty{0}, Indices{0, 3}), "\n  in sample 3");
  CHECK_ERROR(batch_of(Subset{Faulty{0}, Indices{0, 3}}, Indices{1}), "\n  in sample 3");
  CHECK_ERROR(batch_of(Faulty{1}, Indices{3}), "[get] expected sample 3, got \"no such row\"");
  CHECK_THROWS_AS(batch_of(Faulty{2}, Indices{3}), std::bad_alloc);
  try {
    batch_of(Faulty{1}, Indices{3});
  } catch (const Error& error) {
    CHECK_THROWS_AS(std::rethrow_if_nested(error), std::out_of_range);
  }
  // What is thrown later is no sample's.
  CHECK(error_of([] { ones({2}).item(); }).find("in sample") == std::string::npos);
}
