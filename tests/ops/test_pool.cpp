#include "reel/ops/image/pool.h"

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

/// Distinct numbers in random order, so that differences never change which is the largest.
Tensor distinct(const Shape& shape) {
  return (randperm(shape.numel()).to(float64) * 0.1).view(shape).requires_grad_();
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  if (a.numel() == 0) return 0;
  const NoGradGuard no_grad;
  return abs(a.to(float64) - b.to(float64)).max().item();
}

Tensor channels_last(const Tensor& x) {
  return x.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2});
}

void check_gradients(auto f, const Tensor& x) {
  CHECK(gradcheck(f, x));
  CHECK(gradgradcheck(f, x));
}

/// The definition, window by window.
Tensor slow_max_pool(const Tensor& x_given, const Shape& shape, const Sizes<2>& kernel,
                     const Sizes<2>& stride, const Sizes<2>& padding, const Sizes<2>& dilation) {
  const Tensor x = x_given.detach().to(float64).contiguous();
  const Tensor y = full(shape, -std::numeric_limits<double>::infinity(), {.dtype = float64});
  double* to = y.data_ptr<double>();
  for (Size plane = 0; plane < shape[0] * shape[1]; ++plane)
    for (Size h = 0; h < shape[2]; ++h)
      for (Size w = 0; w < shape[3]; ++w, ++to)
        for (Size kh = 0; kh < kernel[0]; ++kh)
          for (Size kw = 0; kw < kernel[1]; ++kw) {
            const Size row = h * stride[0] - padding[0] + kh * dilation[0];
            const Size column = w * stride[1] - padding[1] + kw * dilation[1];
            if (row < 0 || column < 0 || row >= x.size(2) || column >= x.size(3)) continue;
            const double v = x.data_ptr<double>()[(plane * x.size(2) + row) * x.size(3) + column];
            *to = std::max(*to, v);
          }
  return y;
}

}  // namespace

TEST_CASE("max_pool2d takes the largest of each window") {
  const Tensor x =
      tensor({{{{1, 2, 5, 3}, {4, 0, 1, 9}, {7, 7, 2, 2}, {8, 1, 0, 6}}}}, {.dtype = float32});
  CHECK(largest_difference(max_pool2d(x, 2), tensor({{{{4, 9}, {8, 6}}}})) == 0);
  CHECK(largest_difference(max_pool2d(x, {1, 4}), tensor({{{{5}, {9}, {7}, {8}}}})) == 0);
  CHECK(largest_difference(max_pool2d(x, 3, {.stride = 1}), tensor({{{{7, 9}, {8, 9}}}})) == 0);
}

TEST_CASE("max_pool2d equals its definition for all options and layouts") {
  manual_seed(1);
  struct Case {
    Sizes<2> kernel;
    MaxPool2dOptions options;
    Sizes<2> out;
  };
  const std::vector<Case> cases{{2, {}, {4, 3}},
                                {{3, 2}, {}, {3, 3}},
                                {3, {.stride = 2, .padding = 1}, {5, 4}},
                                {3, {.stride = {1, 2}}, {7, 3}},
                                {2, {.stride = 3, .dilation = {2, 3}}, {3, 2}},
                                {2, {.ceil_mode = true}, {5, 4}},
                                {3, {.stride = 3, .padding = 1, .ceil_mode = true}, {4, 3}}};
  for (const Size channels : {1, 3, 16, 21}) {
    for (const Case& c : cases) {
      const Sizes<2> kernel = c.kernel;
      const MaxPool2dOptions options = c.options;
      const Tensor x = distinct({2, channels, 9, 7});
      const Shape shape{2, channels, c.out[0], c.out[1]};
      const Sizes<2> stride = options.stride == same_as_kernel ? kernel : options.stride;
      const Tensor exact =
          slow_max_pool(x, shape, kernel, stride, options.padding, options.dilation);
      CAPTURE(channels);
      CAPTURE(shape);
      CHECK(largest_difference(max_pool2d(x, kernel, options), exact) == 0);
      CHECK(largest_difference(max_pool2d(channels_last(x), kernel, options), exact) == 0);
      CHECK(largest_difference(max_pool2d(x.detach().to(float32), kernel, options), exact) < 1e-4);
      CHECK(largest_difference(max_pool2d(x[1], kernel, options), exact[1]) == 0);
      const Tensor y = max_pool2d(x, kernel, options), dy = randn(shape, {.dtype = float64});
      const Tensor dx = grad(y, x, {.grad_outputs = {dy}});
      CHECK(dx.sum().item() == doctest::Approx(dy.sum().item()));
      if (channels > 3) continue;
      const auto f = [&](const Tensor& v) { return max_pool2d(v, kernel, options); };
      if (channels == 1) check_gradients(f, distinct({1, 2, 9, 7}));
      if (channels == 3)
        CHECK(gradcheck(f, channels_last(distinct({1, 3, 9, 7}).detach()).requires_grad_()));
    }
  }
}

TEST_CASE("max_pool2d keeps indices of windows with more than 255 cells") {
  manual_seed(2);
  const Tensor x = distinct({1, 2, 40, 18});
  const auto f = [](const Tensor& v) { return max_pool2d(v, {16, 17}, {.stride = {8, 1}}); };
  CHECK(largest_difference(f(x), slow_max_pool(x, {1, 2, 4, 2}, {16, 17}, {8, 1}, 0, 1)) == 0);
  const Tensor dx = grad(f(x).sum(), x);
  CHECK(dx.sum().item() == 16);
  const Tensor rising = arange(16 * 17, {.dtype = float64}).view({1, 1, 16, 17}).requires_grad_();
  CHECK(grad(max_pool2d(rising, {16, 17}), rising)[0][0][15][16].item() == 1);
  CHECK(gradcheck([](const Tensor& v) { return max_pool2d(v, {16, 17}); }, rising));
}

TEST_CASE("max_pool2d gives ties to the first cell and passes NaN and infinities on") {
  const double inf = std::numeric_limits<double>::infinity(),
               nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = tensor({{{{1.0, 1.0}, {1.0, 1.0}}}}, {.dtype = float64, .requires_grad = true});
  CHECK(largest_difference(grad(max_pool2d(x, 2).sum(), x), tensor({{{{1, 0}, {0, 0}}}})) == 0);
  const Tensor holes =
      tensor({{{{1.0, nan, -inf, -inf}, {3.0, 2.0, -inf, -inf}}}}, {.requires_grad = true});
  const Tensor y = max_pool2d(holes, 2);
  CHECK(std::isnan(y[0][0][0][0].item()));
  CHECK(y[0][0][0][1].item() == -inf);
  CHECK(largest_difference(grad(y.sum(), holes), tensor({{{{0, 1, 1, 0}, {0, 0, 0, 0}}}})) == 0);
}

TEST_CASE("max_pool2d of a ReLU that is given away equals the two apart") {
  manual_seed(3);
  const Tensor x = (distinct({2, 19, 6, 7}).detach() - 79).requires_grad_();
  const Tensor positive = relu(x * 1);
  const Tensor fused = max_pool2d(relu(x * 1), 2), plain = max_pool2d(positive, 2);
  CHECK(largest_difference(fused, plain) == 0);
  const Tensor dy = randn(plain.shape(), {.dtype = float64});
  CHECK(largest_difference(grad(fused, x, {.grad_outputs = {dy}}),
                           grad(plain, x, {.grad_outputs = {dy}})) == 0);
  check_gradients(
      [](const Tensor& v) { return max_pool2d(relu(v * 1), 3, {.stride = 2, .padding = 1}); },
      (distinct({1, 2, 5, 5}).detach() - 2.53).requires_grad_());
}

TEST_CASE("avg_pool2d averages each window") {
  manual_seed(4);
  const Tensor x = normal({2, 3, 7, 6});
  // A window's average is a convolution with equal weights.
  const Tensor w = full({3, 1, 3, 2}, 1.0 / 6, {.dtype = float64});
  CHECK(largest_difference(avg_pool2d(x, {3, 2}),
                           conv2d(x, w, {}, {.stride = {3, 2}, .groups = 3})) < 1e-14);
  const AvgPool2dOptions padded{.stride = 2, .padding = 1};
  CHECK(largest_difference(avg_pool2d(x, {3, 2}, padded),
                           conv2d(x, w, {}, {.stride = 2, .padding = 1, .groups = 3})) < 1e-14);
  CHECK(largest_difference(
            avg_pool2d(ones({1, 2, 5, 5}), 3, {.padding = 1, .count_include_pad = false}),
            ones({1, 2, 2, 2})) < 1e-6);
  const Tensor edge = avg_pool2d(ones({1, 1, 3, 3}), 2, {.padding = 1, .ceil_mode = true});
  CHECK(largest_difference(edge, tensor({{{{0.25, 0.5}, {0.5, 1.0}}}})) < 1e-6);
  const Tensor cut =
      avg_pool2d(ones({1, 1, 3, 3}), 2, {.ceil_mode = true});  // divides by what is there
  CHECK(largest_difference(cut, ones({1, 1, 2, 2})) < 1e-6);
  CHECK(largest_difference(avg_pool2d(x[0], 2), avg_pool2d(x, 2)[0]) == 0);
  for (const bool count : {false, true}) {
    check_gradients(
        [&](const Tensor& v) {
          return avg_pool2d(
              v, {3, 2},
              {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = count});
        },
        normal({1, 2, 5, 4}));
  }
  const Tensor x32 = normal({2, 21, 8, 8}, float32);
  CHECK(largest_difference(avg_pool2d(x32, 2), avg_pool2d(x32.to(float64), 2)) < 1e-6);
}

TEST_CASE("adaptive_avg_pool2d covers the image with as many windows as asked for") {
  manual_seed(5);
  const Tensor x = normal({2, 3, 7, 5});
  CHECK(largest_difference(adaptive_avg_pool2d(x, 1), x.mean({2, 3}, true)) < 1e-14);
  CHECK(largest_difference(adaptive_avg_pool2d(x, {7, 5}), x) == 0);
  const Tensor y = adaptive_avg_pool2d(x, {3, 2});
  CHECK(y.shape() == Shape{2, 3, 3, 2});
  // Rows 0-2, 2-4, 4-6 and columns 0-2, 2-4, as in PyTorch: floor(i in / out) to ceil((i + 1) in /
  // out).
  CHECK(y[1][2][1][1].item() ==
        doctest::Approx(x[1][2].narrow(0, 2, 3).narrow(1, 2, 3).mean().item()));
  CHECK(adaptive_avg_pool2d(x, 9).shape() == Shape{2, 3, 9, 9});
  check_gradients(
      [](const Tensor& v) {
        return adaptive_avg_pool2d(v, {3, 2});
      },
      normal({1, 2, 7, 5}));
  check_gradients([](const Tensor& v) { return adaptive_avg_pool2d(v, 3); }, normal({1, 2, 2}));
}

TEST_CASE("pools of an empty batch are empty") {
  for (const auto& f : std::vector<std::function<Tensor(const Tensor&)>>{
           [](const Tensor& v) { return max_pool2d(v, 2); },
           [](const Tensor& v) { return avg_pool2d(v, 2); },
           [](const Tensor& v) { return adaptive_avg_pool2d(v, 2); }}) {
    const Tensor x = zeros({0, 3, 4, 4}, {.requires_grad = true});
    const Tensor y = f(x);
    CHECK(y.shape() == Shape{0, 3, 2, 2});
    y.sum().backward();
    CHECK(x.grad().shape() == x.shape());
  }
}

TEST_CASE("pools give the same bits on one thread and on two") {
  manual_seed(6);
  const int threads = get_num_threads();
  const Tensor x = normal({16, 32, 28, 28}, float32);
  std::vector<Tensor> results;
  for (const int count : {1, 2}) {
    set_num_threads(count);
    for (const Tensor& y : {max_pool2d(x, 2), avg_pool2d(x, 3, {.stride = 2})}) {
      results.push_back(y.detach());
      results.push_back(grad(square(y).sum(), x));
    }
  }
  set_num_threads(threads);
  for (std::size_t i = 0; i < 4; ++i) CHECK(largest_difference(results[i], results[i + 4]) == 0);
}

TEST_CASE("pools say what does not fit") {
  const Tensor x = zeros({2, 3, 8, 8});
  const auto says = [](auto f, const char* text) { CHECK_THROWS_WITH_AS(f(), text, Error); };
  says(
      [&] {
        max_pool2d(zeros({8, 8}), 2);
      },
      "[max_pool2d] expected input [N, C, H, W] or [C, H, W], got shape [8, 8]");
  says([&] { max_pool2d(x.to(int64), 2); },
       "[max_pool2d] expected float32 or float64, got int64\nhelp: x.to(float32)");
  says(
      [&] {
        max_pool2d(zeros({2, 3, 0, 8}), 2);
      },
      "[max_pool2d] expected images with channels and pixels, got shape [2, 3, 0, 8]");
  says([&] { max_pool2d(x, 0); }, "[max_pool2d] expected a kernel of at least 1, got [0, 0]");
  says([&] { max_pool2d(x, 2, {.stride = 0}); },
       "[max_pool2d] expected a stride of at least 1, got [0, 0]");
  says([&] { max_pool2d(x, 2, {.padding = 2}); },
       "[max_pool2d] expected a padding of at most half the kernel, got 2 for 2 cells");
  says([&] { max_pool2d(x, 2, {.padding = -1}); },
       "[max_pool2d] expected a padding of at least 0, got [-1, -1]");
  says([&] { max_pool2d(x, 2, {.dilation = 0}); },
       "[max_pool2d] expected a dilation of at least 1, got [0, 0]");
  says([&] { max_pool2d(x, 9); },
       "[max_pool2d] expected a kernel no larger than the padded input, got 9 cells over 8");
  says(
      [&] {
        avg_pool2d(x, {2, 9});
      },
      "[avg_pool2d] expected a kernel no larger than the padded input, got 9 cells over 8");
  says([&] { avg_pool2d(x, 2, {.stride = -1}); },
       "[avg_pool2d] expected a stride of at least 1, got [-1, -1]");
  says(
      [&] {
        adaptive_avg_pool2d(x, {0, 2});
      },
      "[adaptive_avg_pool2d] expected an output size of at least 1, got [0, 2]");
}

TEST_CASE("windows far beyond the image take no longer than the image") {
  const Size far = Size{1} << 30;
  const Tensor x = arange(9., {.dtype = float32}).view({1, 1, 3, 3}).requires_grad_();
  const Tensor y = max_pool2d(x, 2 * far - 1, {.stride = 1, .padding = far - 1});
  CHECK(y.shape() == Shape{1, 1, 3, 3});
  CHECK((y == 8).all().item<bool>());
  y.sum().backward();
  CHECK(x.grad()[0][0][2][2].item() == 9);  // all windows see all pixels, and the last one wins
  CHECK(x.grad().sum().item() == 9);
  CHECK((avg_pool2d(x, 2 * far - 1,
                    {.stride = 1, .padding = far - 1, .count_include_pad = false}) == 4)
            .all()
            .item<bool>());
}

TEST_CASE("windows keep their meaning without the cells that see no pixel") {
  manual_seed(13);
  const Tensor x = distinct({1, 2, 3, 4});
  struct Case {
    Sizes<2> kernel, stride, padding, dilation;
  };
  for (const Case& c :
       {Case{7, 1, 3, 1}, Case{{9, 5}, {1, 2}, {4, 2}, 1}, Case{{5, 4}, 1, {4, 3}, 2},
        Case{{2, 3}, {1, 3}, {2, 3}, {4, 3}}, Case{{8, 9}, {4, 3}, 4, 1}}) {
    const auto f = [&](const Tensor& v) {
      return max_pool2d(v, c.kernel, {c.stride, c.padding, c.dilation});
    };
    const Tensor y = f(x);
    const Tensor wanted = slow_max_pool(x, y.shape(), c.kernel, c.stride, c.padding, c.dilation);
    CHECK((y == wanted).all().item<bool>());
    // A window with gaps may see no pixel at all: -infinity, which has no differences.
    CHECK(gradcheck([&](const Tensor& v) { return masked_fill(f(v), isinf(y), 0); }, x));
  }
}

TEST_CASE("pools refuse numbers beyond any image") {
  const Tensor x = ones({1, 1, 3, 3});
  const Size huge = Size{1} << 61;
  CHECK_THROWS_WITH_AS(max_pool2d(x, huge, {.stride = 1, .padding = huge / 2}),
                       "[max_pool2d] expected a kernel of at most 2147483647, got "
                       "[2305843009213693952, 2305843009213693952]",
                       Error);
  CHECK_THROWS_WITH_AS(max_pool2d(x, 2, {.dilation = huge}),
                       doctest::Contains("[max_pool2d] expected a dilation of at most"), Error);
  CHECK_THROWS_WITH_AS(max_pool2d(x, 2, {.stride = {1, huge}}),
                       doctest::Contains("[max_pool2d] expected a stride of at most"), Error);
  CHECK_THROWS_WITH_AS(avg_pool2d(x, huge, {.padding = huge / 2}),
                       doctest::Contains("[avg_pool2d] expected a kernel of at most"), Error);
  CHECK_THROWS_WITH_AS(
      adaptive_avg_pool2d(x, {2, huge}),
      doctest::Contains("[adaptive_avg_pool2d] expected an output size of at most"), Error);
  CHECK_THROWS_WITH_AS(adaptive_avg_pool2d(x, 1 << 30),
                       doctest::Contains("[adaptive_avg_pool2d] expected at most 2^48 elements"),
                       Error);
  CHECK_THROWS_WITH_AS(
      max_pool2d(Tensor(), 2),
      doctest::Contains("[max_pool2d] expected a tensor as input, got an undefined"), Error);
}
