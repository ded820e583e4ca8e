#include "reel/nn/detail/call.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "reel/nn/nn.h"
#include "reel/ops/create/create.h"

using namespace reel;

namespace {

struct Block {
  nn::Required<Size> width;
  nn::Linear fc{width, width};

  Tensor operator()(const Tensor& x) const { return fc(x); }
};

struct Net {
  std::vector<Block> blocks{Block{4}, Block{5}};
  nn::Linear out{4, 2};

  Tensor operator()(const Tensor& x) const { return out(blocks[1](blocks[0](x))); }
};

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

void ends_with(const std::string& text, const std::string& end) {
  CAPTURE(text);
  CHECK(text.ends_with(end));
}

}  // namespace

TEST_CASE("an error inside a layer names it by its type and what it was made with") {
  const nn::Linear layer{.in_features = 1568, .out_features = 10};
  ends_with(message_of([&] {
              layer(zeros({32, 1352}));
            }),
            ", got [32, 1352]\n  in Linear{in_features=1568, out_features=10}");
  const nn::Conv2d conv{.in_channels = 1, .out_channels = 2, .kernel_size = {3, 5}};
  ends_with(message_of([&] {
              conv(zeros({1, 2, 8, 8}));
            }),
            "\n  in Conv2d{in_channels=1, out_channels=2, kernel_size={3, 5}}");
  ends_with(message_of([&] { nn::Flatten{.start_dim = 4}(zeros({2, 3})); }), "\n  in Flatten");
  ends_with(message_of([&] {
              nn::LSTM{2, 3}(zeros({3, 2, 8}));
            }),
            "\n  in LSTM{input_size=2, hidden_size=3}");
}

TEST_CASE("an error inside a Sequential names the layer by its place") {
  const nn::Sequential model{nn::Flatten{}, nn::Linear{8, 6}, nn::ReLU{}, nn::Linear{3, 2}};
  ends_with(message_of([&] {
              model(zeros({5, 2, 4}));
            }),
            "\n  in 3 (Linear{in_features=3, out_features=2})");
  // also where it is joined with its neighbour
  ends_with(message_of([&] {
              model(zeros({5, 2, 5}));
            }),
            "\n  in 1 (Linear{in_features=8, out_features=6})");

  nn::SequentialAny any;
  any.push_back(nn::Linear{4, 4});
  any.push_back(Block{5});
  ends_with(message_of([&] {
              any(zeros({5, 4}));
            }),
            "\n  in 1.fc (Linear{in_features=5, out_features=5})");

  const nn::Sequential nested{nn::Identity{}, model, [](const Tensor& x) {
                                return x.view({3, 3});
                              }};
  ends_with(message_of([&] {
              nested(zeros({5, 2, 4}));
            }),
            "\n  in 1.3 (Linear{in_features=3, out_features=2})");
  const nn::Sequential by_hand{nn::Identity{}, [](const Tensor& x) { return x.view({3, 3}); }};
  ends_with(message_of([&] { by_hand(zeros({5})); }), "\n  in 1 (lambda)");
}

TEST_CASE("an error while a summary runs a module names the layer by its path") {
  Net net;
  ends_with(message_of([&] {
              nn::summary(net, zeros({3, 4}));
            }),
            "\n  in blocks.1.fc (Linear{in_features=5, out_features=5})");
}

TEST_CASE("a layer inside a layer is named by its path") {
  const nn::MultiheadAttention attention{
      .embed_dim = 4, .num_heads = 2, .out_proj = nn::Linear{3, 3}};
  ends_with(message_of([&] {
              attention(zeros({2, 3, 4}));
            }),
            "\n  in out_proj (Linear{in_features=3, out_features=3})");
}

TEST_CASE("the layer stands before the help") {
  const std::string help = message_of([&] {
    const nn::Sequential model{[](const Tensor& x) { return x.mean(); }};
    model(zeros({2}, {.dtype = int64}));
  });
  CAPTURE(help);
  CHECK(help.find("\n  in 0 (lambda)\nhelp: ") != std::string::npos);
}

TEST_CASE("errors outside of layers name none, also after one inside") {
  const nn::Linear layer{2, 2};
  message_of([&] { layer(zeros({3})); });
  CHECK(message_of([&] { zeros({3}).view({5}); }).find("\n  in ") == std::string::npos);
}
