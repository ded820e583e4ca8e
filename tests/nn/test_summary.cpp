#include "reel/nn/summary.h"

#include <doctest/doctest.h>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "reel/base/detail/columns.h"
#include "reel/nn/activation.h"
#include "reel/nn/batch_norm.h"
#include "reel/nn/conv.h"
#include "reel/nn/dropout.h"
#include "reel/nn/flatten.h"
#include "reel/nn/linear.h"
#include "reel/nn/norm.h"
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

struct LongNames {
  nn::Linear größe_der_verborgenen_schicht{2, 3};
  nn::Linear out{3, 2};
  std::string größe = "größer als größer";
  Tensor operator()(const Tensor& x) const { return out(größe_der_verborgenen_schicht(x)); }
};

/// Columns of the rows of layers, and that all are as wide as each other.
int table_width(const std::string& text) {
  int width = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  ")) continue;
    if (width > 0) CHECK(reel::detail::columns(line) == width);
    width = reel::detail::columns(line);
  }
  return width;
}

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
  nn::requires_grad_(model[0], false);
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
  CHECK(model.at<nn::BatchNorm2d>(1).training);
}

TEST_CASE("a summary counts shared parameters once") {
  struct Tied {
    nn::Linear a{.in_features = 2, .out_features = 2, .bias = false};
    nn::Linear b{.in_features = 2, .out_features = 2, .bias = false, .weight = a.weight};
  };
  const std::string text = nn::summary(Tied{});
  CHECK(text.find("0 (shared)") != std::string::npos);
  CHECK(text.find("4 parameters (4 trained), 16 bytes\n"
                  "shared parameters: a with b\n") != std::string::npos);
}

TEST_CASE("a summary warns of a vector of copies, which is one module several times") {
  struct Tower {
    std::vector<nn::Linear> layers = std::vector<nn::Linear>(3, nn::Linear{2, 2});
  };
  CHECK(nn::summary(Tower{}).ends_with("shared parameters: layers.0 with layers.1, layers.2\n"));
  CHECK(nn::summary(nn::Linear{2, 2}).find("shared") == std::string::npos);
}

TEST_CASE("a summary shows shapes among the options") {
  const std::string text =
      nn::summary(nn::Sequential{nn::LayerNorm{8}, nn::LayerNorm{{3, 32, 32}}});
  CHECK(text.find("LayerNorm(8, eps=1e-05, ") != std::string::npos);
  CHECK(text.find("LayerNorm({3, 32, 32}, eps=1e-05, ") != std::string::npos);
}

TEST_CASE("a summary of a given width cuts the options") {
  nn::Sequential model{nn::BatchNorm2d{4}, nn::ReLU{}};
  CHECK(nn::summary(model, {.width = 44}) ==
        "Sequential\n"
        "  layer  type                     parameters\n"
        "  0      BatchNorm2d(4, eps=1...           8\n"
        "  1      ReLU                              -\n"
        "8 parameters (8 trained), 9 numbers in buffers, 72 bytes\n");
  CHECK(nn::summary(model, {.width = 1000}) == nn::summary(model));
  const std::string text = nn::summary(model, zeros({1, 4, 2, 2}), {.width = 60});
  const std::size_t row = text.find("  0  ");
  CHECK(text.find('\n', row) - row == 60);
}

TEST_CASE("a summary counts characters, and cuts long names where cut options do not suffice") {
  const int whole = table_width(nn::summary(LongNames{}));
  CHECK(nn::summary(LongNames{}, {.width = whole}) == nn::summary(LongNames{}));
  for (int width = whole - 1; width >= 40; --width) {
    CAPTURE(width);
    CHECK(table_width(nn::summary(LongNames{}, {.width = width})) == width);
  }
  const std::string text = nn::summary(LongNames{}, {.width = 44});
  CHECK(text.find("  größe_der_ver...  Linear(2,...") != std::string::npos);
}
