#include "reel/kernels/copy.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

using namespace reel;
using namespace reel::kernels;

namespace {

struct Level {
  std::string name;
  const CopyTable* table;
};

std::vector<Level> levels() {
  std::vector<Level> result;
#if defined(__x86_64__)
  result.push_back({"v2", &v2::copy_table()});
  if (isa() >= Isa::v3) result.push_back({"v3", &v3::copy_table()});
  if (isa() >= Isa::v4) result.push_back({"v4", &v4::copy_table()});
#else
  result.push_back({"generic", &generic::copy_table()});
#endif
  return result;
}

template <class T>
std::vector<T> counted(Size n) {
  std::vector<T> x(static_cast<std::size_t>(n));
  std::iota(x.begin(), x.end(), T{});
  return x;
}

template <class T>
void check_transpose() {
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    for (Size rows : {1, 3, 8, 16, 17, 33}) {
      for (Size cols : {1, 5, 8, 16, 31, 48}) {
        const std::vector<T> x = counted<T>(rows * (cols + 2));
        std::vector<T> y(static_cast<std::size_t>(cols * (rows + 1)), T{99});
        const Transpose transpose = level.table->transpose[sizeof(T) == 1   ? 0
                                                           : sizeof(T) == 4 ? 1
                                                                            : 2];
        transpose(y.data(), rows + 1, x.data(), cols + 2, rows, cols);
        bool right = true;
        for (Size c = 0; c < cols; ++c) {
          for (Size r = 0; r < rows; ++r) {
            right &= y[static_cast<std::size_t>(c * (rows + 1) + r)] ==
                     x[static_cast<std::size_t>(r * (cols + 2) + c)];
          }
          right &= y[static_cast<std::size_t>(c * (rows + 1) + rows)] == T{99};  // not overrun
        }
        CHECK(right);
      }
    }
  }
}

template <class T>
void check_copy(const Shape& shape, const Strides& to, const Strides& from) {
  const std::vector<T> x = counted<T>(300000);
  std::vector<T> y(300000, T{77}), expected(300000, T{77});
  for (Size i = 0; i < shape.numel(); ++i) {
    Size rest = i, a = 0, b = 0;
    for (Size d = shape.size() - 1; d >= 0; --d) {
      a += rest % shape[d] * to[d];
      b += rest % shape[d] * from[d];
      rest /= shape[d];
    }
    expected[static_cast<std::size_t>(a)] = x[static_cast<std::size_t>(b)];
  }
  copy({x.data(), dtype_of<T>, shape, from}, {y.data(), dtype_of<T>, shape, to});
  CAPTURE(to_string(shape));
  CHECK(y == expected);
}

}  // namespace

TEST_CASE("tiles transpose whole and partial blocks on every instruction set") {
  check_transpose<std::uint8_t>();
  check_transpose<float>();
  check_transpose<double>();
}

TEST_CASE("copies follow any strides") {
  check_copy<float>({}, {}, {});
  check_copy<float>({3, 0}, {1, 3}, {3, 1});
  check_copy<float>({1000}, {1}, {1});
  check_copy<float>({1000}, {2}, {3});
  check_copy<float>({1000}, {1}, {0});
  check_copy<float>({100, 130}, {130, 1}, {1, 100});  // transposed
  check_copy<double>({100, 130}, {130, 1}, {1, 100});
  check_copy<std::uint8_t>({100, 130}, {130, 1}, {1, 100});
  check_copy<std::int64_t>({5, 33, 40}, {1320, 40, 1}, {1320, 1, 33});
  check_copy<float>({4, 16, 20, 30}, {9600, 1, 480, 16}, {9600, 600, 30, 1});  // to channels-last
  check_copy<float>({4, 16, 20, 30}, {9600, 600, 30, 1}, {9600, 1, 480, 16});  // and back
  check_copy<float>({2, 3, 20, 30}, {1800, 600, 30, 1}, {1800, 1, 90, 3});     // too few to tile
  check_copy<float>({300, 500}, {500, 1}, {1, 300});                           // on several threads
}

TEST_CASE("casts between all dtypes follow C++") {
  const std::vector<float> x = {-2.7f, 0, 0.5f, 3.9f};
  const Shape four{4}, square{2, 2}, one{1}, across{2, 1}, down{1, 2};
  const ConstArray from(x.data(), float32, four, one);
  std::vector<std::int64_t> i64(4);
  copy(from, {i64.data(), int64, four, one});
  CHECK(i64 == std::vector<std::int64_t>{-2, 0, 0, 3});
  std::vector<std::int32_t> i32(4);
  copy(from, {i32.data(), int32, four, one});
  CHECK(i32 == std::vector<std::int32_t>{-2, 0, 0, 3});
  std::vector<std::uint8_t> u8(4);
  copy(from, {u8.data(), uint8, four, one});
  CHECK(u8 == std::vector<std::uint8_t>{0, 0, 0, 3});
  bool flags[4];
  copy(from, {flags, bool_, four, one});
  CHECK(flags[0]);
  CHECK(!flags[1]);
  CHECK(flags[2]);
  std::vector<double> f64(4);
  copy({x.data(), float32, square, down}, {f64.data(), float64, square, across});  // transposes too
  CHECK(f64 == std::vector<double>{double(-2.7f), 0.5, 0, double(3.9f)});
  copy({flags, bool_, four, one}, {f64.data(), float64, four, one});
  CHECK(f64 == std::vector<double>{1, 0, 1, 1});
}

TEST_CASE("copies broadcast what they read") {
  const std::vector<float> x = {1, 2, 3};
  std::vector<float> y(6);
  const Shape three{3}, column{3, 1}, wide{2, 3}, tall{3, 2}, one{1}, ones{1, 1};
  const Strides by_three{3, 1}, by_two{2, 1};
  copy({x.data(), float32, three, one}, {y.data(), float32, wide, by_three});
  CHECK(y == std::vector<float>{1, 2, 3, 1, 2, 3});
  copy({x.data(), float32, column, ones}, {y.data(), float32, tall, by_two});
  CHECK(y == std::vector<float>{1, 1, 2, 2, 3, 3});
}

TEST_CASE("fill sets strided elements and leaves the others alone") {
  std::vector<float> x(12, 1.0f);
  const float value = 7;
  const Shape shape{3, 2}, strides{4, 1};
  fill(&value, {x.data(), float32, shape, strides});
  CHECK(x == std::vector<float>{7, 7, 1, 1, 7, 7, 1, 1, 7, 7, 1, 1});
}

TEST_CASE("bytes become scaled floats in one pass") {
  const std::vector<std::uint8_t> bytes = {0, 1, 128, 255, 51};
  std::vector<float> x(5);
  scale_bytes(5, x.data(), bytes.data(), 1.0f / 255);
  for (std::size_t i = 0; i < 5; ++i) CHECK(x[i] == static_cast<float>(bytes[i]) * (1.0f / 255));
}

TEST_CASE("floating-point numbers beyond an integer type become the nearest it has") {
  auto check_all = [](auto from, auto to) {
    using From = decltype(from);
    using To = decltype(to);
    constexpr From infinity = std::numeric_limits<From>::infinity();
    constexpr To least = std::numeric_limits<To>::min(), most = std::numeric_limits<To>::max();
    const From beyond = std::ldexp(From{1}, std::numeric_limits<To>::digits);
    std::vector<From> x = {std::numeric_limits<From>::quiet_NaN(),
                           infinity,
                           -infinity,
                           static_cast<From>(1e30),
                           static_cast<From>(-1e30),
                           beyond,
                           std::nextafter(beyond, From{0}),
                           static_cast<From>(least),
                           From{1.5}};
    while (x.size() < 40) x.push_back(From{100});  // so that vectors of numbers are converted too
    std::vector<To> y(x.size());
    const Shape shape{static_cast<Size>(x.size())}, one{1};
    copy({x.data(), dtype_of<From>, shape, one}, {y.data(), dtype_of<To>, shape, one});
    CHECK(y[0] == 0);
    CHECK(y[1] == most);
    CHECK(y[2] == least);
    CHECK(y[3] == most);
    CHECK(y[4] == least);
    CHECK(y[5] == most);
    CHECK(y[6] == static_cast<To>(x[6]));
    CHECK(y[7] == least);
    CHECK(y[8] == 1);
    CHECK(y[39] == 100);
  };
  auto check_to = [&](auto to) {
    check_all(float{}, to);
    check_all(double{}, to);
  };
  check_to(std::int64_t{});
  check_to(std::int32_t{});
  check_to(std::uint8_t{});
}
