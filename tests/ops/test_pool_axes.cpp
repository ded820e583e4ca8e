// Pools over one, two and three axes with all their options. What is expected was printed by
//
//   import torch, torch.nn.functional as F
//   ramp = lambda *s, step=1.: torch.sin(torch.arange(torch.Size(s).numel()).double() * step).view(s)
//   F.max_pool3d(ramp(1,1,3,4,3), 2, 1, (1,0,1), dilation=(1,2,1), return_indices=True)
//   # and so on, with the arguments below

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include "support/op_check.h"

using namespace reel;
using testing::check_gradients;
using testing::check_values;

namespace {

/// sin(0), sin(step), ... as the tables were made from.
Tensor ramp(const Shape& shape, double step = 1) {
  return sin(arange(static_cast<double>(shape.numel()), {.dtype = float64}) * step).view(shape);
}

const Tensor x1 = ramp({1, 2, 7}), x2 = ramp({1, 1, 5, 4}), x3 = ramp({1, 1, 3, 4, 3});

void check_pooled(const MaxPooled& got, const Shape& shape, const std::vector<double>& values,
                  const std::vector<double>& indices) {
  check_values(got.values, shape, values, 1e-9);
  check_values(got.indices, shape, indices);
  CHECK(got.indices.dtype() == int64);
}

Tensor distinct(const Shape& shape) {
  return (randperm(shape.numel()).to(float64) * 0.1).view(shape);
}

}  // namespace

TEST_CASE("max pools give PyTorch's numbers and indices") {
  check_pooled(max_pool1d_with_indices(x1, 3, {.stride = 2, .padding = 1}), {1, 2, 4},
               {0.8414709848, 0.9092974268, 0.1411200081, -0.2794154982, 0.9893582466, 0.9893582466,
                -0.536572918, 0.4201670368},
               {1, 2, 3, 6, 1, 1, 5, 6});
  check_pooled(
      max_pool2d_with_indices(x2, {3, 2}, {.stride = 2, .padding = {1, 0}, .ceil_mode = true}),
      {1, 1, 3, 2},
      {0.8414709848, 0.9092974268, 0.9893582466, 0.9906073557, 0.4201670368, 0.9906073557},
      {1, 2, 8, 14, 13, 14});
  check_pooled(
      max_pool3d_with_indices(x3, 2, {.stride = 1, .padding = {1, 0, 1}, .dilation = {1, 2, 1}}),
      {1, 1, 4, 2, 4},
      {0,
       0.8414709848,
       0.9893582466,
       0.9893582466,
       0.4121184852,
       0.4121184852,
       -0.5440211109,
       -0.9589242747,
       0,
       0.8414709848,
       0.9906073557,
       0.9906073557,
       0.8366556385,
       0.8366556385,
       -0.00885130929,
       -0.8462204042,
       -0.536572918,
       0.4201670368,
       0.9906073557,
       0.9906073557,
       0.9999118601,
       0.9999118601,
       0.5290826861,
       -0.4281826695,
       -0.905578362,
       -0.1323517501,
       0.7625584505,
       0.7625584505,
       0.9999118601,
       0.9999118601,
       0.5290826861,
       -0.4281826695},
      {0,  1,  8,  8,  9,  9,  10, 5,  0,  1,  14, 14, 21, 21, 22, 23,
       12, 13, 14, 14, 33, 33, 34, 35, 24, 25, 26, 26, 33, 33, 34, 35});
  check_pooled(
      adaptive_max_pool1d_with_indices(x1, 3), {1, 2, 3},
      {0.9092974268, 0.9092974268, -0.2794154982, 0.9893582466, 0.4121184852, 0.4201670368},
      {2, 2, 6, 1, 2, 6});
  check_pooled(adaptive_max_pool2d_with_indices(x2, {2, 3}), {1, 1, 2, 3},
               {0.9893582466, 0.9092974268, 0.9092974268, 0.9893582466, 0.9906073557, 0.9906073557},
               {8, 2, 2, 8, 14, 14});
  check_pooled(adaptive_max_pool3d_with_indices(x3, {2, 3, same_as_input}), {1, 1, 2, 3, 3},
               {0.6502878402, 0.8414709848, 0.9906073557, 0.6502878402, 0.6569865987, 0.9893582466,
                0.8366556385, 0.6569865987, 0.9893582466, 0.9563759284, 0.4201670368, 0.9906073557,
                0.9563759284, 0.2709057883, 0.9129452507, 0.9999118601, 0.5290826861, 0.9129452507},
               {15, 1, 14, 15, 7, 8, 21, 7, 8, 27, 13, 14, 27, 28, 20, 33, 34, 20});
}

TEST_CASE("max pools with and without indices give the same, in both dtypes and for one image") {
  manual_seed(1);
  const Tensor x = distinct({2, 19, 4, 6, 7});
  for (const DType dtype : {float32, float64}) {
    const Tensor v = x.to(dtype);
    const MaxPooled pooled = max_pool3d_with_indices(v, {2, 3, 2}, {.stride = {1, 2, 2}});
    CHECK((max_pool3d(v, {2, 3, 2}, {.stride = {1, 2, 2}}) == pooled.values).all().item<bool>());
    CHECK((gather(v.flatten(2), 2, pooled.indices.flatten(2)) == pooled.values.flatten(2))
              .all()
              .item<bool>());
    CHECK((max_pool3d_with_indices(v[1], {2, 3, 2}, {.stride = {1, 2, 2}}).indices ==
           pooled.indices[1])
              .all()
              .item<bool>());
    const MaxPooled adaptive = adaptive_max_pool3d_with_indices(v, {3, 4, 5});
    CHECK((adaptive_max_pool3d(v, {3, 4, 5}) == adaptive.values).all().item<bool>());
    CHECK((gather(v.flatten(2), 2, adaptive.indices.flatten(2)) == adaptive.values.flatten(2))
              .all()
              .item<bool>());
  }
}

TEST_CASE("indices of windows with more than 255 cells are those of the pixels") {
  manual_seed(2);
  const Tensor x = distinct({1, 3, 40, 18});
  const MaxPooled pooled = max_pool2d_with_indices(x, {16, 17}, {.stride = {8, 1}});
  CHECK((gather(x.flatten(2), 2, pooled.indices.flatten(2)) == pooled.values.flatten(2))
            .all()
            .item<bool>());
}

TEST_CASE("averages give PyTorch's numbers") {
  check_values(
      avg_pool1d(x1, 3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}),
      {1, 2, 4},
      {0.4207354924, 0.6306294732, -0.5248689206, -0.6191698864, 0.8231724227, 0.2858185403,
       -0.6935280785, -0.05820294059},
      1e-9);
  check_values(
      avg_pool2d(x2, {3, 2}, {.stride = 2, .padding = {1, 0}, .divisor_override = 3}), {1, 1, 3, 2},
      {-0.2914185951, 0.4759961785, -0.1435519731, 0.1581516596, -0.4552355632, 0.3465950529},
      1e-9);
  check_values(avg_pool3d(x3, 2, {.stride = {2, 1, 1}, .padding = {1, 0, 1}, .ceil_mode = true}),
               {1, 1, 2, 3, 4},
               {0.01764000101,  0.02822356219,   0.004380205208, -0.00620335598, -0.01728693627,
                -0.02976392334, -0.008672740579, 0.003804246495, 0.01658787338,  0.03070855936,
                0.01279169099,  -0.001328994991, 0.02056406107,  0.05441628087,  0.04986902356,
                0.01601680376,  -0.01654438779,  -0.05043913329, -0.05397717602, -0.02008243052,
                0.01219357847,  0.04545244612,   0.05700497493,  0.02374610729},
               1e-9);
  check_values(
      avg_pool3d(x3, 2, {.padding = 1, .ceil_mode = true, .count_include_pad = false}),
      {1, 1, 2, 3, 2},
      {0, 0.8753842058, -0.06914774507, -0.01734548116, 0.4121184852, -0.7720056587, -0.72107564,
       0.5102452732, -0.03308877558, -0.05397717602, 0.9182837493, -0.1885429242},
      1e-9);
  check_values(
      adaptive_avg_pool1d(x1, 3), {1, 2, 3},
      {0.5835894705, 0.09787164653, -0.6650474227, 0.6861544435, -0.3772976107, -0.3721320292},
      1e-9);
  check_values(adaptive_avg_pool3d(x3, {2, 3, same_as_input}), {1, 1, 2, 3, 3},
               {0.06370873255, 0.05423305242, -0.005104246006, -0.05974872419, -0.0594605009,
                -0.004504567298, 0.0545928447, 0.06349784705, 0.01402322166, 0.04112812214,
                0.06770443959, 0.03203360752, -0.03308877558, -0.067789491, -0.04016486103,
                0.02438715694, 0.06651773529, 0.04749221457},
               1e-9);
  check_values(lp_pool1d(abs(x1), 2, 3, {.stride = 2, .ceil_mode = true}), {1, 2, 3},
               {1.238908886, 1.191422127, 1.253139578, 1.257100941, 1.21069444, 1.210136872}, 1e-9);
  check_values(lp_pool2d(abs(x2), 3, 2), {1, 1, 2, 2},
               {1.240958123, 1.019621858, 1.082098561, 1.340361982}, 1e-9);
  check_values(lp_pool3d(x3, 2, 2, {.stride = 1}), {1, 1, 2, 3, 2},
               {1.506967724, 2.278639449, 1.481410444, 2.183083273, 1.50400168, 2.068453538,
                1.67207878, 1.810477557, 1.794353753, 1.686482537, 1.925024974, 1.581988059},
               1e-9);
}

TEST_CASE("no gradient goes through a power average of nothing, as in PyTorch") {
  const Tensor x = zeros({1, 1, 4}, {.dtype = float64, .requires_grad = true});
  check_values(grad(lp_pool1d(x, 2, 2).sum(), x), {1, 1, 4}, {0, 0, 0, 0});
}

TEST_CASE("max_unpool puts maxima back to where they were") {
  const MaxPooled y1 = max_pool1d_with_indices(x1, 2);
  check_values(max_unpool1d(y1.values, y1.indices, 2, {.output_size = 7}), {1, 2, 7},
               {0, 0.8414709848, 0.9092974268, 0, -0.7568024953, 0, 0, 0, 0.9893582466,
                0.4121184852, 0, 0, -0.536572918, 0},
               1e-9);
  const MaxPooled y2 = max_pool2d_with_indices(x2, 2);
  check_values(max_unpool2d(y2.values, y2.indices, 2, {.output_size = {{5, 4}}}), {1, 1, 5, 4},
               {0,
                0.8414709848,
                0.9092974268,
                0,
                0,
                0,
                0,
                0,
                0.9893582466,
                0,
                0,
                0,
                0,
                0,
                0.9906073557,
                0,
                0,
                0,
                0,
                0},
               1e-9);
  const MaxPooled y3 = max_pool3d_with_indices(x3, {1, 2, 1});
  check_values(max_unpool3d(y3.values, y3.indices, {1, 2, 1}), {1, 1, 3, 4, 3},
               {0,
                0.8414709848,
                0.9092974268,
                0.1411200081,
                0,
                0,
                0,
                0.6569865987,
                0.9893582466,
                0.4121184852,
                0,
                0,
                0,
                0.4201670368,
                0.9906073557,
                0.6502878402,
                0,
                0,
                0,
                0.1498772097,
                0.9129452507,
                0.8366556385,
                0,
                0,
                0,
                0,
                0.7625584505,
                0.9563759284,
                0.2709057883,
                0,
                0,
                0,
                0.5514266812,
                0.9999118601,
                0.5290826861,
                0},
               1e-9);
  CHECK(max_unpool2d(y2.values[0], y2.indices[0], 2).shape() == Shape{1, 4, 4});
}

TEST_CASE("pools over every number of axes have gradients of gradients") {
  manual_seed(3);
  const Tensor a = distinct({2, 2, 7}), b = distinct({1, 2, 4, 5}), c = distinct({1, 2, 3, 4, 2});
  check_gradients([](auto& x) { return max_pool1d(x, 3, {.stride = 2, .padding = 1}); }, a);
  check_gradients([](auto& x) { return max_pool3d(x, 2, {.stride = 1, .padding = {1, 0, 1}}); }, c);
  check_gradients([](auto& x) { return max_pool3d(x, {1, 2, 2}); }, c);
  check_gradients([](auto& x) { return max_pool2d_with_indices(x, 2).values; }, b);
  check_gradients([](auto& x) { return adaptive_max_pool1d(x, 3); }, a);
  check_gradients([](auto& x) { return adaptive_max_pool2d(x, {3, 2}); }, b);
  check_gradients([](auto& x) { return adaptive_max_pool3d(x, {2, 2, 1}); }, c);
  check_gradients([](auto& x) { return avg_pool1d(x, 3, {.padding = 1}); }, a);
  check_gradients([](auto& x) { return avg_pool3d(x, 2, {.divisor_override = 5}); }, c);
  check_gradients([](auto& x) { return adaptive_avg_pool3d(x, {2, 3, 1}); }, c);
  check_gradients([](auto& x) { return lp_pool2d(x + 1, 3, 2); }, b);
  const Tensor indices = max_pool2d_with_indices(b, 2).indices;
  check_gradients(
      [&](auto& x) {
        return max_unpool2d(x, indices, 2, {.output_size = {{4, 5}}});
      },
      distinct({1, 2, 2, 2}));
}

TEST_CASE("pools over any number of axes say what does not fit, in their own name") {
  const auto says = [](auto f, const char* message) { CHECK_THROWS_WITH_AS(f(), message, Error); };
  says(
      [] {
        max_pool1d(zeros({2, 3, 4, 5}), 2);
      },
      "[max_pool1d] expected input [N, C, L] or [C, L], got shape [2, 3, 4, 5]");
  says(
      [] {
        avg_pool3d(zeros({2, 3, 4}), 2);
      },
      "[avg_pool3d] expected input [N, C, D, H, W] or [C, D, H, W], got shape [2, 3, 4]");
  says([] { max_pool1d(x1, -1); }, "[max_pool1d] expected a kernel of at least 1, got -1");
  says(
      [] {
        max_pool3d(x3, {1, 5, 1});
      },
      "[max_pool3d] expected a kernel no larger than the padded input, got 5 cells over 4");
  says(
      [] {
        adaptive_max_pool2d(x2, {0, 2});
      },
      "[adaptive_max_pool2d] expected an output size of at least 1, got [0, 2]");
  says([] { avg_pool2d(x2, 2, {.divisor_override = 0}); },
       "[avg_pool2d] expected a divisor_override other than 0, got 0");
  says([] { lp_pool1d(x1, 0, 2); }, "[lp_pool1d] expected a power other than 0, got 0");
  const MaxPooled y = max_pool2d_with_indices(x2, 2);
  says([&] { max_unpool2d(y.values, y.indices[0], 2); },
       "[max_unpool2d] expected indices of the input's shape [1, 1, 2, 2], got [1, 2, 2]");
  says([&] { max_unpool2d(y.values, y.indices.to(int32), 2); },
       "[max_unpool2d] expected int64 indices, got int32");
  says([&] { max_unpool2d(y.values, y.indices + 10, 2); },
       "[max_unpool2d] expected indices in [0, 16), got 24");
  says(
      [&] { max_unpool2d(y.values, y.indices, 2, {.output_size = 7}); },
      "[max_unpool2d] expected an output_size less than one stride [2, 2] from [4, 4], got [7, 7]");
}
