#include "reel/nn/summary.h"

#include <doctest/doctest.h>

#include <functional>

#include "reel/nn/activation.h"
#include "reel/nn/batch_norm.h"
#include "reel/nn/conv.h"
#include "reel/nn/dropout.h"
#include "reel/nn/flatten.h"
#include "reel/nn/linear.h"
#include "reel/nn/pool.h"
#include "reel/nn/sequential.h"

using namespace reel;

namespace {

struct Classifier {
  Size hidden = 128;
  nn::Linear fc1{.in_features = 784, .out_features = hidden};
  nn::Linear fc2{.in_features = hidden, .out_features = 10, .bias = false};
  nn::Parameter scale = ones({1});

  Tensor operator()(const Tensor& x) const { return scale * fc2(relu(fc1(x))); }
};

}  // namespace

TEST_CASE("a summary shows path, type with its options, and parameters") {
  CHECK(nn::summary(Classifier{}) ==
        "Classifier(hidden=128)\n"
        "  layer     type                         parameters\n"
        "  (itself)  Classifier(hidden=128)                1\n"
        "  fc1       Linear(784, 128, bias=true)     100,480\n"
        "  fc2       Linear(128, 10, bias=false)       1,280\n"
        "101,761 parameters (101,761 trained), 397.5 KiB\n");
}

TEST_CASE("a summary with a sample shows what each layer returns") {
  nn::Sequential model{nn::Conv2d{.in_channels = 1, .out_channels = 4, .kernel_size = {3, 5}},
                       nn::BatchNorm2d{4},
                       nn::ReLU{},
                       nn::MaxPool2d{2},
                       nn::Dropout{.p = 0.25},
                       nn::Flatten{},
                       [](const Tensor& x) { return x; },
                       std::function<Tensor(const Tensor&)>(relu),
                       nn::Linear{4 * 3 * 2, 2}};
  nn::requires_grad_(get<0>(model), false);
  // clang-format off
  CHECK(nn::summary(model, zeros({5, 1, 8, 8})) ==
R"(Sequential -> [5, 2]
  layer  type                                                                                       output        parameters
  0      Conv2d(1, 4, {3, 5}, stride=1, padding=0, dilation=1, groups=1, bias=true)                 [5, 4, 6, 4]          64
  1      BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=true, track_running_stats=true, bias=true)  [5, 4, 6, 4]           8
  2      ReLU                                                                                       [5, 4, 6, 4]           -
  3      MaxPool2d(2, stride=2, padding=0, dilation=1, ceil_mode=false)                             [5, 4, 3, 2]           -
  4      Dropout(p=0.25)                                                                            [5, 4, 3, 2]           -
  5      Flatten(start_dim=1, end_dim=-1)                                                           [5, 24]                -
  6      lambda                                                                                     [5, 24]                -
  7      function                                                                                   [5, 24]                -
  8      Linear(24, 2, bias=true)                                                                   [5, 2]                50
122 parameters (58 trained), 9 numbers in buffers, 528 bytes
)");
  // clang-format on
  CHECK(get<1>(model).training);
}

TEST_CASE("a summary counts shared parameters once") {
  struct Tied {
    nn::Linear a{.in_features = 2, .out_features = 2, .bias = false};
    nn::Linear b{.in_features = 2, .out_features = 2, .bias = false, .weight = a.weight};
  };
  const std::string text = nn::summary(Tied{});
  CHECK(text.find("0 (shared)") != std::string::npos);
  CHECK(text.find("4 parameters (4 trained), 16 bytes") != std::string::npos);
}
