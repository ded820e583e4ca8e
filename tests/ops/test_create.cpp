#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "reel/ops/ops.h"

using namespace reel;

namespace {

template <class T>
std::vector<T> values(const Tensor& x) {
  CHECK(x.is_contiguous());
  return std::vector<T>(x.data_ptr<T>(), x.data_ptr<T>() + x.numel());
}

}  // namespace

TEST_CASE("zeros, ones and full have the shape, dtype and values asked for") {
  CHECK(zeros({2, 3}).dtype() == float32);
  CHECK(values<float>(zeros({2, 2})) == std::vector<float>(4, 0));
  CHECK(values<std::int64_t>(ones(3, {.dtype = int64})) == std::vector<std::int64_t>(3, 1));
  CHECK(values<bool>(ones(2, {.dtype = bool_})) == std::vector<bool>{true, true});
  CHECK(zeros({}).numel() == 1);
  CHECK(zeros({3, 0}).shape() == Shape{3, 0});
  CHECK(values<double>(full({2}, 1.5, {.dtype = float64})) == std::vector<double>{1.5, 1.5});
}

TEST_CASE("full takes its dtype from the value") {
  CHECK(full(2, 7).dtype() == int64);
  CHECK(full(2, 7.0).dtype() == float32);
  CHECK(full(2, true).dtype() == bool_);
  CHECK(full(2, tensor(7, {.dtype = int32})).dtype() == int32);
  CHECK_THROWS_WITH_AS(full(2, tensor({1, 2})),
                       "[full] expected a value with one element, got shape [2]", Error);
  CHECK_THROWS_WITH_AS(full(2, 300, {.dtype = uint8}),
                       "[full] expected values that fit dtype uint8, got 300", Error);
}

TEST_CASE("creation can ask for gradients, of floating-point tensors only") {
  CHECK(zeros(2, {.requires_grad = true}).requires_grad());
  CHECK(tensor({1.0, 2.0}, {.requires_grad = true}).requires_grad());
  CHECK(eye(2, {.requires_grad = true}).requires_grad());
  CHECK_FALSE(zeros(2).requires_grad());
  CHECK_THROWS_WITH_AS(ones(2, {.dtype = int64, .requires_grad = true}),
                       "[requires_grad_] expected a floating-point tensor, got dtype int64", Error);
}

TEST_CASE("negative sizes are refused") {
  CHECK_THROWS_AS(zeros({2, -1}), Error);
  CHECK_THROWS_AS(eye(-1), Error);
  CHECK_THROWS_AS(linspace(0, 1, -1), Error);
}

TEST_CASE("zeros_like and its kin keep shape, dtype and memory order") {
  const Tensor like = detail::empty_strided({2, 3}, {1, 2}, float64);
  for (const Tensor& made :
       {zeros_like(like), ones_like(like), full_like(like, 2), empty_like(like)}) {
    CHECK(made.shape() == like.shape());
    CHECK(made.strides() == like.strides());
    CHECK(made.dtype() == float64);
  }
  CHECK(full_like(like, 2).data_ptr<double>()[5] == 2);
  CHECK(ones_like(like, {.dtype = int64}).dtype() == int64);
  CHECK(zeros_like(ones(2), {.requires_grad = true}).requires_grad());
  CHECK_THROWS_AS(zeros_like(Tensor()), Error);
}

TEST_CASE("arange counts from start to short of end") {
  CHECK(values<std::int64_t>(arange(4)) == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(values<std::int64_t>(arange(5, 0, -2)) == std::vector<std::int64_t>{5, 3, 1});
  CHECK(values<float>(arange(0.0, 1.0, 0.25)) == std::vector<float>{0, .25f, .5f, .75f});
  CHECK(values<float>(arange(3.0)) == std::vector<float>{0, 1, 2});
  CHECK(values<std::int32_t>(arange(2, 4, {.dtype = int32})) == std::vector<std::int32_t>{2, 3});
  CHECK(arange(0).numel() == 0);
  CHECK(arange(0.0, 1.0, 0.3).numel() == 4);
}

TEST_CASE("arange refuses steps that lead nowhere") {
  CHECK_THROWS_WITH_AS(
      arange(0, 5, 0),
      "[arange] expected a step that leads from start to end, got start 0, end 5, step 0", Error);
  CHECK_THROWS_AS(arange(0, 5, -1), Error);
  CHECK_THROWS_AS(arange(-1), Error);
  CHECK_THROWS_AS(arange(std::numeric_limits<double>::infinity()), Error);
  CHECK_THROWS_AS(arange(300, {.dtype = uint8}), Error);
}

TEST_CASE("linspace hits both ends exactly") {
  const auto points = values<double>(linspace(0.1, 0.7, 7, {.dtype = float64}));
  CHECK(points.front() == 0.1);
  CHECK(points.back() == 0.7);
  for (std::size_t i = 0; i < 7; ++i) CHECK(points[i] == doctest::Approx(0.1 * double(i + 1)));
  CHECK(values<float>(linspace(3, 5, 1)) == std::vector<float>{3});
  CHECK(linspace(3, 5, 0).numel() == 0);
}

TEST_CASE("eye has ones on its diagonal") {
  CHECK(values<float>(eye(2)) == std::vector<float>{1, 0, 0, 1});
  CHECK(values<std::int64_t>(eye(2, 3, {.dtype = int64})) ==
        std::vector<std::int64_t>{1, 0, 0, 0, 1, 0});
  CHECK(values<float>(eye(3, 2)) == std::vector<float>{1, 0, 0, 1, 0, 0});
  CHECK(eye(0).shape() == Shape{0, 0});
}

TEST_CASE("tensor takes nested braces of any depth") {
  CHECK(tensor(3).shape() == Shape{});
  CHECK(tensor({3}).shape() == Shape{1});
  CHECK(tensor({{3}}).shape() == Shape{1, 1});
  CHECK(tensor({}).shape() == Shape{0});
  CHECK(tensor({{}, {}}).shape() == Shape{2, 0});
  CHECK(tensor({{1, 2, 3}, {4, 5, 6}}).shape() == Shape{2, 3});
  CHECK(tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}).shape() == Shape{2, 2, 2});
  const Tensor four = tensor({{{{1, 2}}, {{3, 4}}}, {{{5, 6}}, {{7, 8}}}});
  CHECK(four.shape() == Shape{2, 2, 1, 2});
  CHECK(values<std::int64_t>(four) == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(tensor({{{{{1}}}}}).shape() == Shape{1, 1, 1, 1, 1});
}

TEST_CASE("tensor takes its dtype from the kind of its values") {
  CHECK(tensor({1, 2}).dtype() == int64);
  CHECK(tensor({1.0, 2.0}).dtype() == float32);
  CHECK(tensor({1.f}).dtype() == float32);
  CHECK(tensor({true, false}).dtype() == bool_);
  CHECK(tensor(true).dtype() == bool_);
  CHECK(tensor({}).dtype() == float32);
  CHECK(tensor({1, 2}, {.dtype = float64}).dtype() == float64);
  CHECK(values<float>(tensor({{1, 2.5}, {true, 'a'}})) == std::vector<float>{1, 2.5f, 1, 97});
  CHECK(values<std::int64_t>(tensor({true, 2})) == std::vector<std::int64_t>{1, 2});
  CHECK(values<bool>(tensor({0, 2}, {.dtype = bool_})) == std::vector<bool>{false, true});
  const std::int64_t large = (std::int64_t{1} << 62) + 1;
  CHECK(tensor({large}).item<std::int64_t>() == large);
}

TEST_CASE("tensor copies ranges of numbers and ranges of those") {
  const std::vector<double> vector{1, 2};
  CHECK(values<float>(tensor(vector)) == std::vector<float>{1, 2});
  CHECK(values<double>(tensor(vector, {.dtype = float64})) == vector);
  CHECK(values<std::int64_t>(tensor(std::array{1, 2, 3})) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(tensor(std::span<const double>(vector)).shape() == Shape{2});
  CHECK(tensor(std::vector<std::vector<float>>{{1, 2}, {3, 4}, {5, 6}}).shape() == Shape{3, 2});
  CHECK(tensor({vector, vector}).shape() == Shape{2, 2});
  CHECK(values<bool>(tensor(std::vector<bool>{true, false})) == std::vector<bool>{true, false});
  CHECK(values<std::int64_t>(tensor(zeros({2, 3}).shape())) == std::vector<std::int64_t>{2, 3});
  CHECK(tensor(std::vector<std::uint8_t>{255}).item<int>() == 255);
  CHECK(tensor(std::vector<short>{-3}).item<int>() == -3);
}

TEST_CASE("tensor refuses ragged braces and values that do not fit") {
  CHECK_THROWS_WITH_AS(tensor({{1, 2}, {1, 2, 3}}),
                       "[tensor] expected rows of equal length, got 2 and 3", Error);
  CHECK_THROWS_WITH_AS(tensor({{{1, 2}, {3, 4}}, {{1}, {2}}}),
                       "[tensor] expected rows of equal length, got 2 and 1", Error);
  CHECK_THROWS_WITH_AS(tensor({{1, 2}, 3}),
                       "[tensor] expected rows of equal depth, got 1 and 0 dimensions", Error);
  CHECK_THROWS_WITH_AS(tensor({1, 256}, {.dtype = uint8}),
                       "[tensor] expected values that fit dtype uint8, got 256", Error);
  CHECK_THROWS_AS(tensor({-1}, {.dtype = uint8}), Error);
  CHECK_THROWS_AS(tensor({std::nan("")}, {.dtype = int64}), Error);
  CHECK_THROWS_AS(tensor({1e30}, {.dtype = int64}), Error);
}

TEST_CASE("from_blob shares the memory and hands it back") {
  std::vector<float> memory{1, 2, 3, 4};
  {
    const Tensor shared = from_blob(memory.data(), {2, 2});
    CHECK(shared.dtype() == float32);
    shared.data_ptr<float>()[3] = 9;
    CHECK(memory[3] == 9);
  }
  int deleted = 0;
  {
    auto* numbers = new std::int64_t[3]{1, 2, 3};
    Tensor row;
    {
      const Tensor owner = from_blob(numbers, 3, [&](std::int64_t* data) {
        ++deleted;
        delete[] data;
      });
      CHECK(owner.dtype() == int64);
      row = owner.detach();
    }
    CHECK(deleted == 0);
    CHECK(row.data_ptr<std::int64_t>()[2] == 3);
  }
  CHECK(deleted == 1);
}

TEST_CASE("from_blob takes raw memory with a dtype, and refuses what it cannot use") {
  alignas(8) std::byte raw[16] = {};
  void* data = raw;
  CHECK(from_blob(data, 2, {.dtype = int64}).dtype() == int64);
  CHECK(from_blob(data, 2).dtype() == float32);
  CHECK_THROWS_WITH_AS(from_blob(static_cast<float*>(nullptr), 2),
                       "[from_blob] expected memory for shape [2], got a null pointer", Error);
  void* odd = raw + 1;
  CHECK_THROWS_AS(from_blob(odd, 1), Error);
  CHECK_THROWS_AS(from_blob(data, -1), Error);
  int deleted = 0;
  CHECK_THROWS_AS(from_blob(odd, 1, [&](void*) { ++deleted; }), Error);
  CHECK_THROWS_AS(
      from_blob(data, 1, [&](void*) { ++deleted; }, {.dtype = int64, .requires_grad = true}),
      Error);
  CHECK(deleted == 0);
}

TEST_CASE("arange counts large integers exactly") {
  constexpr std::int64_t big = (std::int64_t{1} << 53) + 1;
  using Longs = std::vector<std::int64_t>;
  CHECK(values<std::int64_t>(arange(big, big + 3)) == Longs{big, big + 1, big + 2});
  const std::int64_t far = std::int64_t{1} << 60;
  CHECK(arange(far, far + 10).numel() == 10);
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  CHECK(values<std::int64_t>(arange(least, most, most)) == Longs{least, -1, most - 1});
  CHECK(values<std::int64_t>(arange(most, least, least)) == Longs{most, -1});
  CHECK(values<std::int64_t>(arange(most - 1, most)) == Longs{most - 1});
  CHECK_THROWS_AS(arange(least, most), Error);
}

TEST_CASE("what the user called is what a message names") {
  const Shape bad{2, -1};
  auto says = [](const char* text) { return doctest::Contains(text); };
  CHECK_THROWS_WITH_AS(zeros(bad), says("[zeros] expected sizes of 0 or more"), Error);
  CHECK_THROWS_WITH_AS(ones(bad), says("[ones]"), Error);
  CHECK_THROWS_WITH_AS(full(bad, 1), says("[full]"), Error);
  CHECK_THROWS_WITH_AS(eye(-1), says("[eye]"), Error);
  CHECK_THROWS_WITH_AS(linspace(0, 1, -1), says("[linspace]"), Error);
  CHECK_THROWS_WITH_AS(zeros({Size{1} << 40, Size{1} << 40}), says("[zeros] expected at most 2^48"),
                       Error);
}

TEST_CASE("from_blob checks sizes and bools") {
  float one = 0;
  constexpr Size wide = Size{1} << 32;
  CHECK_THROWS_WITH_AS(from_blob(&one, {wide, wide}),
                       doctest::Contains("[from_blob] expected at most 2^48 elements"), Error);
  unsigned char bytes[] = {0, 1, 2, 255};
  CHECK(from_blob(reinterpret_cast<bool*>(bytes), 2).sum().item() == 1);
  CHECK_THROWS_WITH_AS(
      from_blob(reinterpret_cast<bool*>(bytes), 4),
      doctest::Contains("[from_blob] expected bools of bytes 0 and 1, got 2 at position 2"), Error);
  // What is written there later is no bool, but is at least not counted for more than one.
  const Tensor mask = from_blob(reinterpret_cast<bool*>(bytes), 2);
  bytes[0] = 255;
  CHECK(nonzero(mask).shape() == Shape{2, 1});
}
