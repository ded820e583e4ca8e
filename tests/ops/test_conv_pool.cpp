// A convolution, ReLU and max-pooling whose gradients come from one pass, as one op and given from
// one op to the next, against the three apart.

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "reel/autograd/gradcheck.h"
#include "reel/autograd/tape.h"
#include "reel/base/threads.h"
#include "reel/nn/nn.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

struct Case {
  const char* name;
  Shape x, w;
  Conv2dOptions conv;
  Sizes<2> kernel;
  MaxPool2dOptions pool;
  bool bias = true;
};

// Batches that make several groups, an odd number of them, one image; channels that do and do not
// fill vectors; one input channel, which has kernels of its own.
const std::vector<Case> cases{
    {"several groups", {37, 3, 28, 28}, {40, 3, 3, 3}, {.padding = 1}, 2, {}},
    {"more groups than parts of the sum", {40, 2, 56, 56}, {40, 2, 3, 3}, {.padding = 1}, 2, {}},
    {"no bias", {5, 4, 9, 9}, {6, 4, 3, 3}, {}, 2, {}, false},
    {"overlapping windows",
     {4, 4, 12, 11},
     {8, 4, 3, 3},
     {.padding = 1},
     3,
     {.stride = 2, .padding = 1}},
    {"ceil mode", {3, 2, 9, 9}, {5, 2, 2, 2}, {.stride = 2}, 3, {.ceil_mode = true}},
    {"grouped", {3, 4, 8, 8}, {8, 2, 3, 3}, {.padding = 1, .groups = 2}, 2, {}},
    {"one channel", {9, 1, 28, 28}, {32, 1, 3, 3}, {.padding = 1}, 2, {}},
    {"one channel, odd sizes",
     {3, 1, 13, 11},
     {21, 1, 5, 3},
     {.stride = {2, 1}, .padding = 2},
     2,
     {}},
    {"one channel, other windows", {3, 1, 13, 11}, {7, 1, 3, 3}, {}, 3, {.stride = 1}},
    {"one image", {1, 8, 10, 10}, {16, 8, 3, 3}, {.padding = 1}, 2, {}},
    {"an image without a batch", {2, 10, 10}, {4, 2, 3, 3}, {}, 2, {}},
};

struct Run {
  Tensor y, dx, dw, db;
};

using Form = Tensor (*)(const Tensor& x, const Tensor& w, const Tensor& b, const Case& c);

Tensor one_op(const Tensor& x, const Tensor& w, const Tensor& b, const Case& c) {
  return detail::conv_relu_max_pool(x, w, b, c.conv, c.kernel, c.pool);
}

Tensor given_on(const Tensor& x, const Tensor& w, const Tensor& b, const Case& c) {
  return max_pool2d(relu(conv2d(x, w, b, c.conv)), c.kernel, c.pool);
}

Tensor apart(const Tensor& x, const Tensor& w, const Tensor& b, const Case& c) {
  const Tensor z = conv2d(x, w, b, c.conv), positive = relu(z);
  return max_pool2d(positive, c.kernel, c.pool);
}

Run run(const Case& c, Form form, DType dtype) {
  manual_seed(3);
  const Tensor x = randn(c.x, {.dtype = dtype}).requires_grad_();
  const Tensor w = (randn(c.w, {.dtype = dtype}) * 0.3).requires_grad_();
  const Tensor b = c.bias ? randn(c.w[0], {.dtype = dtype}).requires_grad_() : Tensor();
  const Tensor y = form(x, w, b, c);
  y.backward({.gradient = randn(y.shape(), {.dtype = dtype})});
  return {y.detach(), x.grad(), w.grad(), c.bias ? b.grad() : Tensor()};
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return abs(a.to(float64) - b.to(float64)).max().item();
}

}  // namespace

TEST_CASE("convolution, ReLU and max-pooling together give what the three give apart") {
  for (const Case& c : cases) {
    for (DType dtype : {float32, float64}) {
      const double tolerance = dtype == float32 ? 2e-3 : 1e-10;
      const Run plain = run(c, apart, dtype);
      for (Form form : {one_op, given_on}) {
        CAPTURE(c.name);
        CAPTURE(dtype);
        const Run together = run(c, form, dtype);
        CHECK(largest_difference(together.y, plain.y) < tolerance * 1e-1);
        CHECK(largest_difference(together.dx, plain.dx) < tolerance);
        CHECK(largest_difference(together.dw, plain.dw) < tolerance);
        if (c.bias) CHECK(largest_difference(together.db, plain.db) < tolerance);
        const NoGradGuard no_grad;
        manual_seed(3);
        const Tensor x = randn(c.x, {.dtype = dtype}), w = randn(c.w, {.dtype = dtype}) * 0.3;
        const Tensor b = c.bias ? randn(c.w[0], {.dtype = dtype}) : Tensor();
        CHECK(largest_difference(form(x, w, b, c), together.y) == 0);
      }
    }
  }
}

TEST_CASE("convolution, ReLU and max-pooling together give the same bits on one thread and two") {
  const int before = get_num_threads();
  for (const Case& c : cases) {
    for (Form form : {one_op, given_on}) {
      CAPTURE(c.name);
      set_num_threads(1);
      const Run one = run(c, form, float32);
      set_num_threads(2);
      const Run two = run(c, form, float32);
      CHECK(largest_difference(one.dx, two.dx) == 0);
      CHECK(largest_difference(one.dw, two.dw) == 0);
      if (c.bias) CHECK(largest_difference(one.db, two.db) == 0);
      CHECK(largest_difference(one.y, two.y) == 0);
    }
  }
  set_num_threads(before);
}

TEST_CASE("convolution, ReLU and max-pooling together: gradients to the second order") {
  manual_seed(4);
  const Tensor x = randn({2, 2, 6, 6}, {.dtype = float64}).requires_grad_();
  const Tensor w = randn({3, 2, 3, 3}, {.dtype = float64}).requires_grad_();
  const Tensor b = randn({3}, {.dtype = float64}).requires_grad_();
  const Case c{"", {}, {}, {.padding = 1}, 2, {}};
  for (Form form : {one_op, given_on}) {
    auto f = [&](const Tensor& images, const Tensor& kernels, const Tensor& bias) {
      return form(images, kernels, bias, c);
    };
    CHECK(gradcheck(f, x, w, b));
    CHECK(gradgradcheck(f, x, w, b));
  }
}

TEST_CASE("convolution, ReLU and max-pooling together compute only the gradients that are needed") {
  const Case c{"", {}, {}, {}, 2, {}};
  for (Form form : {one_op, given_on}) {
    manual_seed(5);
    const Tensor x = randn({4, 2, 8, 8}), w = randn({5, 2, 3, 3}), b = randn({5}).requires_grad_();
    const Tensor alone = grad(form(x, w, b, c).sum(), b);
    w.requires_grad_();
    form(x, w, b, c).sum().backward();
    CHECK(largest_difference(alone, b.grad()) == 0);
    CHECK(w.grad().defined());
    CHECK_FALSE(x.grad().defined());
  }
}

TEST_CASE("convolution, ReLU and max-pooling together keep NaN and take an empty batch") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Case c{"", {}, {}, {}, 2, {}};
  for (Size channels : {1, 3}) {
    for (Form form : {one_op, given_on}) {
      const Tensor w = ones({4, channels, 3, 3});
      CHECK(isnan(form(full({2, channels, 8, 8}, nan), w, {}, c)).all().item<bool>());
      const Tensor weights = w.requires_grad_();
      const Tensor none = form(zeros({0, channels, 8, 8}), weights, {}, c);
      CHECK(none.shape() == Shape{0, 4, 3, 3});
      none.sum().backward();
      CHECK(abs(weights.grad()).sum().item() == 0);
    }
  }
}

TEST_CASE("a Sequential runs a convolution, ReLU and pooling as one op, and gives the same") {
  manual_seed(6);
  const nn::Conv2d conv{.in_channels = 3, .out_channels = 8, .kernel_size = 3, .padding = 1};
  const nn::MaxPool2d pool{.kernel_size = 3, .stride = 2, .padding = 1};
  const nn::Sequential model{nn::Identity{}, conv, nn::ReLU{}, pool, nn::ReLU{}};
  const Tensor x = randn({5, 3, 12, 12});
  CHECK(largest_difference(model(x), pool(relu(conv(x)))) < 1e-5);
  const nn::Sequential block{conv, nn::ReLU{}, pool};
  CHECK(std::string(block(x).op_name()) == "conv2d_relu_max_pool2d");
  CHECK_THROWS_WITH_AS(model(randn({5, 4, 12, 12})),
                       doctest::Contains("[conv2d] expected input of shape [N, 3, H, W]"), Error);
}
