#include "reel/autograd/xtensor.h"

#include <doctest/doctest.h>

#include <array>
#include <tuple>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/ops/ops.h"
#include "support/op_check.h"

using namespace reel;
using testing::check_gradients;
using testing::check_values;
using testing::values_of;

namespace {

Tensor my_softplus(const Tensor& x) {
  return record(
      "my_softplus", [](auto& out, const auto& in) { xt::noalias(out) = xt::log1p(xt::exp(in)); },
      [](const Tensor& dy, const Tensor&, const Tensor& in) { return dy * sigmoid(in); }, x);
}

/// exp(a) * b, whose backward uses the output.
Tensor scaled_exp(const Tensor& a, const Tensor& b) {
  return record(
      "scaled_exp",
      [](auto& out, const auto& u, const auto& v) { xt::noalias(out) = xt::exp(u) * v; },
      [](const Tensor& dy, const Tensor& y, const Tensor& u, const Tensor&) {
        return std::tuple{dy * y, dy * exp(u)};
      },
      a, b);
}

/// The same, element by element.
Tensor flat_scaled_exp(const Tensor& a, const Tensor& b) {
  return record(
      "flat_scaled_exp", elementwise([](auto& out, const auto& u, const auto& v) {
        xt::noalias(out) = xt::exp(u) * v;
      }),
      [](const Tensor& dy, const Tensor& y, const Tensor& u, const Tensor&) {
        return std::array{dy * y, dy * exp(u)};
      },
      a, b);
}

Tensor row_sum(const Tensor& x) {
  return record(
      "row_sum",
      [](auto& out, const auto& in) {
        xt::noalias(out) = xt::sum(in, {1}, xt::evaluation_strategy::immediate);
      },
      [](const Tensor& dy, const Tensor&, const Tensor& in) {
        return Gradients{dy.unsqueeze(1).expand_as(in)};
      },
      {.shape = Shape{x.size(0)}}, x);
}

}  // namespace

TEST_CASE("a tensor is viewed as an xtensor expression without a copy") {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}}, {.dtype = float32});
  auto view = view_as_xtensor<float>(x);
  CHECK(view.dimension() == 2);
  CHECK(view(1, 2) == 6);
  view(0, 1) = 20;
  CHECK(x[0][1].item() == 20);
  CHECK(view_as_xtensor<float>(x).data() == x.data_ptr<float>());
  CHECK_THROWS_WITH_AS(
      view_as_xtensor<double>(x),
      "[data_ptr] expected data_ptr<float>, as the tensor is float32, got data_ptr<double>", Error);
}

TEST_CASE("views take part in expressions and can be assigned to") {
  const Tensor x = arange(6, {.dtype = float64}).view({2, 3});
  const xt::xarray<double> doubled = 2 * view_as_xtensor<double>(x);
  CHECK(doubled == xt::xarray<double>{{0, 2, 4}, {6, 8, 10}});
  auto view = view_as_xtensor<double>(x);
  view = view + 1;
  check_values(x, {2, 3}, {1, 2, 3, 4, 5, 6});
  xt::noalias(view) = xt::zeros<double>({2, 3});
  CHECK(x.sum().item() == 0);
  const Tensor row = x[1];
  view_as_xtensor<double>(row) += 7;
  check_values(x, {2, 3}, {0, 0, 0, 7, 7, 7});
  const Tensor scalar(3.0);
  CHECK(view_as_xtensor<double>(scalar)() == 3);
  const Tensor nothing = zeros({0, 2});
  CHECK(view_as_xtensor<float>(nothing).size() == 0);
  const Tensor spread = scalar.expand({2});
  CHECK_THROWS_WITH_AS(
      view_as_xtensor<double>(spread),
      doctest::Contains("[view_as_xtensor] expected a row-major tensor, got strides [0]"), Error);
}

TEST_CASE("views of fixed rank check it") {
  const Tensor x = arange(6, {.dtype = float64}).view({2, 3});
  auto view = view_as_xtensor<double, 2>(x);
  static_assert(view.rank == 2);
  CHECK(view(1, 0) == 3);
  const Tensor scalar(3.0);
  CHECK(view_as_xtensor<double, 0>(scalar)() == 3);
  CHECK_THROWS_WITH_AS((view_as_xtensor<double, 3>(x)),
                       "[view_as_xtensor] expected 3 dimensions, got shape [2, 3]", Error);
}

#if defined(XTENSOR_ENABLE_ASSERT)
TEST_CASE("xtensor checks bounds where asked to") {
  const Tensor x = zeros({2, 3});
  auto view = view_as_xtensor<float>(x);
  CHECK_THROWS(view(2, 0));
}
#endif

TEST_CASE("temporaries of run-time rank have the right type") {
  const Tensor x = arange(6, {.dtype = float64}).view({2, 3});
  auto view = view_as_xtensor<double>(x);
  const auto twice = xt::eval(view + view);
  CHECK(twice.dimension() == 2);
  CHECK(twice(1, 2) == 10);
  const xt::xarray<double> sums = xt::sum(view, {0}, xt::evaluation_strategy::immediate);
  CHECK(sums == xt::xarray<double>{3, 5, 7});
}

TEST_CASE("xtensor values become tensors") {
  const xt::xarray<double> a{{1, 2}, {3, 4}};
  const Tensor x = from_xtensor(a);
  CHECK(x.dtype() == float64);
  check_values(x, {2, 2}, {1, 2, 3, 4});
  check_values(from_xtensor(a * 2 + 1), {2, 2}, {3, 5, 7, 9});
  check_values(from_xtensor(xt::sum(a)), {}, {10});
  check_values(from_xtensor(a > 2.0), {2, 2}, {0, 0, 1, 1});
  CHECK(from_xtensor(a > 2.0).dtype() == bool_);
  const xt::xtensor<float, 1> b{1, 2, 3};
  CHECK(from_xtensor(b).dtype() == float32);
  const xt::xarray<std::int64_t, xt::layout_type::column_major> c{{1, 2}, {3, 4}};
  check_values(from_xtensor(c), {2, 2}, {1, 2, 3, 4});
  check_values(from_xtensor(xt::xarray<std::int64_t, xt::layout_type::column_major>(c)), {2, 2},
               {1, 2, 3, 4});
}

TEST_CASE("a container that is given away is not copied") {
  xt::xarray<float> a{{1, 2}, {3, 4}};
  const float* data = a.data();
  const Tensor x = from_xtensor(std::move(a));
  CHECK(x.data_ptr<float>() == data);
  check_values(x, {2, 2}, {1, 2, 3, 4});
  xt::xtensor<int, 1> b{5, 6};
  const int* numbers = b.data();
  const Tensor y = from_xtensor(std::move(b));
  CHECK(y.data_ptr<int>() == numbers);
  CHECK(y.detach().dtype() == int32);
}

TEST_CASE("to_xarray copies and converts") {
  const Tensor x = tensor({{1, 2}, {3, 4}}).t();
  const xt::xarray<double> copy = to_xarray<double>(x);
  CHECK(copy == xt::xarray<double>{{1, 3}, {2, 4}});
  CHECK(to_xarray<float>(Tensor(2.5))() == 2.5f);
  CHECK(from_xtensor(to_xarray<std::int64_t>(x)).shape() == Shape{2, 2});
}

TEST_CASE("an op of one's own computes in float and double") {
  const Tensor x = tensor({-1.0, 0.0, 2.0}, {.dtype = float64});
  check_values(my_softplus(x), {3}, {0.31326168751822286, 0.6931471805599453, 2.1269280110429727});
  CHECK(my_softplus(x.to(float32)).dtype() == float32);
  CHECK(my_softplus(tensor({1, 2})).dtype() == float32);
  CHECK(my_softplus(zeros({0, 3})).shape() == Shape{0, 3});
  CHECK(my_softplus(Tensor(0.0)).item() == doctest::Approx(0.6931472));
  const Tensor matrix = testing::random_tensor({3, 4});
  CHECK(values_of(my_softplus(matrix.t())) == values_of(my_softplus(matrix).t()));
  const Tensor y = my_softplus(ones({2}, {.requires_grad = true}));
  CHECK(std::string(y.op_name()) == "my_softplus");
  CHECK_FALSE(my_softplus(ones({2})).requires_grad());
}

TEST_CASE("an op of one's own is differentiable twice") {
  const Tensor x = testing::random_tensor({2, 3});
  check_gradients([](const Tensor& a) { return my_softplus(a); }, x);
  check_gradients([](const Tensor& a) { return my_softplus(a.t()); }, x);
  check_gradients([](const Tensor& a) { return my_softplus(a); }, testing::random_tensor({}));
  check_gradients([](const Tensor& a) { return row_sum(a * a); }, x);
}

TEST_CASE("an op of several inputs broadcasts them") {
  const Tensor a = testing::random_tensor({2, 3});
  for (const Shape& shape : {Shape{2, 3}, Shape{3}, Shape{2, 1}, Shape{}}) {
    const Tensor b = testing::random_tensor(shape, 1, 2, 5);
    CHECK(testing::values_of(scaled_exp(a, b)) == values_of(flat_scaled_exp(a, b)));
    const auto expected = values_of(exp(a) * b);
    check_values(scaled_exp(a, b), {2, 3}, expected);
    check_gradients([](const Tensor& u, const Tensor& v) { return scaled_exp(u, v); }, a, b);
    check_gradients([](const Tensor& u, const Tensor& v) { return flat_scaled_exp(u, v); }, a, b);
  }
  CHECK(scaled_exp(a, 2).dtype() == float64);
  CHECK(scaled_exp(a.to(float32), 2.0).dtype() == float32);
  const Tensor f = ones({3}, {.requires_grad = true});
  const Tensor y = scaled_exp(f, testing::random_tensor({3}));
  CHECK(y.dtype() == float64);
  y.sum().backward();
  CHECK(f.grad().dtype() == float32);
}

TEST_CASE("an op may have an output of another shape") {
  const Tensor x = arange(6, {.dtype = float64}).view({2, 3});
  check_values(row_sum(x), {2}, {3, 12});
  CHECK_THROWS_AS(static_cast<void>(record(
                      "bad", [](auto& out, const auto& in) { xt::noalias(out) = in; },
                      [](const Tensor& dy, const Tensor&, const Tensor&) { return dy; },
                      {.shape = Shape{7}}, x)),
                  Error);
}

TEST_CASE("ops of one's own report what does not fit") {
  const Tensor a = zeros({2, 3});
  CHECK_THROWS_WITH_AS(scaled_exp(a, zeros({4})),
                       "[scaled_exp] expected shapes that broadcast together, got [2, 3] and [4]",
                       Error);
  CHECK_THROWS_AS(scaled_exp(a, Tensor()), Error);
  const Tensor x = ones({2}, {.requires_grad = true});
  const Tensor wrong = record(
      "wrong", [](auto& out, const auto& in) { xt::noalias(out) = in; },
      [](const Tensor& dy, const Tensor&, const Tensor&) {
        return Gradients{dy, dy};
      },
      x);
  CHECK_THROWS_AS(wrong.sum().backward(), Error);
  const Tensor y = my_softplus(x);
  {
    const NoGradGuard no_grad;
    x.zero_();
  }
  CHECK_THROWS_WITH_AS(y.sum().backward(), doctest::Contains("[my_softplus] expected the tensor"),
                       Error);
}
