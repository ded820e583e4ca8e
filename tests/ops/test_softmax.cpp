#include "reel/ops/loss/softmax.h"

#include <cmath>
#include <limits>

#include "reel/base/threads.h"
#include "support/fold_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Softmax by its definition, in tensor ops.
Tensor plain_softmax(const Tensor& x, Size dim) {
  const Tensor e = exp(x - amax(x, dim, true).detach());
  return e / sum(e, dim, true);
}

Tensor float64_tensor(const std::vector<double>& values) {
  return tensor(values, {.dtype = float64});
}

/// What backward gives for `f` at `x`, with a gradient that differs everywhere; `recorded`, for a
/// second derivative, takes the plain path instead of the fused one.
template <class F>
std::vector<double> gradient_of(F f, const Tensor& x, bool recorded = false) {
  const Tensor leaf = x.detach().requires_grad_();
  const Tensor y = f(leaf);
  const Tensor dy = random_tensor(y.shape()).to(y.dtype());
  return values_of(grad(y, leaf, {.grad_outputs = {dy}, .create_graph = recorded}));
}

}  // namespace

TEST_CASE("softmax and log_softmax along any dimension") {
  const std::pair<Shape, std::vector<Size>> cases[] = {
      {{}, {0, -1}},
      {{1}, {0}},
      {{5}, {0}},
      {{2, 3}, {0, 1, -1}},
      {{0}, {0}},
      {{2, 0}, {0, 1}},
      {{2, 3, 4}, {0, 1, 2}},
      {{1, 3, 1}, {0, 1, 2}},
  };
  for (const auto& one_case : cases) {
    const Shape& shape = one_case.first;
    for (const Tensor& x : {random_tensor(shape), strided_random_tensor(shape)}) {
      for (Size dim : one_case.second) {
        CAPTURE(to_string(shape));
        CAPTURE(to_string(x.strides()));
        CAPTURE(dim);
        check_gradients([dim](const Tensor& v) { return softmax(v, dim); }, x);
        check_gradients([dim](const Tensor& v) { return log_softmax(v, dim); }, x);
        if (x.numel() == 0) {
          CHECK(softmax(x, dim).shape() == shape);
          continue;
        }
        const std::vector<double> expected = values_of(plain_softmax(x, dim));
        check_values(softmax(x, dim), shape, expected);
        check_values(exp(log_softmax(x, dim)), shape, expected);
        check_values(x.to(float32).softmax(dim), shape, expected, 1e-6);
        check_values(exp(x.to(float32).log_softmax(dim)), shape, expected, 1e-6);
      }
    }
  }
}

TEST_CASE("softmax of every length, and its fused backward, agree with the plain formula") {
  for (Size n : {1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 33, 64, 65, 100, 1000, 5000}) {
    CAPTURE(n);
    const Tensor rows = random_tensor({3, n}, -5, 5);
    for (const Tensor& x : {rows, rows.t()}) {
      const Size dim = x.size(0) == n && n != 3 ? 0 : 1;
      for (DType dtype : {float64, float32}) {
        const double tolerance = dtype == float64 ? 1e-12 : 2e-6;
        const Tensor v = x.to(dtype);
        const std::vector<double> expected = values_of(plain_softmax(x, dim));
        check_all_close(softmax(v, dim), x.shape(), expected, tolerance);
        check_all_close(exp(log_softmax(v, dim)), x.shape(), expected, tolerance);
        const auto fused = gradient_of([dim](const Tensor& t) { return softmax(t, dim); }, v);
        const auto plain = gradient_of([dim](const Tensor& t) { return plain_softmax(t, dim); }, x);
        check_all_close(float64_tensor(fused), x.numel(), plain, tolerance);
        const auto recorded =
            gradient_of([dim](const Tensor& t) { return softmax(t, dim); }, v, true);
        check_all_close(float64_tensor(recorded), x.numel(), plain, tolerance);
        const auto log_fused =
            gradient_of([dim](const Tensor& t) { return log_softmax(t, dim); }, v);
        const auto log_plain =
            gradient_of([dim](const Tensor& t) { return log(plain_softmax(t, dim)); }, x);
        const auto log_recorded =
            gradient_of([dim](const Tensor& t) { return log_softmax(t, dim); }, v, true);
        check_all_close(float64_tensor(log_recorded), x.numel(), log_plain, tolerance * 100);
        check_all_close(float64_tensor(log_fused), x.numel(), log_plain, tolerance * 100);
      }
    }
  }
}

TEST_CASE("softmax keeps the memory order of a dense tensor") {
  const Tensor channels_last = random_tensor({2, 5, 4, 3}).permute({0, 3, 1, 2});
  const Tensor y = softmax(channels_last, 1);
  CHECK(y.strides() == channels_last.strides());
  check_values(y, y.shape(), values_of(plain_softmax(channels_last, 1)));
  check_gradients([](const Tensor& v) { return softmax(v, 1); }, channels_last);
  // A gradient in another order than the output.
  const auto turned = [](const Tensor& v) { return softmax(v, 1).contiguous(); };
  const auto plain = [](const Tensor& v) { return softmax(v, 1); };
  check_all_close(float64_tensor(gradient_of(turned, channels_last)), 120,
                  gradient_of(plain, channels_last.contiguous()), 1e-12);
}

TEST_CASE("softmax of extreme numbers") {
  check_values(softmax(tensor({1000.0f, 1000.0f}), 0), {2}, {0.5, 0.5});
  check_values(softmax(tensor({-1000.0f, -1000.0f}), 0), {2}, {0.5, 0.5});
  check_values(softmax(tensor({0.0f, -200.0f}), 0), {2}, {1, 0});
  check_values(log_softmax(tensor({0.0f, -200.0f}), 0), {2}, {0, -200});
  check_values(log_softmax(tensor({1e8f, 1e8f + 8}), 0), {2},
               {-8 - std::log1p(std::exp(-8.0)), -std::log1p(std::exp(-8.0))}, 1e-6);
  for (Size n : {3, 40}) {
    Tensor x = zeros({2, n});
    x.data_ptr<float>()[1] = static_cast<float>(-inf);
    CHECK(softmax(x, 1).select(1, 1)[0].item() == 0);
    CHECK(log_softmax(x, 1).select(1, 1)[0].item() == -inf);
    x.data_ptr<float>()[2] = static_cast<float>(not_a_number);
    CHECK(isnan(softmax(x, 1)[0]).all().item<bool>());
    CHECK(isfinite(softmax(x, 1)[1]).all().item<bool>());
  }
  CHECK(isnan(softmax(full({3}, -inf), 0)).all().item<bool>());
}

TEST_CASE("softmax of rows so long that threads share them") {
  const Size n = 70001;  // three pieces, the last one short
  const Tensor x = random_tensor({2, n}, -5, 5);
  const std::vector<double> expected = values_of(plain_softmax(x, 1));
  const auto fused = [](const Tensor& t) { return softmax(t, 1); };
  const auto log_fused = [](const Tensor& t) { return log_softmax(t, 1); };
  for (DType dtype : {float64, float32}) {
    const double tolerance = dtype == float64 ? 1e-12 : 2e-6;
    const Tensor v = x.to(dtype);
    check_all_close(softmax(v, 1), x.shape(), expected, tolerance);
    check_all_close(exp(log_softmax(v, 1)), x.shape(), expected, tolerance);
    check_all_close(float64_tensor(gradient_of(fused, v)), x.numel(), gradient_of(fused, v, true),
                    tolerance);
    check_all_close(float64_tensor(gradient_of(log_fused, v)), x.numel(),
                    gradient_of(log_fused, v, true), tolerance * 100);
  }
  Tensor extreme = zeros({1, n});
  extreme.narrow(1, 0, n / 2).fill_(-inf);  // a whole piece of it
  const double each = 1.0 / static_cast<double>(n - n / 2);
  CHECK(softmax(extreme, 1)[0][0].item() == 0);
  CHECK(softmax(extreme, 1)[0][n - 1].item() == doctest::Approx(each));
  CHECK(log_softmax(extreme, 1)[0][0].item() == -inf);
  extreme.narrow(1, n - 1, 1).fill_(not_a_number);
  CHECK(isnan(softmax(extreme, 1)).all().item<bool>());
  CHECK(isnan(softmax(full({n}, -inf), 0)).all().item<bool>());
}

TEST_CASE("softmax does not depend on the number of threads") {
  const int before = get_num_threads();
  for (const auto& [shape, dim] :
       {std::pair<Shape, Size>{{500, 700}, 1}, {{500, 700}, 0}, {{300000}, 0}}) {
    const Tensor x = random_tensor(shape).to(float32);
    const auto backward = [dim = dim](const Tensor& v) { return softmax(v, dim); };
    set_num_threads(1);
    const std::vector<double> one = values_of(softmax(x, dim));
    const std::vector<double> slope = gradient_of(backward, x);
    set_num_threads(3);
    CHECK(values_of(softmax(x, dim)) == one);
    CHECK(gradient_of(backward, x) == slope);
  }
  set_num_threads(before);
}

TEST_CASE("softmax says what it expected") {
  CHECK_THROWS_WITH_AS(softmax(zeros({2, 3}), 2),
                       "[softmax] expected a dimension in [-2, 1], got 2", Error);
  CHECK_THROWS_WITH_AS(log_softmax(tensor({1, 2}), 0),
                       "[log_softmax] expected a floating-point tensor, got dtype int64\n"
                       "help: convert it with x.to(float32)",
                       Error);
}
