#include "reel/ops/matmul/matmul.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/base/threads.h"
#include "reel/kernels/gemm.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

using detail::readable;
using detail::writable;

Tensor normal(const Shape& shape, DType dtype = float64) {
  return randn(shape, {.dtype = dtype}).requires_grad_(is_floating(dtype));
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  if (a.numel() == 0) return 0;
  const NoGradGuard no_grad;
  return abs(a.to(float64) - b.to(float64)).max().item();
}

/// sum over k of a[.., i, k] b[.., k, j], one broadcast multiplication and a sum.
Tensor slow_matmul(const Tensor& a, const Tensor& b) {
  return (a.unsqueeze(-1) * b.unsqueeze(-3)).sum(-2);
}

/// The product row by row.
Tensor by_rows(const Tensor& a, const Tensor& b) {
  std::vector<Tensor> rows;
  for (Size i = 0; i < a.size(0); ++i) rows.push_back(matmul(a.narrow(0, i, 1), b));
  return cat(rows);
}

void check_gradients(auto f, const auto&... inputs) {
  CHECK(gradcheck(f, inputs...));
  CHECK(gradgradcheck(f, inputs...));
}

}  // namespace

TEST_CASE("matmul multiplies matrices of every number dtype") {
  for (const DType dtype : {float32, float64, int64, int32, uint8}) {
    const Tensor a = tensor({{1, 2, 3}, {4, 5, 6}}, {.dtype = dtype});
    const Tensor b = tensor({{7, 8}, {9, 10}, {11, 12}}, {.dtype = dtype});
    const Tensor c = matmul(a, b);
    CHECK(c.dtype() == dtype);
    CHECK(largest_difference(c, tensor({{58, 64}, {139, 154}})) == 0);
  }
}

TEST_CASE("matmul takes vectors as rows and columns, and broadcasts batches") {
  manual_seed(1);
  CHECK(matmul(normal({5}), normal({5})).shape() == Shape{});
  CHECK(matmul(normal({5}), normal({5, 4})).shape() == Shape{4});
  CHECK(matmul(normal({3, 5}), normal({5})).shape() == Shape{3});
  CHECK(matmul(normal({5}), normal({2, 5, 4})).shape() == Shape{2, 4});
  CHECK(matmul(normal({2, 3, 5}), normal({5})).shape() == Shape{2, 3});
  struct Case {
    Shape a, b;
  };
  for (const Case& c : {Case{{3, 5}, {5, 4}},
                        {{2, 3, 5}, {5, 4}},
                        {{3, 5}, {2, 5, 4}},
                        {{2, 3, 5}, {2, 5, 4}},
                        {{2, 1, 3, 5}, {4, 5, 2}},
                        {{1, 3, 5}, {6, 5, 1}}}) {
    const Tensor a = normal(c.a), b = normal(c.b);
    CAPTURE(c.a);
    CAPTURE(c.b);
    CHECK(largest_difference(matmul(a, b), slow_matmul(a, b)) < 1e-13);
  }
}

TEST_CASE("matmul has gradients of gradients for every pair of ranks") {
  manual_seed(2);
  const auto f = [](const Tensor& a, const Tensor& b) { return matmul(a, b); };
  check_gradients(f, normal({3}), normal({3}));
  check_gradients(f, normal({3}), normal({3, 2}));
  check_gradients(f, normal({2, 3}), normal({3}));
  check_gradients(f, normal({2, 3}), normal({3, 4}));
  check_gradients(f, normal({2, 2, 3}), normal({3, 2}));
  check_gradients(f, normal({2, 3}), normal({2, 3, 2}));
  check_gradients(f, normal({3}), normal({2, 3, 2}));
  check_gradients(f, normal({2, 1, 2, 3}), normal({2, 3, 1}));
}

TEST_CASE("matmul reads transposed, sliced and expanded tensors") {
  manual_seed(3);
  const Tensor a = normal({12, 20}, float32), b = normal({12, 20}, float32);
  const Tensor c = normal({20}, float32).expand({12, 20});
  for (const Tensor& x : {a, a.slice(1, 0, 20, 2).expand({12, 10}), a.narrow(1, 3, 7), c}) {
    for (const Tensor& y : {b, b.narrow(0, 0, 12).slice(0, 0, 12, 1), b.narrow(1, 2, 9), c}) {
      CHECK(largest_difference(matmul(x.t(), y), slow_matmul(x.t(), y)) < 1e-4);
      CHECK(largest_difference(matmul(y.t(), x), slow_matmul(y.t(), x)) < 1e-4);
      CHECK(largest_difference(matmul(x.t().contiguous(), y), matmul(x.t(), y)) < 1e-4);
    }
  }
  const Tensor batch = normal({4, 6, 5}, float32);
  CHECK(largest_difference(matmul(batch.transpose(1, 2), batch),
                           slow_matmul(batch.transpose(1, 2), batch)) < 1e-4);
  CHECK(largest_difference(matmul(batch.transpose(0, 1), batch.select(0, 0).t()),
                           slow_matmul(batch.transpose(0, 1), batch.select(0, 0).t())) < 1e-4);
}

TEST_CASE("a batch that is one matrix again and again is read as that matrix") {
  manual_seed(6);
  const Tensor a = normal({3, 4}), b = normal({4, 5}), c = normal({2, 4, 5}), row = normal({1, 4});
  const auto repeated = [](const Tensor& x) { return x.expand({2, x.size(0), x.size(1)}); };
  CHECK(largest_difference(matmul(repeated(a), repeated(b)),
                           slow_matmul(repeated(a), repeated(b))) < 1e-12);
  CHECK(largest_difference(matmul(repeated(a), c), slow_matmul(repeated(a), c)) < 1e-12);
  CHECK(largest_difference(matmul(c, repeated(b.t())), slow_matmul(c, repeated(b.t()))) < 1e-12);
  CHECK(largest_difference(matmul(c, b.t().expand({3, 1, 5, 4})),
                           slow_matmul(c, b.t().expand({3, 1, 5, 4}))) < 1e-12);
  const auto f = [&](const Tensor& x, const Tensor& y, const Tensor& u, const Tensor& v) {
    return matmul(repeated(x), repeated(y)) * matmul(repeated(u), v);
  };
  CHECK(gradcheck(f, a, b, row, c));
  CHECK(gradgradcheck(f, a, b, row, c));
}

TEST_CASE("matmul agrees with the sums it stands for at all sizes, on one thread and two") {
  manual_seed(4);
  const int threads = get_num_threads();
  struct Case {
    Size m, n, k;
  };
  for (const Case& c : {Case{1, 1, 1},
                        {4, 4, 4},
                        {8, 9, 7},
                        {1, 100, 70},
                        {100, 1, 70},
                        {33, 17, 129},
                        {1, 130, 300},
                        {128, 96, 200},
                        {2, 3, 1000}}) {
    const Tensor a = normal({c.m, c.k}), b = normal({c.k, c.n});
    const Tensor exact = slow_matmul(a, b);
    const Tensor a32 = a.detach().to(float32), b32 = b.detach().to(float32);
    CAPTURE(c.m);
    CAPTURE(c.n);
    CAPTURE(c.k);
    CHECK(largest_difference(matmul(a, b), exact) < 1e-11);
    set_num_threads(1);
    const Tensor one = matmul(a32, b32);
    CHECK(largest_difference(one, exact) < 1e-4);
    set_num_threads(2);
    CHECK(largest_difference(one, matmul(a32, b32)) == 0);
    CHECK(largest_difference(matmul(a32.t().contiguous().t(), b32), exact) < 1e-4);
    CHECK(largest_difference(matmul(a32, b32.t().contiguous().t()), exact) < 1e-4);
  }
  set_num_threads(threads);
}

TEST_CASE("products that threads share give the same bits with any number of them") {
  manual_seed(6);
  const int threads = get_num_threads();
  struct Case {
    Size m, n, k;
  };
  // Some with rows of a multiple of 512 elements, which are copied where they are read row by row.
  for (const Case& c :
       {Case{300, 700, 200}, {256, 512, 512}, {64, 1024, 300}, {512, 80, 1024}, {777, 129, 65}}) {
    for (const DType dtype : {float32, float64}) {
      for (const bool transposed_a : {false, true}) {
        for (const bool transposed_b : {false, true}) {
          const Tensor a = transposed_a ? randn({c.k, c.m}, {.dtype = float64}).t()
                                        : randn({c.m, c.k}, {.dtype = float64});
          const Tensor b = transposed_b ? randn({c.n, c.k}, {.dtype = float64}).t()
                                        : randn({c.k, c.n}, {.dtype = float64});
          const Tensor bias = randn({c.n}, {.dtype = float64});
          const Tensor left = a.to(dtype), right = b.to(dtype), added = bias.to(dtype);
          auto all = [&] {
            const Tensor sum = ones({c.m, c.n}, {.dtype = dtype});
            const Tensor shifted = empty({c.m, c.n}, {.dtype = dtype});
            kernels::gemm(readable(left), readable(right), writable(sum), {.accumulate = true});
            kernels::gemm(readable(left), readable(right), writable(shifted),
                          {.bias = readable(added)});
            return std::vector<Tensor>{sum, shifted};
          };
          set_num_threads(1);
          const Tensor exact = by_rows(a, b);
          const std::vector<Tensor> one = all();
          CHECK(largest_difference(one[0], exact + 1) < 1e-3);
          CHECK(largest_difference(one[1], exact + bias) < 1e-3);
          for (const int count : {2, 3, 8}) {
            set_num_threads(count);
            const std::vector<Tensor> found = all();
            CHECK(largest_difference(found[0], one[0]) == 0);
            CHECK(largest_difference(found[1], one[1]) == 0);
          }
        }
      }
    }
  }
  set_num_threads(threads);
}

TEST_CASE("gemm adds a bias and accumulates") {
  manual_seed(5);
  for (const DType dtype : {float32, float64}) {
    for (const Size m : {Size{1}, Size{3}, Size{40}}) {
      const Tensor a = normal({m, 30}, dtype).detach(), b = normal({30, 50}, dtype).detach();
      const Tensor bias = normal({50}, dtype).detach(), product = matmul(a, b);
      const Tensor c = ones({m, 50}, {.dtype = dtype});
      kernels::gemm(readable(a), readable(b), writable(c), {.bias = readable(bias)});
      CHECK(largest_difference(c, product + bias) < 1e-4);
      c.fill_(2);
      kernels::gemm(readable(a), readable(b), writable(c), {.accumulate = true});
      CHECK(largest_difference(c, product + 2) < 1e-4);
      c.fill_(2);
      const Tensor rows = b.t().contiguous();
      kernels::gemm(readable(a), readable(rows), writable(c),
                    {.b_transposed = true, .accumulate = true});
      CHECK(largest_difference(c, product + 2) < 1e-4);
    }
  }
}

TEST_CASE("products of empty tensors are empty or zero") {
  CHECK(matmul(zeros({0, 3}), zeros({3, 2})).shape() == Shape{0, 2});
  CHECK(matmul(zeros({2, 0}), zeros({0, 3})).sum().item() == 0);
  CHECK(matmul(zeros({2, 0}), zeros({0, 3})).shape() == Shape{2, 3});
  CHECK(matmul(zeros({0, 2, 3}), zeros({3, 4})).shape() == Shape{0, 2, 4});
  CHECK(matmul(zeros({0}), zeros({0})).item() == 0);
  const Tensor w = ones({3, 4}).requires_grad_();
  matmul(zeros({0, 2, 3}), w).sum().backward();
  CHECK(largest_difference(w.grad(), zeros({3, 4})) == 0);
  const Tensor v = ones({4, 3}).requires_grad_();
  linear(zeros({0, 3}), v).sum().backward();
  CHECK(largest_difference(v.grad(), zeros({4, 3})) == 0);
}

TEST_CASE("mm, bmm, dot, outer and addmm are strict about ranks") {
  manual_seed(6);
  const Tensor a = normal({2, 3}), b = normal({3, 2}), c = normal({4, 2, 3}), d = normal({4, 3, 5});
  const Tensor u = normal({3}), v = normal({3});
  CHECK(largest_difference(mm(a, b), slow_matmul(a, b)) < 1e-14);
  CHECK(largest_difference(bmm(c, d), slow_matmul(c, d)) < 1e-14);
  CHECK(dot(u, v).item() == doctest::Approx((u * v).sum().item()));
  CHECK(largest_difference(outer(u, v), u.unsqueeze(1) * v) == 0);
  CHECK(largest_difference(addmm(normal({2}).detach() * 0 + 1, a, b, {.beta = 3, .alpha = 2}),
                           slow_matmul(a, b) * 2 + 3) < 1e-14);
  check_gradients([](const Tensor& x, const Tensor& y) { return mm(x, y); }, a, b);
  check_gradients([](const Tensor& x, const Tensor& y) { return bmm(x, y); }, normal({2, 2, 3}),
                  normal({2, 3, 2}));
  check_gradients([](const Tensor& x, const Tensor& y) { return dot(x, y); }, u, v);
  check_gradients([](const Tensor& x, const Tensor& y) { return outer(x, y); }, u, v);
  check_gradients([](const Tensor& x, const Tensor& y, const Tensor& z) { return addmm(x, y, z); },
                  normal({2}), a, b);
  CHECK_THROWS_WITH_AS(mm(u, a), "[mm] expected a tensor with 2 dimensions, got shape [3]", Error);
  CHECK_THROWS_WITH_AS(bmm(c, a), "[bmm] expected a tensor with 3 dimensions, got shape [2, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(dot(a, u), "[dot] expected a tensor with 1 dimension, got shape [2, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(outer(a, u), "[outer] expected a tensor with 1 dimension, got shape [2, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(bmm(c, normal({3, 3, 5})),
                       "[bmm] expected batches of one size, got shapes [4, 2, 3] and [3, 3, 5]",
                       Error);
}

TEST_CASE("matmul says what does not fit") {
  CHECK_THROWS_WITH_AS(matmul(zeros({2, 3}), zeros({2, 3})),
                       "[matmul] expected inner sizes to be equal, got shapes [2, 3] and [2, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(matmul(zeros({}), zeros({3})),
                       "[matmul] expected tensors with at least 1 dimension, got shapes [] and [3]",
                       Error);
  CHECK_THROWS_WITH_AS(matmul(zeros({3}), zeros(3, {.dtype = float64})),
                       "[matmul] expected a and b of one dtype, got float32 and float64\n"
                       "help: a.to(float64)",
                       Error);
  CHECK_THROWS_WITH_AS(matmul(zeros(3, {.dtype = bool_}), zeros(3, {.dtype = bool_})),
                       "[matmul] expected a dtype of numbers, got bool", Error);
  CHECK_THROWS_WITH_AS(matmul(zeros({2, 4, 3}), zeros({3, 3, 4})),
                       "[matmul] expected batches that broadcast together, got shapes [2, 4, 3] "
                       "and [3, 3, 4]",
                       Error);
  CHECK_THROWS_WITH_AS(
      matmul(zeros({5, 2, 3}), zeros({6, 4})),
      "[matmul] expected inner sizes to be equal, got shapes [5, 2, 3] and [6, 4]\n"
      "help: a.flatten(1)",
      Error);
  CHECK_THROWS_WITH_AS(matmul(zeros({2, 3}, {.dtype = int64}), zeros({3, 3})),
                       doctest::Contains("got int64 and float32\nhelp: a.to(float32)"), Error);
  CHECK_THROWS_WITH_AS(addmm(zeros(3), zeros({2, 3}), zeros({2, 3})),
                       doctest::Contains("[addmm] expected inner sizes"), Error);
  CHECK_THROWS_AS(matmul(Tensor(), zeros({3})), Error);
}

TEST_CASE("linear is x W^T + bias for any leading dimensions") {
  manual_seed(7);
  const Tensor w = normal({4, 3}), b = normal({4});
  for (const Shape& shape : {Shape{3}, Shape{5, 3}, Shape{2, 5, 3}, Shape{0, 3}}) {
    const Tensor x = normal(shape);
    CHECK(largest_difference(linear(x, w, b), matmul(x, w.t()) + b) < 1e-14);
    CHECK(largest_difference(linear(x, w), matmul(x, w.t())) < 1e-14);
    if (x.numel() == 0) continue;
    check_gradients(
        [](const Tensor& x_, const Tensor& w_, const Tensor& b_) { return linear(x_, w_, b_); }, x,
        w, b);
  }
  check_gradients([](const Tensor& x_, const Tensor& w_) { return linear(x_, w_); }, normal({2, 3}),
                  w);
  const Tensor columns = normal({3, 6}, float32), w32 = w.detach().to(float32);
  CHECK(largest_difference(linear(columns.t(), w32), matmul(columns.t(), w32.t())) < 1e-5);
}

TEST_CASE("linear says what does not fit") {
  CHECK_THROWS_WITH_AS(
      linear(zeros({2, 5}), zeros({4, 3})),
      "[linear] expected input of shape [.., 3] to match weight [4, 3], got [2, 5]", Error);
  CHECK_THROWS_WITH_AS(linear(zeros({2, 3}), zeros({4, 3}), zeros({3})),
                       "[linear] expected bias of shape [4] to match weight [4, 3], got [3]",
                       Error);
  CHECK_THROWS_WITH_AS(linear(zeros({}), zeros({4, 3})),
                       "[linear] expected input [.., in] and weight [out, in], got [] and [4, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(linear(zeros({2, 3}), zeros({4, 3}, {.dtype = float64})),
                       "[linear] expected input and weight of one dtype, got float32 and float64\n"
                       "help: input.to(float64)",
                       Error);
  const Tensor w = zeros({10, 784});
  const auto says = [](auto f, const char* text) { CHECK_THROWS_WITH_AS(f(), text, Error); };
  says(
      [&] {
        linear(zeros({32, 1, 28, 28}), w);
      },
      "[linear] expected input of shape [.., 784] to match weight [10, 784], got [32, 1, 28, 28]\n"
      "help: x.flatten(1)");
  says(
      [&] {
        linear(zeros({8, 4, 28, 28}), w);
      },
      "[linear] expected input of shape [.., 784] to match weight [10, 784], got [8, 4, 28, 28]\n"
      "help: x.flatten(2)");
  says(
      [&] {
        linear(zeros({28, 28}), w);
      },
      "[linear] expected input of shape [.., 784] to match weight [10, 784], got [28, 28]\n"
      "help: for one sample x.unsqueeze(0).flatten(1)");
  says(
      [&] {
        linear(zeros({5, 784}, {.dtype = uint8}), w);
      },
      "[linear] expected input and weight of one dtype, got uint8 and float32\n"
      "help: input.to(float32)");
  says(
      [&] {
        linear(zeros({5, 784}), w, zeros(10, {.dtype = float64}));
      },
      "[linear] expected bias and input of one dtype, got float64 and float32\n"
      "help: bias.to(float32)");
}

TEST_CASE("a ReLU in the place of what linear gave equals the two apart") {
  manual_seed(8);
  const Tensor x = normal({6, 5}), w = normal({4, 5}), b = normal({4});
  const Tensor z = linear(x, w, b);
  CHECK(largest_difference(relu(linear(x, w, b)), relu(z)) == 0);
  check_gradients(
      [](const Tensor& x_, const Tensor& w_, const Tensor& b_) { return relu(linear(x_, w_, b_)); },
      x, w, b);
  const Tensor x32 = normal({64, 50}, float32), w32 = normal({30, 50}, float32),
               b32 = normal({30}, float32);
  const Tensor dy = randn({64, 30});
  const auto fused = grad({relu(linear(x32, w32, b32))}, {x32, w32, b32}, {.grad_outputs = {dy}});
  const Tensor z32 = linear(x32, w32, b32);
  const auto plain = grad({relu(z32)}, {x32, w32, b32}, {.grad_outputs = {dy}});
  for (std::size_t i = 0; i < 3; ++i) CHECK(largest_difference(fused[i], plain[i]) == 0);
}

TEST_CASE("a batch of products gives the same bits as one product after the other") {
  manual_seed(9);
  const Tensor a = normal({37, 16, 12}, float32), b = normal({37, 12, 9}, float32);
  const Tensor all = bmm(a, b);
  for (const Size i : {0, 1, 17, 36}) CHECK(largest_difference(all[i], mm(a[i], b[i])) == 0);
}

TEST_CASE("linear of few rows agrees with the sums it stands for, whatever the sizes") {
  manual_seed(12);
  for (const Size k : {32, 47, 100, 300, 1025, 2100}) {
    for (const Size m : {1, 2, 3, 5, 6, 7, 11, 16, 17, 31, 32, 33}) {
      const Size n = 64 + m % 5;
      const NoGradGuard no_grad;
      // Rows of a wider tensor, so that there are gaps between them.
      const Tensor x = randn({m, k + 3}).narrow(1, 2, k), w = randn({n, k + 1}).narrow(1, 0, k);
      const Tensor b = randn({n});
      const Tensor exact = matmul(x.to(float64), w.to(float64).t());
      const double tolerance = 1e-5 * std::sqrt(static_cast<double>(k));
      CAPTURE(m);
      CAPTURE(k);
      CHECK(largest_difference(linear(x, w), exact) < tolerance);
      CHECK(largest_difference(linear(x, w, b), exact + b.to(float64)) < tolerance);
      CHECK(largest_difference(matmul(x, w.t()), exact) < tolerance);
    }
  }
}

TEST_CASE(
    "linear of few rows gives the same bits with one thread and two, and for each row alone") {
  manual_seed(13);
  const NoGradGuard no_grad;
  const Tensor x = randn({32, 2000}), w = randn({333, 2000}), b = randn({333});
  const int before = get_num_threads();
  set_num_threads(1);
  const Tensor one = linear(x, w, b);
  set_num_threads(2);
  const Tensor two = linear(x, w, b);
  set_num_threads(before);
  CHECK(largest_difference(one, two) == 0);
  CHECK(largest_difference(linear(x.narrow(0, 7, 2), w, b), one.narrow(0, 7, 2)) == 0);
}
