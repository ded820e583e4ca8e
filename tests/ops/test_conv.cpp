#include "reel/ops/image/conv.h"

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

/// The definition, one product after the other, with given output sizes.
Tensor slow_conv(const Tensor& x_given, const Tensor& w_given, Size out_h, Size out_w,
                 const Sizes<2>& stride, const Sizes<2>& padding, const Sizes<2>& dilation,
                 Size groups) {
  const NoGradGuard no_grad;
  const Tensor x = x_given.to(float64).contiguous(), w = w_given.to(float64).contiguous();
  const Size batch = x.size(0), in = w.size(1), out = w.size(0);
  const Tensor y = zeros({batch, out, out_h, out_w}, {.dtype = float64});
  const double *px = x.data_ptr<double>(), *pw = w.data_ptr<double>();
  double* py = y.data_ptr<double>();
  for (Size n = 0; n < batch; ++n)
    for (Size o = 0; o < out; ++o)
      for (Size h = 0; h < out_h; ++h)
        for (Size v = 0; v < out_w; ++v, ++py)
          for (Size i = 0; i < in; ++i)
            for (Size kh = 0; kh < w.size(2); ++kh)
              for (Size kw = 0; kw < w.size(3); ++kw) {
                const Size row = h * stride[0] - padding[0] + kh * dilation[0];
                const Size column = v * stride[1] - padding[1] + kw * dilation[1];
                if (row < 0 || column < 0 || row >= x.size(2) || column >= x.size(3)) continue;
                const Size channel = o / (out / groups) * in + i;
                *py += px[((n * x.size(1) + channel) * x.size(2) + row) * x.size(3) + column] *
                       pw[((o * in + i) * w.size(2) + kh) * w.size(3) + kw];
              }
  return y;
}

struct Case {
  Shape x, w;
  Conv2dOptions options;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {{2, 3, 5, 4}, {2, 3, 3, 2}, {}},
      {{2, 1, 4, 4}, {3, 1, 3, 3}, {.padding = 1}},
      {{1, 2, 6, 5}, {2, 2, 2, 3}, {.stride = {2, 1}, .padding = {0, 2}}},
      {{1, 2, 7, 6}, {2, 2, 3, 2}, {.padding = {2, 1}, .dilation = {2, 3}}},
      {{2, 4, 4, 4}, {6, 2, 3, 3}, {.stride = 2, .padding = 1, .groups = 2}},
      {{1, 3, 4, 5}, {3, 1, 2, 2}, {.groups = 3}},                // depthwise
      {{1, 2, 5, 4}, {4, 1, 3, 3}, {.padding = 1, .groups = 2}},  // depthwise with a multiplier
      {{2, 3, 3, 3}, {2, 3, 3, 3}, {}},                           // kernel as large as the image
      {{1, 2, 4, 4}, {3, 2, 1, 1}, {.stride = 3}},                // rows left over
      {{2, 4, 5, 6}, {6, 2, 1, 1}, {.stride = {2, 3}, .padding = {1, 0}, .groups = 2}},
  };
  return all;
}

Tensor slow_conv(const Case& c, const Tensor& x, const Tensor& w, const Tensor& y) {
  const auto& o = c.options;
  return slow_conv(x, w, y.size(2), y.size(3), o.stride, o.padding.size, o.dilation, o.groups);
}

Size expected_size(Size in, Size k, Size stride, Size padding, Size dilation) {
  return (in + 2 * padding - dilation * (k - 1) - 1) / stride + 1;
}

}  // namespace

TEST_CASE("conv2d equals its definition in float64 and float32") {
  manual_seed(1);
  for (const Case& c : cases()) {
    CAPTURE(c.x);
    CAPTURE(c.w);
    const Tensor x = normal(c.x), w = normal(c.w), b = normal({c.w[0]});
    const auto& o = c.options;
    const Tensor y = conv2d(x, w, {}, o);
    CHECK(y.shape() ==
          Shape{c.x[0], c.w[0],
                expected_size(c.x[2], c.w[2], o.stride[0], o.padding.size[0], o.dilation[0]),
                expected_size(c.x[3], c.w[3], o.stride[1], o.padding.size[1], o.dilation[1])});
    CHECK(y.stride(1) == 1);  // channels are neighbours
    const Tensor exact = slow_conv(c, x, w, y);
    CHECK(largest_difference(y, exact) < 1e-13);
    CHECK(largest_difference(conv2d(x, w, b, o), exact + b.view({-1, 1, 1})) < 1e-13);
    const Tensor x32 = x.detach().to(float32), w32 = w.detach().to(float32),
                 b32 = b.detach().to(float32);
    CHECK(largest_difference(conv2d(x32, w32, {}, o), exact) < 1e-4);
    CHECK(largest_difference(conv2d(x32, w32, b32, o), exact + b.view({-1, 1, 1})) < 1e-4);
  }
}

TEST_CASE("conv2d has gradients of gradients") {
  manual_seed(2);
  for (const Case& c : cases()) {
    CAPTURE(c.x);
    CAPTURE(c.w);
    const auto f = [&](const Tensor& x, const Tensor& w, const Tensor& b) {
      return conv2d(x, w, b, c.options);
    };
    const Tensor x = normal(c.x), w = normal(c.w), b = normal({c.w[0]});
    CHECK(gradcheck(f, x, w, b));
    CHECK(gradgradcheck(f, x, w, b));
  }
}

TEST_CASE("conv2d has derivatives of every order") {
  manual_seed(3);
  const Tensor x = normal({1, 1, 3, 3}), w = normal({1, 1, 2, 2});
  // y = sum((x * w)^3): the third derivative along one direction against differences of the second.
  const auto second = [&](const Tensor& at) {
    const Tensor y = pow(conv2d(x, at), 3).sum();
    const Tensor first = grad(y, at, {.create_graph = true}).sum();
    return grad(first, at, {.create_graph = true}).sum();
  };
  const Tensor third = grad(second(w), w);
  const double eps = 1e-5;
  const Tensor up = (w.detach() + eps).requires_grad_(), down = (w.detach() - eps).requires_grad_();
  const double slope = (second(up).item() - second(down).item()) / (2 * eps);
  CHECK(third.sum().item() == doctest::Approx(slope).epsilon(1e-6));
}

TEST_CASE("float32 gradients of conv2d agree with those in float64") {
  manual_seed(4);
  std::vector<Case> all = cases();
  all.push_back({{20, 32, 14, 14}, {64, 32, 3, 3}, {.padding = 1}});
  all.push_back({{9, 1, 28, 28}, {32, 1, 3, 3}, {.padding = 1}});
  for (const Case& c : all) {
    CAPTURE(c.x);
    CAPTURE(c.w);
    const Tensor x = normal(c.x), w = normal(c.w), b = normal({c.w[0]});
    const Tensor y = conv2d(x, w, b, c.options), dy = randn(y.shape(), {.dtype = float64});
    const auto exact = grad({y}, {x, w, b}, {.grad_outputs = {dy}});
    const Tensor x32 = x.detach().to(float32).requires_grad_(),
                 w32 = w.detach().to(float32).requires_grad_();
    const Tensor b32 = b.detach().to(float32).requires_grad_();
    const auto fast = grad({conv2d(x32, w32, b32, c.options)}, {x32, w32, b32},
                           {.grad_outputs = {dy.to(float32)}});
    for (std::size_t i = 0; i < 3; ++i) {
      const double scale = 1 + abs(exact[i]).max().item();
      CHECK(largest_difference(fast[i], exact[i]) / scale < 1e-5);
    }
  }
}

TEST_CASE("conv2d gives the same bits with any number of threads, and those of exact sums") {
  manual_seed(5);
  const int threads = get_num_threads();
  struct Case {
    Shape x, w;
    Conv2dOptions options;
  };
  for (const Case& c : {
           Case{{20, 32, 14, 14}, {64, 32, 3, 3}, {.padding = 1}},
           {{5, 64, 14, 14}, {64, 32, 3, 3}, {.padding = 1, .groups = 2}},
           {{1, 128, 8, 8}, {128, 128, 7, 7}, {.stride = 2, .padding = 3}},
           {{1, 256, 7, 7}, {64, 256, 5, 5}, {.stride = 2, .padding = 2}},
           {{1, 16, 60, 50}, {48, 16, 3, 3}, {.padding = 1}},
           {{1, 16, 61, 50}, {48, 16, 3, 3}, {.stride = 2, .padding = {2, 0}, .dilation = 2}},
           {{2, 48, 60, 50}, {64, 48, 1, 1}, {.stride = {2, 1}}},
           {{3, 8, 56, 56}, {64, 8, 1, 1}, {.stride = 2, .padding = 1}},
       }) {
    const Tensor x = normal(c.x, float32), w = normal(c.w, float32);
    const Tensor b = normal({c.w[0]}, float32), dy = randn(conv2d(x, w, b, c.options).shape());
    auto results = [&](DType dtype) {
      const Tensor of_x = x.to(dtype).detach().requires_grad_();
      const Tensor of_w = w.to(dtype).detach().requires_grad_();
      const Tensor of_b = b.to(dtype).detach().requires_grad_();
      const Tensor y = conv2d(of_x, of_w, of_b, c.options);
      std::vector<Tensor> all = grad({y}, {of_x, of_w, of_b}, {.grad_outputs = {dy.to(dtype)}});
      all.push_back(y.detach());
      return all;
    };
    CAPTURE(to_string(c.x));
    CAPTURE(to_string(c.w));
    const std::vector<Tensor> exact = results(float64);
    std::vector<Tensor> one;
    for (const int count : {1, 2, 3, 4, 8}) {
      set_num_threads(count);
      const std::vector<Tensor> found = results(float32);
      if (count == 1) one = found;
      for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(largest_difference(found[i], one[i]) == 0);
        CHECK(largest_difference(found[i], exact[i]) / (1 + abs(exact[i]).max().item()) < 1e-5);
      }
    }
    set_num_threads(threads);
  }
}

TEST_CASE("conv2d reads any strides and takes one image") {
  manual_seed(6);
  const Tensor x = normal({2, 3, 6, 5}, float32), w = normal({4, 3, 3, 3}, float32);
  const Tensor y = conv2d(x, w);
  CHECK(largest_difference(conv2d(x.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2}), w),
                           y) < 1e-5);
  CHECK(largest_difference(conv2d(x.transpose(2, 3).contiguous().transpose(2, 3), w), y) < 1e-5);
  CHECK(largest_difference(conv2d(x, w.permute({3, 2, 1, 0}).contiguous().permute({3, 2, 1, 0})),
                           y) < 1e-5);
  CHECK(largest_difference(conv2d(x[1], w), y[1]) < 1e-5);
  const Tensor image = normal({2, 4, 4});
  const auto f = [](const Tensor& a, const Tensor& b) { return conv2d(a, b); };
  CHECK(gradcheck(f, image, normal({2, 2, 2, 2})));
}

TEST_CASE("padding same keeps the size") {
  manual_seed(7);
  const Tensor x = normal({1, 2, 5, 6});
  for (const Size k : {1, 2, 3, 4}) {
    const Tensor w = normal({2, 2, k, k});
    const Tensor y = conv2d(x, w, {}, {.padding = "same", .dilation = {1, 2}});
    CHECK(y.shape() == Shape{1, 2, 5, 6});
    const Sizes<2> before{(k - 1) / 2, k - 1};
    CHECK(largest_difference(y, slow_conv(x, w, 5, 6, 1, before, {1, 2}, 1)) < 1e-13);
    const auto f = [](const Tensor& a, const Tensor& b) {
      return conv2d(a, b, {}, {.padding = "same"});
    };
    CHECK(gradcheck(f, x, w));
  }
  CHECK(conv2d(x, normal({2, 2, 3, 3}), {}, {.padding = "valid"}).shape() == Shape{1, 2, 3, 4});
  CHECK_THROWS_WITH_AS(Padding<2>("full"),
                       "[Padding] expected padding \"same\" or \"valid\", got \"full\"", Error);
  CHECK_THROWS_WITH_AS(conv2d(x, normal({2, 2, 3, 3}), {}, {.stride = 2, .padding = "same"}),
                       "[conv2d] expected stride 1 with padding \"same\", got [2, 2]", Error);
}

TEST_CASE("an empty batch gives an empty result and zero gradients") {
  for (const DType dtype : {float32, float64}) {
    const Tensor x = zeros({0, 3, 8, 8}, {.dtype = dtype, .requires_grad = true});
    const Tensor w = ones({4, 3, 3, 3}, {.dtype = dtype, .requires_grad = true});
    const Tensor b = ones({4}, {.dtype = dtype, .requires_grad = true});
    const Tensor y = conv2d(x, w, b);
    CHECK(y.shape() == Shape{0, 4, 6, 6});
    y.sum().backward();
    CHECK(x.grad().shape() == x.shape());
    CHECK(largest_difference(w.grad(), zeros(w.shape())) == 0);
    CHECK(largest_difference(b.grad(), zeros(4)) == 0);
  }
}

TEST_CASE("conv2d says what does not fit") {
  const Tensor x = zeros({2, 3, 8, 8}), w = zeros({4, 3, 3, 3});
  const auto says = [](auto f, const char* text) { CHECK_THROWS_WITH_AS(f(), text, Error); };
  says(
      [&] {
        conv2d(zeros({2, 1, 28, 28}), w);
      },
      "[conv2d] expected input of shape [N, 3, H, W] to match weight [4, 3, 3, 3] with groups 1, "
      "got [2, 1, 28, 28]");
  says(
      [&] {
        conv2d(zeros({8, 8}), w);
      },
      "[conv2d] expected input [N, C, H, W] or [C, H, W], got shape [8, 8]");
  says(
      [&] {
        conv2d(x, zeros({4, 3, 3}));
      },
      "[conv2d] expected weight [out, in / groups, kh, kw], got shape [4, 3, 3]");
  says(
      [&] {
        conv2d(x, zeros({4, 3, 9, 3}));
      },
      "[conv2d] expected a kernel no larger than the padded input, got 9 cells over 8");
  says([&] { conv2d(x, w, zeros({3})); },
       "[conv2d] expected bias of shape [4] to match weight [4, 3, 3, 3], got [3]");
  says([&] { conv2d(x, w, {}, {.groups = 3}); },
       "[conv2d] expected groups to divide the 4 output channels, got 3");
  says([&] { conv2d(x, w, {}, {.groups = 0}); },
       "[conv2d] expected groups to divide the 4 output channels, got 0");
  says([&] { conv2d(x, w, {}, {.stride = 0}); },
       "[conv2d] expected a stride of at least 1, got [0, 0]");
  says(
      [&] {
        conv2d(x, w, {}, {.stride = {1, -1}});
      },
      "[conv2d] expected a stride of at least 1, got [1, -1]");
  says([&] { conv2d(x, w, {}, {.padding = -1}); },
       "[conv2d] expected a padding of at least 0, got [-1, -1]");
  says([&] { conv2d(x, w, {}, {.dilation = 0}); },
       "[conv2d] expected a dilation of at least 1, got [0, 0]");
  says([&] { conv2d(x, w.to(float64)); },
       "[conv2d] expected input and weight of one dtype, got float32 and float64\n"
       "help: input.to(float64)");
  says([&] { conv2d(x, w, zeros(4, {.dtype = float64})); },
       "[conv2d] expected bias and input of one dtype, got float64 and float32\n"
       "help: bias.to(float32)");
  says([&] { conv2d(x.to(int64), w.to(int64)); },
       "[conv2d] expected float32 or float64, got int64\nhelp: x.to(float32)");
  says(
      [&] {
        conv2d(x, zeros({0, 3, 3, 3}));
      },
      "[conv2d] expected a weight with elements, got shape [0, 3, 3, 3]");
}

TEST_CASE("a ReLU in the place of what conv2d gave equals the two apart") {
  manual_seed(8);
  const Tensor x = normal({2, 2, 4, 4}), w = normal({3, 2, 3, 3}), b = normal({3});
  const auto f = [](const Tensor& a, const Tensor& k, const Tensor& c) {
    return relu(conv2d(a, k, c, {.padding = 1}));
  };
  const Tensor z = conv2d(x, w, b, {.padding = 1});
  CHECK(largest_difference(f(x, w, b), relu(z)) == 0);
  CHECK(gradcheck(f, x, w, b));
  CHECK(gradgradcheck(f, x, w, b));
  const Tensor x32 = normal({4, 8, 9, 9}, float32), w32 = normal({16, 8, 3, 3}, float32),
               b32 = normal({16}, float32);
  const Tensor dy = randn({4, 16, 9, 9});
  const Tensor z32 = conv2d(x32, w32, b32, {.padding = 1});
  const Tensor fused = f(x32, w32, b32), plain = relu(z32);
  CHECK(largest_difference(fused, plain) == 0);
  const auto got = grad({fused}, {x32, w32, b32}, {.grad_outputs = {dy}});
  const auto wanted = grad({plain}, {x32, w32, b32}, {.grad_outputs = {dy}});
  for (std::size_t i = 0; i < 3; ++i) CHECK(largest_difference(got[i], wanted[i]) == 0);
}

TEST_CASE("a ReLU in the place of what an op gave passes NaN on") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {float32, float64}) {
    for (const Size channels : {1, 8}) {
      const Tensor x = full({2, channels, 6, 6}, nan, {.dtype = dtype});
      const Tensor w = ones({16, channels, 3, 3}, {.dtype = dtype});
      CHECK(isnan(relu(conv2d(x, w))).all().item<bool>());
      CHECK(isnan(max_pool2d(relu(x), 2)).all().item<bool>());
      const Tensor rows = x.flatten(1), v = ones({30, rows.size(1)}, {.dtype = dtype});
      CHECK(isnan(relu(linear(rows, v))).all().item<bool>());
      CHECK(isnan(relu(linear(rows[0], v))).all().item<bool>());
    }
  }
}

TEST_CASE("conv1d slides along one dimension") {
  manual_seed(9);
  const Tensor x = normal({2, 2, 7}), w = normal({4, 1, 3}), b = normal({4});
  const Conv1dOptions options{.stride = 2, .padding = 2, .dilation = 2, .groups = 2};
  const auto f = [&](const Tensor& a, const Tensor& k, const Tensor& c) {
    return conv1d(a, k, c, options);
  };
  const Tensor y = f(x, w, b);
  CHECK(y.shape() == Shape{2, 4, 4});
  CHECK(largest_difference(y.unsqueeze(2), slow_conv(x.unsqueeze(2), w.unsqueeze(2), 1, 4, {1, 2},
                                                     {0, 2}, {1, 2}, 2) +
                                               b.view({-1, 1, 1})) < 1e-13);
  CHECK(largest_difference(conv1d(x[0], w, b, options), y[0]) == 0);
  CHECK(gradcheck(f, x, w, b));
  CHECK(gradgradcheck(f, x, w, b));
  CHECK_THROWS_WITH_AS(conv1d(zeros({7}), zeros({4, 1, 3})),
                       "[conv1d] expected input [N, C, L] or [C, L], got shape [7]\n"
                       "help: x.unsqueeze(0)",
                       Error);
  CHECK_THROWS_WITH_AS(conv1d(zeros({2, 7}), zeros({4, 3})),
                       "[conv1d] expected weight [out, in / groups, k], got shape [4, 3]", Error);
}

TEST_CASE("a convolution shows the shape that was given and what to do with it") {
  const auto says = [](auto f, const char* text) { CHECK_THROWS_WITH_AS(f(), text, Error); };
  const Tensor grey = ones({8, 1, 3, 3}), colour = ones({8, 3, 3, 3}), wave = ones({4, 2, 3});
  says(
      [&] {
        conv2d(ones({32, 28, 28}), grey);
      },
      "[conv2d] expected input of shape [1, H, W] to match weight [8, 1, 3, 3] with groups 1, "
      "got [32, 28, 28]\nhelp: x.unsqueeze(1)");
  says(
      [&] {
        conv2d(ones({28, 28}), grey);
      },
      "[conv2d] expected input [N, C, H, W] or [C, H, W], got shape [28, 28]\n"
      "help: x.unsqueeze(0)");
  says(
      [&] {
        conv2d(ones({5, 32, 32, 3}), colour);
      },
      "[conv2d] expected input of shape [N, 3, H, W] to match weight [8, 3, 3, 3] with groups 1, "
      "got [5, 32, 32, 3]\nhelp: x.permute({0, 3, 1, 2})");
  says(
      [&] {
        conv2d(ones({32, 32, 3}), colour);
      },
      "[conv2d] expected input of shape [3, H, W] to match weight [8, 3, 3, 3] with groups 1, "
      "got [32, 32, 3]\nhelp: x.permute({2, 0, 1})");
  says(
      [&] {
        conv2d(ones({5, 32, 32, 3}).to(uint8).permute({0, 3, 1, 2}), colour);
      },
      "[conv2d] expected input and weight of one dtype, got uint8 and float32\n"
      "help: input.to(float32)");
  says(
      [&] {
        conv1d(ones({6, 100, 2}), wave);
      },
      "[conv1d] expected input of shape [N, 2, L] to match weight [4, 2, 3] with groups 1, got "
      "[6, 100, 2]\nhelp: x.permute({0, 2, 1})");
  says(
      [&] {
        conv1d(ones({3, 7}), wave);
      },
      "[conv1d] expected input of shape [2, L] to match weight [4, 2, 3] with groups 1, got "
      "[3, 7]");
  says(
      [&] {
        conv1d(ones({2, 7}), wave, {}, {.stride = 0});
      },
      "[conv1d] expected a stride of at least 1, got 0");
  says(
      [&] {
        conv1d(ones({2, 2}), wave);
      },
      "[conv1d] expected a kernel no larger than the padded input, got 3 cells over 2");
  says(
      [&] {
        conv1d(ones({2, 7}), wave, ones(3));
      },
      "[conv1d] expected bias of shape [4] to match weight [4, 2, 3], got [3]");
  CHECK_THROWS_WITH_AS(
      conv2d(Tensor(), grey),
      doctest::Contains("[conv2d] expected a tensor as input, got an undefined one"), Error);
  CHECK_THROWS_WITH_AS(
      conv1d(ones({2, 7}), Tensor()),
      doctest::Contains("[conv1d] expected a tensor as weight, got an undefined one"), Error);
}

TEST_CASE("a convolution refuses numbers beyond any image, in its own name") {
  const Tensor x = ones({1, 1, 8, 8}), w = ones({1, 1, 3, 3});
  const Size most = std::numeric_limits<Size>::max(), huge = Size{1} << 62;
  CHECK_THROWS_WITH_AS(conv2d(x, w, {}, {.dilation = most}),
                       "[conv2d] expected a dilation of at most 2147483647, got "
                       "[9223372036854775807, 9223372036854775807]",
                       Error);
  CHECK_THROWS_WITH_AS(conv2d(x, w, {}, {.padding = huge, .dilation = huge}),
                       doctest::Contains("[conv2d] expected a dilation of at most"), Error);
  CHECK_THROWS_WITH_AS(conv2d(x, w, {}, {.padding = huge}),
                       doctest::Contains("[conv2d] expected a padding of at most"), Error);
  CHECK_THROWS_WITH_AS(conv2d(x, w, {}, {.padding = "same", .dilation = huge}),
                       doctest::Contains("[conv2d] expected a dilation of at most"), Error);
  CHECK_THROWS_WITH_AS(conv1d(x[0][0], ones({1, 8, 3}), {}, {.dilation = huge}),
                       "[conv1d] expected a dilation of at most 2147483647, got "
                       "4611686018427387904",
                       Error);
  CHECK_THROWS_WITH_AS(conv2d(x, w, {}, {.dilation = 1 << 30}),
                       "[conv2d] expected a kernel no larger than the padded input, got 2147483649 "
                       "cells over 8",
                       Error);
  CHECK_THROWS_WITH_AS(conv2d(x, w, {}, {.padding = 1 << 30}),
                       "[conv2d] expected at most 2^48 elements, got shape "
                       "[1, 1, 2147483654, 2147483654]",
                       Error);
  // What is large and means nothing, for there is one window or one cell, is right.
  CHECK(conv2d(x, w, {}, {.stride = 1 << 30}).shape() == Shape{1, 1, 1, 1});
  CHECK((conv2d(x, ones({1, 1, 1, 1}), {}, {.dilation = 1 << 30}) == x).all().item<bool>());
}
