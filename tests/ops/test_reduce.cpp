#include "reel/ops/reduce/reduce.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "reel/base/threads.h"
#include "support/fold_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

using List = std::vector<double>;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

const TensorOptions f64{.dtype = float64};

double total(const List& x) { return std::accumulate(x.begin(), x.end(), 0.0); }
double average(const List& x) { return total(x) / static_cast<double>(x.size()); }
double variance(const List& x, double correction) {
  double squares = 0;
  for (double v : x) squares += (v - average(x)) * (v - average(x));
  return squares / std::max(0.0, static_cast<double>(x.size()) - correction);
}
double p_norm(const List& x, double p) {
  double powers = 0;
  for (double v : x) powers += std::pow(std::abs(v), p);
  return std::pow(powers, 1 / p);
}

/// Runs `f` with one thread and with several and wants the same bits.
template <class F>
void check_same_for_any_threads(F f) {
  const int before = get_num_threads();
  set_num_threads(1);
  const std::vector<double> one = values_of(f());
  for (int threads : {2, 3, 5}) {
    set_num_threads(threads);
    CHECK(values_of(f()) == one);
  }
  set_num_threads(before);
}

/// Runs `f` for large tensors, in shapes and orders that take every path through the kernels.
template <class F>
void for_large_tensors(F f) {
  const std::pair<Shape, std::vector<Dims>> cases[] = {
      {{530001}, {{0}}},
      {{1030, 517}, {{0}, {1}, {}}},
      {{180003, 3}, {{0}, {}}},
      {{10003, 3}, {{1}}},
      {{3, 10003}, {{0}, {1}}},
      {{17, 33, 65}, {{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}}},
      {{10, 5, 7, 300}, {{1, 3}, {0, 2, 3}, {0, 1, 2}, {3}}},
  };
  for (const auto& [shape, dim_lists] : cases) {
    const Tensor plain = random_tensor(shape);
    const Tensor strided = strided_random_tensor(shape);
    const Tensor turned = plain.transpose(0, -1);
    for (const Tensor& x : {plain, strided, turned}) {
      for (const Dims& dims : dim_lists) {
        CAPTURE(to_string(x.shape()));
        CAPTURE(to_string(x.strides()));
        CAPTURE(to_string(dims));
        f(x, dims);
      }
    }
  }
}

}  // namespace

TEST_CASE("sum adds up elements along any dimensions") {
  check_reduction(REEL_OP(sum), total);
  check_values(tensor({{1, 2, 3}, {4, 5, 6}}).sum(0), {3}, {5, 7, 9});
  check_values(tensor({{1, 2, 3}, {4, 5, 6}}).sum(1, true), {2, 1}, {6, 15});
}

TEST_CASE("sum counts integers and bools in int64") {
  const Tensor bytes = full({1000}, 255, {.dtype = uint8});
  CHECK(sum(bytes).dtype() == int64);
  CHECK(sum(bytes).item<Size>() == 255000);
  const Tensor big = full({4}, 2000000000, {.dtype = int32});
  CHECK(sum(big).item<Size>() == 8000000000);
  CHECK(sum(big.view({2, 2}), 0)[1].item<Size>() == 4000000000);
  const Tensor mask = tensor({true, false, true});
  CHECK(sum(mask).dtype() == int64);
  CHECK(sum(mask).item<Size>() == 2);
  CHECK(sum(zeros({2, 0}, {.dtype = int64}), 1).dtype() == int64);
  check_values(sum(zeros({2, 0}), 1), {2}, {0, 0});
}

TEST_CASE("large sums are right on every path of the kernels") {
  for_large_tensors([](const Tensor& x, const Dims& dims) {
    const std::vector<double> expected = folded(x, dims, total);
    const Tensor y = sum(x, dims);
    check_all_close(y, y.shape(), expected, 1e-10);
    check_all_close(sum(x.to(float32), dims), y.shape(), expected, 2e-4);
    check_all_close(sum(round(x).to(int32), dims), y.shape(), folded(round(x), dims, total), 0);
    check_same_for_any_threads([&] { return sum(x, dims); });
  });
}

TEST_CASE("a long float sum keeps its digits") {
  const Tensor tenths = full({10000000}, 0.1f);
  const double exact = static_cast<double>(0.1f) * 1e7;
  CHECK(std::abs(tenths.sum().item() / exact - 1) < 5e-7);
  const Tensor columns = full({1000000, 3}, 0.1f);
  check_values(columns.sum(0), {3}, {exact / 10, exact / 10, exact / 10}, 5e-7);
}

TEST_CASE("mean, var and std follow their definitions") {
  check_reduction(REEL_OP(mean), average);
  check_reduction([](const Tensor& x, const Dims& d, bool k) { return var(x, d, 0, k); },
                  [](const List& x) { return variance(x, 0); }, {.empty = false});
  const auto sample_var = [](const Tensor& x, const Dims& d, bool k) { return var(x, d, 1, k); };
  const auto sample_std = [](const Tensor& x, const Dims& d, bool k) {
    return reel::std(x, d, 1, k);
  };
  for (const Tensor& x : {random_tensor({4, 5}), strided_random_tensor({4, 5})}) {
    for (const Dims& dims : {Dims{}, Dims{0}, Dims{1}}) {
      const auto spread = [](const List& v) { return variance(v, 1); };
      const Tensor y = sample_var(x, dims, false);
      check_values(y, y.shape(), folded(x, dims, spread));
      check_values(sample_std(x, dims, false), y.shape(),
                   folded(x, dims, [&](const List& v) { return std::sqrt(spread(v)); }));
      check_gradients([&](const Tensor& v) { return sample_var(v, dims, false); }, x);
      check_gradients([&](const Tensor& v) { return sample_std(v, dims, true); }, x);
    }
  }
  check_values(tensor({1.0, 2.0, 3.0, 4.0}, f64).var(), {}, {5.0 / 3});
  check_values(tensor({1.0, 2.0, 3.0, 4.0}, f64).std({}, 0), {}, {std::sqrt(1.25)});
}

TEST_CASE("large variances and log-sums are right on every path of the kernels") {
  for_large_tensors([](const Tensor& x, const Dims& dims) {
    const auto spread = [](const List& v) {
      const double center = average(v);
      double squares = 0;
      for (double e : v) squares += (e - center) * (e - center);
      return squares / static_cast<double>(v.size());
    };
    const auto log_sum = [](const List& v) {
      double s = 0;
      for (double e : v) s += std::exp(e);
      return std::log(s);
    };
    const Tensor y = var(x, dims, 0);
    check_all_close(y, y.shape(), folded(x, dims, spread), 1e-10);
    check_all_close(var(x.to(float32), dims, 0), y.shape(), folded(x, dims, spread), 2e-5);
    const Dims which = dims.empty() ? Dims{0, 1} : dims;
    const Tensor l = logsumexp(x, which);
    check_all_close(l, l.shape(), folded(x, which, log_sum), 1e-10);
    check_all_close(logsumexp(x.to(float32), which), l.shape(), folded(x, which, log_sum), 2e-5);
  });
}

TEST_CASE("the variance of large numbers does not cancel") {
  const Tensor x = tensor({10000001.0f, 10000002.0f, 10000003.0f});
  CHECK(x.dtype() == float32);
  check_values(x.var(), {}, {1});
}

TEST_CASE("moments of too few elements are NaN, and a constant's std has gradient 0") {
  check_values(mean(zeros(0)), {}, {not_a_number});
  check_values(var(zeros(1)), {}, {not_a_number});
  check_values(var(zeros(0)), {}, {not_a_number});
  const Tensor x = full({3}, 2.0).requires_grad_();
  x.std().backward();
  check_values(x.grad(), {3}, {0, 0, 0});
}

TEST_CASE("prod multiplies, and its gradient is exact with zeros") {
  check_reduction(REEL_OP(prod), [](const List& x) {
    return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<>());
  });
  for (const Tensor& x :
       {tensor({2.0, 0.0, 3.0, 5.0, 7.0}, f64), tensor({2.0, 0.0, 3.0, 0.0, 7.0}, f64),
        tensor({{2.0, 0.0, 3.0}, {0.0, 0.0, 5.0}}, f64), tensor({0.0}, f64)}) {
    check_gradients([](const Tensor& v) { return prod(v); }, x);
    check_gradients([](const Tensor& v) { return prod(v, -1); }, x);
  }
  const Tensor one_zero = tensor({2.0, 0.0, 3.0}).requires_grad_();
  prod(one_zero).backward();
  check_values(one_zero.grad(), {3}, {0, 6, 0});
  CHECK(prod(tensor({3, 4, 5})).dtype() == int64);
  CHECK(prod(tensor({3, 4, 5})).item<Size>() == 60);
  CHECK(prod(full({100}, 1e30f)).item() == inf);
  check_values(prod(tensor({1e30f, 1e30f, 1e-30f, 1e-30f})), {}, {1}, 1e-5);
}

TEST_CASE("logsumexp neither overflows nor underflows") {
  const auto reference = [](const List& x) {
    double s = 0;
    for (double v : x) s += std::exp(v);
    return std::log(s);
  };
  check_reduction(REEL_OP(logsumexp), reference, {.empty = false});
  check_values(logsumexp(tensor({1000.0, 1000.0}, f64), 0), {}, {1000 + std::log(2)});
  check_values(logsumexp(tensor({-1000.0, -1000.0}, f64), 0), {}, {-1000 + std::log(2)});
  check_values(logsumexp(tensor({{-inf, -inf}, {-inf, 0.0}, {inf, 0.0}, {not_a_number, inf}}), 1),
               {4}, {-inf, 0, inf, not_a_number});
  check_values(logsumexp(zeros({2, 0}), 1), {2}, {-inf, -inf});

  const Tensor x = tensor({{-inf, -inf}, {0.0, -inf}}, f64).requires_grad_();
  logsumexp(x, 1).backward({.gradient = ones(2, {.dtype = float64})});
  check_values(x.grad(), {2, 2}, {0, 0, 1, 0});
}

TEST_CASE("norm for every p") {
  const std::pair<double, std::function<double(const List&)>> cases[] = {
      {1, [](const List& x) { return p_norm(x, 1); }},
      {2, [](const List& x) { return p_norm(x, 2); }},
      {3, [](const List& x) { return p_norm(x, 3); }},
      {2.5, [](const List& x) { return p_norm(x, 2.5); }},
      {1.5, [](const List& x) { return p_norm(x, 1.5); }},
      {inf, [](const List& x) { return *std::max_element(x.begin(), x.end()); }},
      {-inf, [](const List& x) { return *std::min_element(x.begin(), x.end()); }},
  };
  for (const auto& [exponent, reference] : cases) {
    const double p = exponent;
    CAPTURE(p);
    const auto op = [p](const Tensor& x, const Dims& d, bool k) { return norm(x, p, d, k); };
    check_reduction(op, reference, {.low = 0.3, .high = 2, .empty = false});
  }
  const Tensor signs = tensor({3.0, -4.0, 0.0}, f64);
  check_values(norm(signs), {}, {5});
  check_values(norm(signs, 1), {}, {7});
  check_values(norm(signs, inf), {}, {4});
  check_values(norm(signs, -inf), {}, {0});
  check_values(norm(signs, 0), {}, {2});
  check_values(norm(signs, 3), {}, {std::cbrt(91.0)});
  check_values(norm(zeros(0)), {}, {0});
  check_values(norm(zeros({2, 0}), 3, 1), {2}, {0, 0});
}

TEST_CASE("the gradient of a norm of zeros is zero") {
  for (double p : {0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, inf}) {
    CAPTURE(p);
    const Tensor x = zeros(3, {.dtype = float64, .requires_grad = true});
    norm(x, p).backward();
    check_values(x.grad(), {3}, {0, 0, 0});
  }
  // Ties of the infinite norm share evenly, each with its sign.
  const Tensor x = tensor({2.0, -2.0, 1.0}).requires_grad_();
  norm(x, inf).backward();
  check_values(x.grad(), {3}, {0.5, -0.5, 0});
}

TEST_CASE("cumsum runs along a dimension") {
  check_values(cumsum(tensor({{1, 2, 3}, {4, 5, 6}}), 0), {2, 3}, {1, 2, 3, 5, 7, 9});
  check_values(tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}).cumsum(-1), {2, 3}, {1, 3, 6, 4, 9, 15});
  CHECK(cumsum(tensor({true, true}), 0).dtype() == int64);
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK(cumsum(tensor({most, std::int64_t{1}}), 0)[1].item<std::int64_t>() ==
        std::numeric_limits<std::int64_t>::min());  // wraps around, as sums do
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{4}, Shape{2, 3, 4}, Shape{2, 0, 3}}) {
    for (const Tensor& x : {random_tensor(shape), strided_random_tensor(shape)}) {
      for (Size dim = 0; dim < std::max<Size>(1, x.dim()); ++dim) {
        check_gradients([dim](const Tensor& v) { return cumsum(v, dim); }, x);
        check_values(cumsum(x, dim).sum(), {}, values_of(cumsum(x.contiguous(), dim).sum()));
      }
    }
  }
}

TEST_CASE("any and all") {
  const Tensor x = tensor({{0, 0}, {0, 7}, {3, 4}});
  check_values(any(x, 1), {3}, {0, 1, 1});
  check_values(all(x, 1), {3}, {0, 0, 1});
  check_values(x.any(), {}, {1});
  check_values(x.all({0, 1}, true), {1, 1}, {0});
  CHECK(any(x).dtype() == bool_);
  check_values(any(tensor({0.0f, not_a_number})), {}, {1});
  check_values(all(tensor({0.5, 0.25})), {}, {1});
  check_values(any(zeros({2, 0}), 1), {2}, {0, 0});
  check_values(all(zeros({2, 0}), 1), {2}, {1, 1});
  CHECK(all(ones(100000, {.dtype = bool_})).item<bool>());
}

TEST_CASE("reductions say what they expected") {
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_WITH_AS(sum(x, 2), "[sum] expected a dimension in [-2, 1], got 2", Error);
  CHECK_THROWS_WITH_AS(mean(x, -3), "[mean] expected a dimension in [-2, 1], got -3", Error);
  CHECK_THROWS_WITH_AS(sum(x, {0, -2}), "[sum] expected different dimensions, got [0, -2]", Error);
  CHECK_THROWS_WITH_AS(cumsum(x, 5), "[cumsum] expected a dimension in [-2, 1], got 5", Error);
  const Tensor whole = tensor({1, 2});
  for (const char* op : {"mean", "var", "std", "norm", "logsumexp"}) {
    const std::string name = op;
    const std::string expected = "[" + name +
                                 "] expected a floating-point tensor, got dtype int64\n"
                                 "help: convert it with x.to(float32)";
    CHECK_THROWS_WITH_AS((name == "mean"   ? mean(whole)
                          : name == "var"  ? var(whole)
                          : name == "std"  ? reel::std(whole)
                          : name == "norm" ? norm(whole)
                                           : logsumexp(whole, 0)),
                         expected.c_str(), Error);
  }
  CHECK_THROWS_WITH_AS(norm(zeros({0}), inf),
                       "[norm] expected at least one element for p = inf, got shape [0]", Error);
  CHECK_THROWS_WITH_AS(norm(x, not_a_number), "[norm] expected a number p, got nan", Error);
  CHECK_THROWS_WITH_AS(var(x, 0, -1), "[var] expected a correction of 0 or more, got -1", Error);
  CHECK_THROWS_AS(x.std({}, std::numeric_limits<Size>::min()), Error);
  CHECK_THROWS_AS(sum(Tensor()), Error);
}

TEST_CASE("a norm of p below 0 needs an element, as one of p = inf does") {
  for (const double p : {-1., -0.5, -inf, inf}) {
    CAPTURE(p);
    CHECK_THROWS_WITH_AS(norm(zeros({0}), p), doctest::Contains("[norm] expected at least one"),
                         Error);
    CHECK_THROWS_AS(norm(zeros({0, 3}), p, {0}), Error);
    CHECK(norm(zeros({0, 3}), p, {1}).shape() == Shape{0});
  }
  CHECK(norm(zeros({0}), 3).item() == 0);
}
