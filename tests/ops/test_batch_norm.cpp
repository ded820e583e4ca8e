#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/base/threads.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

Tensor normal(const Shape& shape, DType dtype = float64) {
  return randn(shape, {.dtype = dtype}).requires_grad_();
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  if (a.numel() == 0) return 0;
  const NoGradGuard no_grad;
  return abs(a.to(float64) - b.to(float64)).max().item();
}

/// All dimensions but the channels', and the shape that broadcasts along them.
Dims others(const Tensor& x) {
  Dims dims;
  for (Size d = 0; d < x.dim(); ++d) {
    if (d != 1) dims.push_back(d);
  }
  return dims;
}
Shape per_channel(const Tensor& x) {
  Shape shape = Shape::repeat(x.dim(), 1);
  shape[1] = x.size(1);
  return shape;
}

Tensor slow_batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps = 1e-5) {
  const Tensor center = x - x.mean(others(x), true);
  const Tensor var = square(center).mean(others(x), true);
  return center / sqrt(var + eps) * w.view(per_channel(x)) + b.view(per_channel(x));
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{{5, 3}, {4, 2, 3}, {3, 2, 2, 3}};
  return all;
}

void check_gradients(auto f, const auto&... inputs) {
  CHECK(gradcheck(f, inputs...));
  CHECK(gradgradcheck(f, inputs...));
}

}  // namespace

TEST_CASE("batch_norm in training normalises every channel by the batch") {
  manual_seed(1);
  for (const Shape& shape : shapes()) {
    CAPTURE(shape);
    const Tensor x = normal(shape), w = normal({shape[1]}), b = normal({shape[1]});
    const auto f = [](const Tensor& x_, const Tensor& w_, const Tensor& b_) {
      return batch_norm(x_, {}, {}, w_, b_, {.training = true});
    };
    CHECK(largest_difference(f(x, w, b), slow_batch_norm(x, w, b)) < 1e-12);
    check_gradients(f, x, w, b);
    check_gradients(
        [](const Tensor& x_) { return batch_norm(x_, {}, {}, {}, {}, {.training = true}); }, x);
    const Tensor x32 = x.detach().to(float32), w32 = w.detach().to(float32),
                 b32 = b.detach().to(float32);
    CHECK(largest_difference(f(x32, w32, b32), slow_batch_norm(x, w, b)) < 1e-4);
  }
}

TEST_CASE("batch_norm outside training uses the running moments") {
  manual_seed(2);
  for (const Shape& shape : shapes()) {
    CAPTURE(shape);
    const Tensor x = normal(shape), w = normal({shape[1]}), b = normal({shape[1]});
    const Tensor mean = randn(shape[1], {.dtype = float64}),
                 var = rand(shape[1], {.dtype = float64}) + 0.5;
    const Shape c = per_channel(x);
    const auto f = [&](const Tensor& x_, const Tensor& w_, const Tensor& b_) {
      return batch_norm(x_, mean, var, w_, b_, {.eps = 1e-3});
    };
    const Tensor wanted = (x - mean.view(c)) / sqrt(var.view(c) + 1e-3) * w.view(c) + b.view(c);
    CHECK(largest_difference(f(x, w, b), wanted) < 1e-13);
    check_gradients(f, x, w, b);
    check_gradients([&](const Tensor& x_) { return batch_norm(x_, mean, var); }, x);
  }
}

TEST_CASE("the fused gradients of batch_norm agree with those of the formula") {
  manual_seed(3);
  for (const Shape& shape : {Shape{64, 21}, Shape{6, 21, 30}, Shape{8, 40, 9, 7}}) {
    for (const DType dtype : {float32, float64}) {
      CAPTURE(shape);
      const Tensor x = normal(shape, dtype), w = normal({shape[1]}, dtype),
                   b = normal({shape[1]}, dtype);
      const Tensor dy = randn(shape, {.dtype = dtype});
      const double allowed = dtype == float32 ? 1e-3 : 1e-11;
      for (const bool training : {false, true}) {
        const Tensor mean = zeros(shape[1], {.dtype = dtype}),
                     var = ones(shape[1], {.dtype = dtype});
        const BatchNormOptions options{.training = training};
        const auto fused =
            grad({batch_norm(x, mean, var, w, b, options)}, {x, w, b}, {.grad_outputs = {dy}});
        mean.fill_(0);
        var.fill_(1);
        const auto formula = grad({batch_norm(x, mean, var, w, b, options)}, {x, w, b},
                                  {.grad_outputs = {dy}, .create_graph = true});
        for (std::size_t i = 0; i < 3; ++i)
          CHECK(largest_difference(fused[i], formula[i]) < allowed);
      }
    }
  }
}

TEST_CASE("batch_norm moves the running moments") {
  const Tensor x = tensor({{1.0, 10.0}, {2.0, 10.0}, {6.0, 40.0}}, {.dtype = float64});
  const Tensor mean = tensor({1.0, 1.0}, {.dtype = float64}),
               var = tensor({2.0, 2.0}, {.dtype = float64});
  const auto version = mean.version();
  batch_norm(x, mean, var, {}, {}, {.training = true, .momentum = 0.5});
  CHECK(largest_difference(mean, tensor({2.0, 10.5})) < 1e-12);
  CHECK(largest_difference(var, tensor({4.5, 151.0})) < 1e-12);  // unbiased: 7 and 300
  CHECK(mean.version() > version);
  batch_norm(x, mean, var);
  CHECK(largest_difference(mean, tensor({2.0, 10.5})) < 1e-12);
}

TEST_CASE("batch_norm is exact where the mean is large and keeps channels last") {
  manual_seed(4);
  const Tensor one = ones(5, {.dtype = float64}), zero = zeros(5, {.dtype = float64});
  for (const double mean : {1e4, 1e6}) {
    const Tensor x = randn({16, 5, 6, 6}) + mean;
    const Tensor y = batch_norm(x, {}, {}, {}, {}, {.training = true});
    CHECK(largest_difference(y, slow_batch_norm(x.to(float64), one, zero)) < 1e-4);
    CHECK(y.stride(1) == 1);
  }
  const Tensor constant = batch_norm(full({4, 2}, 3.5), {}, {}, {}, {}, {.training = true});
  CHECK(largest_difference(constant, zeros({4, 2})) == 0);
}

TEST_CASE("a ReLU in the place of what batch_norm gave equals the two apart") {
  manual_seed(5);
  const Tensor x = normal({3, 2, 3, 3}), w = normal({2}), b = normal({2});
  const auto f = [](const Tensor& x_, const Tensor& w_, const Tensor& b_) {
    return relu(batch_norm(x_, {}, {}, w_, b_, {.training = true}));
  };
  const Tensor z = batch_norm(x, {}, {}, w, b, {.training = true});
  CHECK(largest_difference(f(x, w, b), relu(z)) == 0);
  check_gradients(f, x, w, b);
}

TEST_CASE("batch_norm and layer_norm give the same bits on one thread and on two") {
  manual_seed(6);
  const int threads = get_num_threads();
  const Tensor x = normal({16, 32, 28, 28}, float32), w = normal({32}, float32),
               b = normal({32}, float32);
  const Tensor rows = normal({3000, 128}, float32), rw = normal({128}, float32),
               rb = normal({128}, float32);
  std::vector<std::vector<Tensor>> results;
  for (const int count : {1, 2}) {
    set_num_threads(count);
    auto& all = results.emplace_back();
    const Tensor y = batch_norm(x, {}, {}, w, b, {.training = true}),
                 z = layer_norm(rows, 128, rw, rb);
    all = grad({square(y).sum(), square(z).sum()}, {x, w, b, rows, rw, rb});
    all.push_back(y);
    all.push_back(z);
  }
  set_num_threads(threads);
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    CHECK(largest_difference(results[0][i], results[1][i]) == 0);
  }
}

TEST_CASE("norms of an empty batch are empty and their gradients zero") {
  const Tensor w = ones(3).requires_grad_(), b = zeros(3).requires_grad_();
  const Tensor x = zeros({0, 3, 4, 4}, {.requires_grad = true});
  const Tensor mean = zeros(3), var = ones(3);
  for (const bool training : {false, true}) {
    const Tensor y = batch_norm(x, mean, var, w, b, {.training = training});
    CHECK(y.shape() == x.shape());
    y.sum().backward();
  }
  layer_norm(zeros({0, 3}), 3, w, b).sum().backward();
  CHECK(largest_difference(w.grad(), zeros(3)) == 0);
  CHECK(largest_difference(b.grad(), zeros(3)) == 0);
  CHECK(largest_difference(mean, zeros(3)) == 0);
  CHECK(group_norm(x, 3).shape() == x.shape());
}

TEST_CASE("batch_norm says what does not fit") {
  const Tensor x = zeros({4, 3, 2, 2}), c = ones(3);
  const auto says = [](auto f, const char* text) { CHECK_THROWS_WITH_AS(f(), text, Error); };
  says(
      [&] { batch_norm(zeros(3), c, c); },
      "[batch_norm] expected input [N, C], [N, C, L], [N, C, H, W] or [N, C, D, H, W], got shape [3]");
  says([&] { batch_norm(x.to(int64), c, c); },
       "[batch_norm] expected a floating-point tensor, got dtype int64\n"
       "help: convert it with x.to(float32)");
  says([&] { batch_norm(x, ones(4), c); },
       "[batch_norm] expected running mean of shape [3] to match input [4, 3, 2, 2], got [4]");
  says([&] { batch_norm(x, c, c, ones(4)); },
       "[batch_norm] expected weight of shape [3] to match input [4, 3, 2, 2], got [4]");
  says([&] { batch_norm(x, c, c, c, ones(3, {.dtype = float64})); },
       "[batch_norm] expected bias of the input's dtype float32, got float64");
  says([&] { batch_norm(x, {}, {}); },
       "[batch_norm] expected running mean and variance outside training, got none");
  says(
      [&] {
        batch_norm(zeros({1, 3}), {}, {}, {}, {}, {.training = true});
      },
      "[batch_norm] expected more than one value per channel in training, got input of shape [1, "
      "3]");
  says([&] { batch_norm(x, c, c, {}, {}, {.eps = -1}); },
       "[batch_norm] expected a finite eps of 0 or more, got -1");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double eps : {-1., nan, infinity}) {
    CHECK_THROWS_AS(batch_norm(x, c, c, {}, {}, {.eps = eps}), Error);
    CHECK_THROWS_WITH_AS(layer_norm(zeros({2, 4}), 4, {}, {}, eps),
                         doctest::Contains("[layer_norm] expected a finite eps"), Error);
    CHECK_THROWS_WITH_AS(group_norm(x, 3, {}, {}, eps),
                         doctest::Contains("[group_norm] expected a finite eps"), Error);
  }
  says([&] { batch_norm(x, c, c, {}, {}, {.training = true, .momentum = 7}); },
       "[batch_norm] expected momentum in [0, 1], got 7");
  says([&] { batch_norm(x, c, c, {}, {}, {.momentum = -nan}); },
       "[batch_norm] expected momentum in [0, 1], got nan");
}

TEST_CASE("layer_norm normalises every row") {
  manual_seed(7);
  const Tensor x = normal({2, 3, 4}), w = normal({4}), b = normal({4});
  const auto f = [](const Tensor& x_, const Tensor& w_, const Tensor& b_) {
    return layer_norm(x_, 4, w_, b_);
  };
  const Tensor center = x - x.mean(-1, true);
  const Tensor wanted = center / sqrt(square(center).mean(-1, true) + 1e-5) * w + b;
  CHECK(largest_difference(f(x, w, b), wanted) < 1e-13);
  check_gradients(f, x, w, b);
  check_gradients([](const Tensor& x_) { return layer_norm(x_, {3, 4}); }, x);
  const Tensor w2 = normal({3, 4}), b2 = normal({3, 4});
  const auto g = [](const Tensor& x_, const Tensor& w_, const Tensor& b_) {
    return layer_norm(x_, {3, 4}, w_, b_);
  };
  CHECK(largest_difference(g(x, w2, b2), layer_norm(x, {3, 4}) * w2 + b2) < 1e-13);
  check_gradients(g, x, w2, b2);
  for (const Size columns : {1, 5, 16, 37, 200}) {
    const Tensor rows = normal({50, columns}, float32), rw = normal({columns}, float32),
                 rb = normal({columns}, float32);
    const Tensor dy = randn({50, columns});
    const auto fused =
        grad({layer_norm(rows, columns, rw, rb)}, {rows, rw, rb}, {.grad_outputs = {dy}});
    const auto formula = grad({layer_norm(rows, columns, rw, rb)}, {rows, rw, rb},
                              {.grad_outputs = {dy}, .create_graph = true});
    for (std::size_t i = 0; i < 3; ++i) CHECK(largest_difference(fused[i], formula[i]) < 1e-3);
  }
}

TEST_CASE("layer_norm says what does not fit") {
  const auto says = [](auto f, const char* text) { CHECK_THROWS_WITH_AS(f(), text, Error); };
  says(
      [] {
        layer_norm(zeros({2, 4}), 3);
      },
      "[layer_norm] expected input of shape [.., 3], got [2, 4]");
  says(
      [] {
        layer_norm(zeros({2, 4}), 4, ones(3));
      },
      "[layer_norm] expected weight of shape [4], got [3]");
  says(
      [] {
        layer_norm(zeros({2, 4}), 4, {}, ones(4, {.dtype = float64}));
      },
      "[layer_norm] expected bias of the input's dtype float32, got float64");
  says(
      [] {
        layer_norm(zeros({2, 0}), 0);
      },
      "[layer_norm] expected a normalized shape with elements, got [0]");
  says(
      [] {
        layer_norm(zeros({2, 4}, {.dtype = int64}), 4);
      },
      "[layer_norm] expected a floating-point tensor, got dtype int64\n"
      "help: convert it with x.to(float32)");
}

TEST_CASE("group_norm normalises groups of channels") {
  manual_seed(8);
  const Tensor x = normal({2, 4, 3}), w = normal({4}), b = normal({4});
  const auto f = [](const Tensor& x_, const Tensor& w_, const Tensor& b_) {
    return group_norm(x_, 2, w_, b_);
  };
  const Tensor groups = x.reshape({2, 2, 6});
  const Tensor center = groups - groups.mean(-1, true);
  const Tensor z = (center / sqrt(square(center).mean(-1, true) + 1e-5)).reshape({2, 4, 3});
  CHECK(largest_difference(f(x, w, b), z * w.view({4, 1}) + b.view({4, 1})) < 1e-13);
  check_gradients(f, x, w, b);
  check_gradients([](const Tensor& x_) { return group_norm(x_, 4); }, normal({2, 4, 2, 2}));
  CHECK_THROWS_WITH_AS(group_norm(zeros({2, 4, 3}), 3),
                       "[group_norm] expected groups to divide the 4 channels, got 3", Error);
  CHECK_THROWS_WITH_AS(group_norm(zeros(4), 2),
                       "[group_norm] expected input [N, C, ...], got shape [4]", Error);
}

TEST_CASE("running statistics that share memory are refused where they would be written") {
  const Tensor x = normal({4, 3}).detach();
  const char* message =
      "[batch_norm] expected running mean and variance with memory of their own, got tensors that "
      "share elements";
  const auto train = [&](const Tensor& mean, const Tensor& var) {
    batch_norm(x, mean, var, {}, {}, {.training = true});
  };
  const Tensor both = ones({3}, {.dtype = float64});
  CHECK_THROWS_WITH_AS(train(both, both), message, Error);
  const Tensor buffer = ones({6}, {.dtype = float64});
  CHECK_THROWS_WITH_AS(train(buffer.slice(0, 0, 3), buffer.slice(0, 2, 5)), message, Error);
  CHECK_THROWS_WITH_AS(train(buffer.slice(0, 0, 3), buffer.slice(0, {}, {}, 2)), message, Error);
  CHECK_THROWS_WITH_AS(train(ones({1}, {.dtype = float64}).expand({3}), both),
                       doctest::Contains("[batch_norm] expected a running mean whose elements"),
                       Error);
  CHECK((both == 1).all().item<bool>());

  // Side by side they do not meet, and what is only read may be shared.
  train(buffer.slice(0, 0, 3), buffer.slice(0, 3, 6));
  train(buffer.slice(0, 0, 6, 2), buffer.slice(0, 1, 6, 2));
  batch_norm(x, both, both, {}, {}, {.training = false});
}
