#include <cmath>
#include <limits>

#include "reel/base/threads.h"
#include "reel/ops/reduce/reduce.h"
#include "support/fold_check.h"

using namespace reel;
using namespace reel::testing;

namespace {

using List = std::vector<double>;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

double greatest(const List& x) { return *std::max_element(x.begin(), x.end()); }
double least(const List& x) { return *std::min_element(x.begin(), x.end()); }
double place_of_greatest(const List& x) {
  return static_cast<double>(std::max_element(x.begin(), x.end()) - x.begin());
}
double place_of_least(const List& x) {
  return static_cast<double>(std::min_element(x.begin(), x.end()) - x.begin());
}

}  // namespace

TEST_CASE("amax and amin find extremes along any dimensions") {
  check_reduction(REEL_OP(amax), greatest, {.empty = false});
  check_reduction(REEL_OP(amin), least, {.empty = false});
  check_values(amax(zeros({0, 3}), 1), {0}, {});
}

TEST_CASE("max and min along a dimension give values and places") {
  for (const Tensor& x : {random_tensor({3, 4, 5}), strided_random_tensor({3, 4, 5})}) {
    for (Size dim = 0; dim < 3; ++dim) {
      const auto [high, where_high] = max(x, dim);
      check_values(high, high.shape(), folded(x, dim, greatest));
      check_values(where_high, high.shape(), folded(x, dim, place_of_greatest));
      CHECK(where_high.dtype() == int64);
      const auto [low, where_low] = x.min(dim, true);
      CHECK(low.dim() == 3);
      check_values(low, low.shape(), folded(x, dim, least));
      check_values(where_low, low.shape(), folded(x, dim, place_of_least));
      check_gradients([dim](const Tensor& v) { return max(v, dim).values; }, x);
      check_gradients([dim](const Tensor& v) { return min(v, dim, true).values; }, x);
    }
  }
  const Tensor number = tensor(3.0, {.dtype = float64});
  check_values(max(number, 0).values, {}, {3});
  check_values(max(number, -1).indices, {}, {0});
  check_gradients([](const Tensor& v) { return max(v, 0).values; }, number);
}

TEST_CASE("extremes of every dtype") {
  for (DType dtype : {float32, float64, int64, int32, uint8}) {
    CAPTURE(name(dtype));
    const Tensor x = tensor({{3, 1, 2}, {5, 9, 9}}, {.dtype = dtype});
    CHECK(amax(x).dtype() == dtype);
    check_values(amax(x, 0), {3}, {5, 9, 9});
    check_values(amin(x, 1), {2}, {1, 5});
    check_values(max(x, 1).values, {2}, {3, 9});
    check_values(argmax(x, 1), {2}, {0, 1});
    check_values(argmin(x, 0), {3}, {0, 0, 0});
    check_values(argmax(x), {}, {4});
  }
  check_values(amax(tensor({false, true})), {}, {1});
  check_values(amin(tensor({-5, -7})), {}, {-7});
  CHECK(amax(tensor({false, true})).dtype() == bool_);
}

TEST_CASE("large extremes are right on every path of the kernels, for any number of threads") {
  const int before = get_num_threads();
  for (const Shape& shape : {Shape{270001}, Shape{530, 517}, Shape{3, 10003}, Shape{10003, 3}}) {
    const Tensor plain = random_tensor(shape);
    for (const Tensor& x : {plain, strided_random_tensor(shape), plain.transpose(0, -1)}) {
      for (Size dim = 0; dim < x.dim(); ++dim) {
        for (int threads : {1, 3}) {
          set_num_threads(threads);
          const Tensor y = amax(x, dim);
          check_all_close(y, y.shape(), folded(x, dim, greatest), 0);
          check_all_close(amin(x.to(float32), dim), y.shape(), folded(x, dim, least), 1e-6);
          check_all_close(argmax(x, dim), y.shape(), folded(x, dim, place_of_greatest), 0);
          check_all_close(argmin(x, dim), y.shape(), folded(x, dim, place_of_least), 0);
        }
      }
      check_all_close(argmax(x), {}, folded(x, {}, place_of_greatest), 0);
    }
  }
  set_num_threads(before);
}

TEST_CASE("the extreme of a long row is found wherever it stands") {
  for (Size place : {Size{0}, Size{262143}, Size{262144}, Size{799999}}) {
    Tensor x = zeros({800000});
    x.data_ptr<float>()[place] = 1;
    CHECK(argmax(x).item<Size>() == place);
    CHECK(amax(x).item() == 1);
    CHECK(max(x, 0).indices.item<Size>() == place);
    CHECK(argmin(-x).item<Size>() == place);
  }
  // The first of equals, also across the pieces that threads work on.
  CHECK(argmax(zeros({800000})).item<Size>() == 0);
  Tensor two = zeros({800000});
  two.data_ptr<float>()[300000] = two.data_ptr<float>()[600000] = 1;
  CHECK(argmax(two).item<Size>() == 300000);
}

TEST_CASE("NaN is the greatest and the least, infinities are numbers") {
  for (Size length : {3, 20, 100, 1000}) {
    for (Size place : {Size{0}, length / 2, length - 1}) {
      Tensor x = random_tensor(length);
      x.data_ptr<double>()[place] = not_a_number;
      for (const Tensor& v : {x, x.to(float32)}) {
        check_values(amax(v), {}, {not_a_number});
        check_values(amin(v), {}, {not_a_number});
        check_values(argmax(v), {}, {static_cast<double>(place)});
        check_values(argmin(v), {}, {static_cast<double>(place)});
        const Tensor columns = v.view({length, 1}).expand({length, 2}).contiguous();
        check_values(amax(columns, 0), {2}, {not_a_number, not_a_number});
        check_values(max(columns, 0).indices, {2},
                     {static_cast<double>(place), static_cast<double>(place)});
      }
    }
  }
  check_values(amax(tensor({-inf, -inf})), {}, {-inf});
  check_values(argmax(tensor({-inf, -inf})), {}, {0});
  check_values(amin(tensor({inf, 2.0})), {}, {2});
}

TEST_CASE("ties share the gradient of amax evenly; max along a dimension picks the first") {
  const Tensor x = tensor({{2.0, 2.0, 1.0}, {0.0, 3.0, 3.0}}).requires_grad_();
  amax(x, 1).backward({.gradient = tensor({1.0, 4.0})});
  check_values(x.grad(), {2, 3}, {0.5, 0.5, 0, 0, 2, 2});
  x.set_grad({});
  max(x).backward();
  check_values(x.grad(), {2, 3}, {0, 0, 0, 0, 0.5, 0.5});
  x.set_grad({});
  const auto [values, places] = max(x, 1);
  check_values(places, {2}, {0, 1});
  values.backward({.gradient = tensor({1.0, 4.0})});
  check_values(x.grad(), {2, 3}, {1, 0, 0, 0, 4, 0});
}

TEST_CASE("argmax of all elements counts in row-major order") {
  const Tensor x = tensor({{1, 5, 2}, {7, 0, 3}});
  check_values(argmax(x), {}, {3});
  check_values(argmax(x.t()), {}, {1});
  check_values(argmin(x, {}, true), {1, 1}, {4});
  check_values(x.argmax(0), {3}, {1, 0, 1});
  check_values(x.argmin(1, true), {2, 1}, {0, 1});
  CHECK_FALSE(argmax(random_tensor({3}).requires_grad_()).requires_grad());
}

TEST_CASE("extremes say what they expected") {
  CHECK_THROWS_WITH_AS(max(zeros({0})),
                       "[max] expected at least one element to choose from, got shape [0]", Error);
  CHECK_THROWS_WITH_AS(amin(zeros({2, 0}), 1),
                       "[amin] expected at least one element to choose from, got shape [2, 0]",
                       Error);
  CHECK_THROWS_WITH_AS(argmax(zeros({0})),
                       "[argmax] expected at least one element to choose from, got shape [0]",
                       Error);
  CHECK_THROWS_WITH_AS(max(zeros({2, 3}), 2), "[max] expected a dimension in [-2, 1], got 2",
                       Error);
  CHECK_THROWS_WITH_AS(amax(zeros({2, 3}), {1, 1}),
                       "[amax] expected different dimensions, got [1, 1]", Error);
}

TEST_CASE("where an extreme is NaN the elements that are get the gradient") {
  const Tensor x = tensor({{1., not_a_number, not_a_number}, {3., 2., 3.}},
                          {.dtype = float64, .requires_grad = true});
  const List by_row{0, 0.5, 0.5, 0.5, 0, 0.5}, all{0, 0.5, 0.5, 0, 0, 0};
  for (const bool create_graph : {false, true}) {
    const auto of = [&](const Tensor& y) {
      return grad(sum(y), x, {.create_graph = create_graph});
    };
    check_values(of(amax(x, 1)), {2, 3}, by_row);
    check_values(of(amin(x, 1)), {2, 3}, {0, 0.5, 0.5, 0, 1, 0});
    check_values(of(max(x)), {2, 3}, all);
    check_values(of(min(x)), {2, 3}, all);
    check_values(of(max(x, 1).values), {2, 3}, {0, 1, 0, 1, 0, 0});
  }
  const Tensor of_norm = grad(sum(norm(x, inf, 1)), x);
  check_values(of_norm[1], {3}, {0.5, 0, 0.5});
  CHECK(of_norm[0][0].item() == 0);
}
