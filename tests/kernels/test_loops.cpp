#include "reel/kernels/loops.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "reel/base/threads.h"
#include "reel/kernels/parallel.h"
#include "reel/kernels/pointwise.h"

using namespace reel;
using namespace reel::kernels;

namespace {

/// Puts the number of threads back.
struct ThreadsGuard {
  int before = get_num_threads();
  ~ThreadsGuard() { set_num_threads(before); }
};

/// Where the element with a row-major index lies.
Size offset_of(Size index, const Shape& shape, const Strides& strides) {
  Size offset = 0;
  for (Size d = shape.size() - 1; d >= 0; --d) {
    offset += index % shape[d] * strides[d];
    index /= shape[d];
  }
  return offset;
}

void check_add(const Shape& shape, const Strides& to, const Strides& left, const Strides& right) {
  const Size n = shape.numel();
  std::vector<float> a(200000), b(200000), y(200000, -1.0f), expected(200000, -1.0f);
  std::iota(a.begin(), a.end(), 1.0f);
  std::iota(b.begin(), b.end(), 0.5f);
  for (Size i = 0; i < n; ++i) {
    expected[static_cast<std::size_t>(offset_of(i, shape, to))] =
        a[static_cast<std::size_t>(offset_of(i, shape, left))] +
        b[static_cast<std::size_t>(offset_of(i, shape, right))];
  }
  run(find(Binary::add, float32), shape,
      {Operand{.data = y.data(), .item = 4, .strides = &to},
       Operand{.data = a.data(), .item = 4, .strides = &left},
       Operand{.data = b.data(), .item = 4, .strides = &right}});
  CAPTURE(to_string(shape));
  CHECK(y == expected);
}

}  // namespace

TEST_CASE("an elementwise loop visits every element once, whatever the layout") {
  check_add({}, {}, {}, {});
  check_add({0, 3}, {3, 1}, {3, 1}, {3, 1});
  check_add({5}, {1}, {1}, {1});
  check_add({5}, {2}, {0}, {3});
  check_add({3, 4}, {4, 1}, {4, 1}, {0, 1});                              // + row
  check_add({3, 4}, {4, 1}, {4, 1}, {1, 0});                              // + column
  check_add({3, 4}, {4, 1}, {1, 3}, {4, 1});                              // + transposed
  check_add({3, 4}, {1, 3}, {1, 3}, {1, 3});                              // all transposed
  check_add({2, 3, 4, 5}, {60, 1, 15, 3}, {60, 20, 5, 1}, {0, 1, 0, 0});  // channels-last
  check_add({2, 1, 3, 1, 4}, {12, 12, 4, 4, 1}, {12, 7, 4, 9, 1}, {12, 0, 4, 0, 1});
  check_add({2, 3, 2, 3, 2}, {36, 12, 6, 2, 1}, {1, 2, 6, 12, 36}, {0, 1, 0, 3, 0});
  check_add({2, 2, 2, 2, 2, 2, 2, 2}, {128, 64, 32, 16, 8, 4, 2, 1}, {1, 2, 4, 8, 16, 32, 64, 128},
            {128, 1, 32, 2, 8, 4, 16, 64});
}

TEST_CASE("large loops are split over threads without changing a bit") {
  const ThreadsGuard guard;
  for (int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    check_add({150001}, {1}, {1}, {1});
    check_add({400, 300}, {300, 1}, {300, 1}, {0, 1});
    check_add({300, 400}, {400, 1}, {1, 300}, {400, 1});
    check_add({2, 70000}, {70000, 1}, {70000, 1}, {0, 1});
    check_add({7, 3, 50, 100}, {15000, 5000, 100, 1}, {15000, 5000, 100, 1}, {0, 1, 0, 0});
  }
}

TEST_CASE("results larger than the caches are written whole, and nothing beside them") {
  const ThreadsGuard guard;
  const std::size_t n = (std::size_t{16} << 20) / sizeof(float) + 4099;  // and an odd rest
  std::vector<float> a(n), y(n + 3, -1.0f);
  std::iota(a.begin(), a.end(), 0.0f);
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    for (std::size_t offset : {std::size_t{0}, std::size_t{3}}) {  // on a cache line, and off it
      const float two = 2;
      std::fill(y.begin(), y.end(), -1.0f);
      run_flat(find(Binary::mul, float32), static_cast<Size>(n),
               {Operand{.data = y.data() + offset, .item = 4}, Operand{.data = a.data(), .item = 4},
                Operand{.data = &two, .item = 4, .single = true}});
      bool right = true;
      for (std::size_t i = 0; i < n; ++i) right &= y[i + offset] == 2 * a[i];
      CHECK(right);
      CHECK(y[offset == 0 ? n : 2] == -1.0f);
    }
  }
}
