// Convolutions over one, two and three axes and their transposes. What is expected was printed by
//
//   import torch, torch.nn.functional as F
//   ramp = lambda *s, step=1.: torch.sin(torch.arange(torch.Size(s).numel()).double() * step).view(s)
//   F.conv3d(ramp(1,2,3,3,2), ramp(2,1,2,2,2,step=.7), bias, stride=(2,1,1), padding=(1,0,1),
//            dilation=(1,2,1), groups=2)  # bias = torch.tensor([.5, -.5]).double()
//   F.conv_transpose2d(ramp(1,2,2,3), ramp(2,1,2,2,step=.7), bias, ...)  # and so on, as below

#include <doctest/doctest.h>

#include <cmath>

#include "reel/base/threads.h"
#include "support/op_check.h"

using namespace reel;
using testing::check_gradients;
using testing::check_values;

namespace {

/// sin(0), sin(step), ... as the tables were made from.
Tensor ramp(const Shape& shape, double step = 1) {
  return sin(arange(static_cast<double>(shape.numel()), {.dtype = float64}) * step).view(shape);
}

Tensor bias_of_two() { return tensor({0.5, -0.5}, {.dtype = float64}); }

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return abs(a.to(float64) - b.to(float64)).max().item();
}

}  // namespace

TEST_CASE("conv3d and conv1d give PyTorch's numbers") {
  check_values(
      conv3d(ramp({1, 2, 3, 3, 2}), ramp({2, 1, 2, 2, 2}, 0.7), bias_of_two(),
             {.stride = {2, 1, 1}, .padding = {1, 0, 1}, .dilation = {1, 2, 1}, .groups = 2}),
      {1, 2, 2, 1, 3},
      {1.243522589, 1.80653447, 1.617657974, 0.3214636211, 0.3922599322, 0.493241661, -0.7318523413,
       -0.3463069872, -0.0617929834, -1.028236879, -1.198890173, -1.040819443},
      1e-9);
  check_values(conv1d(ramp({1, 2, 5}), ramp({1, 2, 4}, 0.7), {}, {.padding = "same"}), {1, 1, 5},
               {1.548589541, -0.2078516868, -1.519675165, -1.14103885, -0.3006865168}, 1e-9);
}

TEST_CASE("conv3d of flat images is conv2d, and of single rows conv1d, to the last bit") {
  manual_seed(1);
  for (const DType dtype : {float32, float64}) {
    const Tensor x = randn({3, 4, 9, 8}, {.dtype = dtype}),
                 w = randn({6, 4, 3, 3}, {.dtype = dtype});
    const Tensor y = conv2d(x, w, {}, {.stride = {1, 2}, .padding = 1});
    const Tensor same =
        conv3d(x.unsqueeze(2), w.unsqueeze(2), {}, {.stride = {1, 1, 2}, .padding = {0, 1, 1}});
    CHECK(largest_difference(same.squeeze(2), y) == 0);
    const Tensor row = x.flatten(2), k = w.flatten(2);
    const Tensor z = conv1d(row, k, {}, {.stride = 3, .padding = 2});
    const Tensor of_row =
        conv2d(row.unsqueeze(2), k.unsqueeze(2), {}, {.stride = {1, 3}, .padding = {0, 2}});
    CHECK(largest_difference(of_row.squeeze(2), z) == 0);
  }
}

TEST_CASE("conv3d in float32 agrees with float64, on one thread and two") {
  manual_seed(2);
  struct Case {
    Shape x, w;
    Conv3dOptions options;
  };
  const std::vector<Case> cases{
      {{2, 3, 5, 9, 8}, {8, 3, 3, 3, 3}, {.padding = 1}},
      {{1, 16, 12, 12, 12}, {16, 16, 3, 3, 3}, {.padding = 1}},
      {{2, 1, 4, 6, 5}, {5, 1, 2, 3, 1}, {.stride = {1, 2, 1}, .padding = {1, 0, 0}}},
      {{2, 8, 6, 6, 6}, {16, 8, 1, 1, 1}, {.stride = 2}},
      {{2, 8, 6, 5, 6}, {8, 1, 3, 2, 3}, {.padding = "same", .groups = 8}},
      {{3, 4, 7, 6, 5}, {6, 4, 2, 2, 2}, {.stride = {3, 1, 2}, .dilation = {2, 1, 3}}}};
  for (const Case& c : cases) {
    CAPTURE(c.w);
    const Tensor x = randn(c.x).requires_grad_(), w = (randn(c.w) * 0.3).requires_grad_();
    const Tensor b = randn(c.w[0]).requires_grad_();
    const Tensor exact_x = x.detach().to(float64).requires_grad_();
    const Tensor exact_w = w.detach().to(float64).requires_grad_();
    const Tensor exact_b = b.detach().to(float64).requires_grad_();
    const Tensor exact = conv3d(exact_x, exact_w, exact_b, c.options);
    const Tensor dy = randn(exact.shape());
    const auto exact_gradients =
        grad({exact}, {exact_x, exact_w, exact_b}, {.grad_outputs = {dy.to(float64)}});
    std::vector<Tensor> before;
    for (const int threads : {1, 2}) {
      const int usual = get_num_threads();
      set_num_threads(threads);
      const Tensor y = conv3d(x, w, b, c.options);
      const auto gradients = grad({y}, {x, w, b}, {.grad_outputs = {dy}});
      set_num_threads(usual);
      CHECK(largest_difference(y, exact) < 1e-4);
      for (std::size_t i = 0; i < 3; ++i) {
        const double scale = 1 + abs(exact_gradients[i]).max().item();
        CHECK(largest_difference(gradients[i], exact_gradients[i]) < 1e-4 * scale);
        if (threads == 2) CHECK(largest_difference(gradients[i], before[i]) == 0);
      }
      before = gradients;
    }
  }
}

TEST_CASE("conv3d has gradients of gradients") {
  check_gradients(
      [](const Tensor& x, const Tensor& w, const Tensor& b) {
        return conv3d(x, w, b, {.stride = {1, 2, 1}, .padding = {1, 0, 1}, .dilation = {1, 1, 2}});
      },
      ramp({1, 2, 2, 3, 4}), ramp({2, 2, 2, 2, 2}, 0.7), bias_of_two());
}

TEST_CASE("conv_transpose gives PyTorch's numbers") {
  check_values(
      conv_transpose1d(ramp({1, 2, 3}), ramp({2, 2, 3}, 0.7), bias_of_two(),
                       {.stride = 2, .padding = 1, .output_padding = 1}),
      {1, 2, 6},
      {0.3613562794, 1.070526366, 1.78561308, 2.642746687, 2.027883144, 2.001403807, -0.4072860459,
       0.3530911431, -0.7153262887, -0.7742312947, -0.8253965347, -1.766544793},
      1e-9);
  check_values(conv_transpose2d(ramp({1, 2, 2, 3}), ramp({2, 1, 2, 2}, 0.7), bias_of_two(),
                                {.stride = {2, 1},
                                 .padding = {0, 1},
                                 .output_padding = {1, 0},
                                 .groups = 2,
                                 .dilation = {1, 2}}),
               {1, 2, 5, 3},
               {0.5,
                0.5,
                1.042090492,
                1.329227355,
                1.396066904,
                1.226365636,
                0.5,
                0.5909120052,
                0.01245444678,
                -0.2457908147,
                -0.3231555548,
                -0.1532790027,
                0.5,
                0.5,
                0.5,
                -0.2799172746,
                -0.0705624408,
                -0.7304598796,
                -1.072613602,
                -1.087788192,
                -1.1454582,
                -0.6822406256,
                -0.9795491219,
                -0.3091665188,
                -0.02584438007,
                -0.03331964586,
                0.03447496172,
                -0.5,
                -0.5,
                -0.5},
               1e-9);
  check_values(conv_transpose3d(ramp({1, 1, 2, 1, 2}), ramp({1, 1, 2, 1, 3}, 0.7),
                                tensor({0.5}, {.dtype = float64}),
                                {.stride = 2, .padding = {1, 0, 1}, .output_padding = {1, 0, 0}}),
               {1, 1, 3, 1, 3},
               {0.5, 1.226365636, 0.7818828086, 1.085785485, 1.396066904, 0.5909120052, 0.804603863,
                0.3028498265, 0.5472735304},
               1e-9);
  check_values(conv_transpose1d(ramp({1, 1, 3}), ramp({1, 1, 2}, 0.7), {},
                                {.output_padding = 2, .dilation = 3}),
               {1, 1, 8}, {0, 0, 0, 0, 0.5420904917, 0.5857854853, 0, 0}, 1e-9);
}

TEST_CASE("conv_transpose is the transpose of the convolution with its options") {
  manual_seed(3);
  const TensorOptions exact{.dtype = float64};
  for (const Size groups : {1, 2}) {
    const Tensor w = randn({4, 6 / groups, 3, 2}, exact);
    const Tensor x = randn({2, 6, 8, 9}, exact);
    const Tensor y = conv2d(x, w, {}, {.stride = {3, 2}, .padding = {1, 0}, .groups = groups});
    const Tensor dy = randn(y.shape(), exact);
    const Tensor dx = conv_transpose2d(
        dy, w, {}, {.stride = {3, 2}, .padding = {1, 0}, .output_padding = 1, .groups = groups});
    REQUIRE(dx.shape() == x.shape());
    CHECK((dx * x).sum().item() == doctest::Approx((dy * y).sum().item()));
  }
}

TEST_CASE("conv_transpose in float32 agrees with float64 and takes one image") {
  manual_seed(4);
  const Tensor x = randn({2, 8, 5, 6}).requires_grad_(), w = randn({8, 4, 3, 3}).requires_grad_();
  const Tensor b = randn(8).requires_grad_();
  const ConvTranspose2dOptions options{
      .stride = 2, .padding = 1, .output_padding = {1, 0}, .groups = 2};
  const auto run = [&](DType dtype) {
    const Tensor y = conv_transpose2d(x.to(dtype), w.to(dtype), b.to(dtype), options);
    const auto gradients = grad({(y * y).sum()}, {x, w, b});
    return std::vector<Tensor>{y.detach(), gradients[0], gradients[1], gradients[2]};
  };
  const auto got = run(float32), exact = run(float64);
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(largest_difference(got[i], exact[i]) < 1e-4 * (1 + abs(exact[i]).max().item()));
  }
  CHECK(largest_difference(conv_transpose2d(x[1], w, b, options), got[0][1]) == 0);
}

TEST_CASE("conv_transpose takes an output_padding beyond the last window, where the bias stands") {
  const ConvTranspose1dOptions options{.output_padding = 2, .dilation = 3};
  const Tensor x = ramp({2, 2, 3}), w = ramp({2, 2, 2}, 0.7), b = bias_of_two();
  const Tensor exact = conv_transpose1d(x, w, b, options);
  const Tensor narrow = conv_transpose1d(x.to(float32), w.to(float32), b.to(float32), options);
  CHECK(exact.shape() == Shape{2, 2, 8});
  CHECK(largest_difference(narrow.to(float64), exact) < 1e-5);
  CHECK(exact[0][1][7].item() == b[1].item());
}

TEST_CASE("conv_transpose has gradients of gradients") {
  check_gradients(
      [](const Tensor& x, const Tensor& w, const Tensor& b) {
        return conv_transpose1d(x, w, b, {.stride = 2, .padding = 1, .output_padding = 1});
      },
      ramp({2, 2, 3}), ramp({2, 2, 3}, 0.7), bias_of_two());
  check_gradients(
      [](const Tensor& x, const Tensor& w, const Tensor& b) {
        return conv_transpose3d(x, w, b, {.stride = {1, 2, 1}, .groups = 2});
      },
      ramp({1, 2, 2, 2, 1}), ramp({2, 1, 2, 1, 2}, 0.7), bias_of_two());
}

TEST_CASE("conv_transpose says what does not fit") {
  const Tensor x = zeros({1, 4, 5, 5}), w = zeros({4, 2, 3, 3});
  const auto says = [](auto f, const char* message) { CHECK_THROWS_WITH_AS(f(), message, Error); };
  says(
      [&] {
        conv_transpose2d(x, zeros({4, 2, 3}));
      },
      "[conv_transpose2d] expected weight [in, out / groups, kh, kw], got shape [4, 2, 3]");
  says(
      [&] {
        conv_transpose2d(zeros({1, 3, 5, 5}), w);
      },
      "[conv_transpose2d] expected input of shape [N, 4, H, W] to match weight [4, 2, 3, 3] with "
      "groups 1, got [1, 3, 5, 5]");
  says([&] { conv_transpose2d(x, w, zeros(4)); },
       "[conv_transpose2d] expected bias of shape [2] to match weight [4, 2, 3, 3], got [4]");
  says([&] { conv_transpose2d(x, w, {}, {.groups = 3}); },
       "[conv_transpose2d] expected groups to divide the 4 input channels, got 3");
  says(
      [&] {
        conv_transpose2d(x, w, {}, {.stride = 2, .output_padding = {0, 2}});
      },
      "[conv_transpose2d] expected an output_padding smaller than the stride or the dilation, got "
      "[0, 2] with stride [2, 2] and dilation [1, 1]");
  says(
      [&] {
        conv_transpose1d(zeros({1, 4, 2}), zeros({4, 2, 1}), {}, {.padding = 1});
      },
      "[conv_transpose1d] expected a padding that leaves pixels, got 1 around 2");
  says(
      [&] {
        conv_transpose2d(zeros({1, 4, 0, 5}), w);
      },
      "[conv_transpose2d] expected an image with pixels, got shape [1, 4, 0, 5]");
  says(
      [&] {
        conv3d(zeros({1, 2, 4, 4, 4}), zeros({2, 1, 3, 3, 3}));
      },
      "[conv3d] expected input of shape [N, 1, D, H, W] to match weight [2, 1, 3, 3, 3] with "
      "groups 1, got [1, 2, 4, 4, 4]");
}
