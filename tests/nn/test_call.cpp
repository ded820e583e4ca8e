#include "reel/nn/detail/call.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "reel/autograd/profiler/profiler.h"
#include "reel/nn/nn.h"
#include "reel/ops/create/create.h"
#include "support/compare.h"
#include "support/layer_check.h"
#include "support/message_of.h"

using namespace reel;
using testing::message_of;

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
  ends_with(message_of([&] {
              model(zeros({5, 2, 5}));
            }),
            "\n  in 1 (Linear{in_features=8, out_features=6})");

  nn::Sequential any;
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

namespace {

/// Modules of a user's, one of which says that it was called.
struct Told {
  nn::Linear fc{4, 3};
  Tensor operator()(const Tensor& x) const {
    return nn::call(
        this, [&] { return fc(x); }, x);
  }
};
struct Untold {
  nn::Linear fc{3, 2};
  Tensor operator()(const Tensor& x) const { return fc(x); }
};
struct Both {
  Told told{};
  Untold untold{};
  Tensor operator()(const Tensor& x) const { return untold(told(x)); }
};

}  // namespace

TEST_CASE("a user's module is seen where Reel calls it or where it says so") {
  Both model;
  const std::string table = nn::summary(model, zeros({5, 4}));
  CAPTURE(table);
  CHECK(table.find("Both -> [5, 2]") != std::string::npos);
  CHECK(table.find("told       Told                     [5, 3]") != std::string::npos);
  CHECK(table.find("untold     Untold                            ") != std::string::npos);

  nn::Sequential row{Told{}, Untold{}};
  testing::layer::Calls told(typeid(Told));
  row(zeros({5, 4}));
  CHECK(told.once({5, 3}, &row.at<Told>(0)));  // and not twice
  testing::layer::Calls untold(typeid(Untold));
  row(zeros({5, 4}));
  CHECK(untold.once({5, 2}, &row.at<Untold>(1)));
}

TEST_CASE("call returns what it runs: tensors, structs, what can only be moved") {
  struct States {
    nn::LSTMState operator()(const Tensor& x) const {
      return nn::call(
          this, [&] { return nn::LSTMState{.h = x}; }, x);
    }
  };
  struct Pointer {
    std::unique_ptr<int> operator()(int x) const {
      return nn::call(
          this, [&] { return std::make_unique<int>(x); }, x);
    }
  };
  const States states;
  const Tensor y = ones({2});
  CHECK(states(y).h.is_same(y));
  testing::layer::Calls calls(typeid(States));
  CHECK(states(y).h.is_same(y));
  CHECK(calls.once({2}, &states));
  CHECK(*Pointer()(3) == 3);
}

TEST_CASE("an error inside a module of one's own names it") {
  const Told told;
  ends_with(message_of([&] {
              told(zeros({5, 3}));
            }),
            "\n  in fc (Linear{in_features=4, out_features=3})");
}

TEST_CASE("a profile shows layers by path and type, if it is asked to") {
  Net net;
  const Tensor x = zeros({3, 4});
  profiler::Profile profile({.record_layers = true});
  nn::AnyModule(nn::Sequential{nn::Linear{4, 4}, nn::ReLU{}})(x);
  nn::detail::call(
      &net, [&] { return net.blocks[0](x); }, x);
  profile.stop();
  CHECK(profile["Sequential"].calls == 1);
  CHECK(profile["0 (Linear)"].calls == 1);
  CHECK(profile["1 (ReLU)"].calls == 1);
  CHECK(profile["blocks.0.fc (Linear)"].calls == 1);
  CHECK(profile["Net"].total_time >= profile["blocks.0.fc (Linear)"].total_time);

  profiler::Profile plain;
  nn::Linear{4, 4}(x);
  CHECK(plain["Linear"].calls == 0);
  CHECK(plain["linear"].calls == 1);
}
