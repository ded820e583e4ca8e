// Whole training steps (zero_grad, forward, cross-entropy, backward, Adam) and inference.

#include <array>
#include <memory>

#include "reel_side.h"

namespace bench {
namespace {

using namespace reel;

struct Mlp {
  nn::Linear hidden{784, 128}, out{128, 10};

  Tensor operator()(const Tensor& images) const { return out(relu(hidden(images.flatten(1)))); }
};

nn::Conv2d conv3x3(Size in, Size out) {
  return {.in_channels = in, .out_channels = out, .kernel_size = 3, .padding = 1};
}

struct Cnn {
  nn::Sequential features{conv3x3(1, 32),  nn::ReLU{}, nn::MaxPool2d{2},
                          conv3x3(32, 64), nn::ReLU{}, nn::MaxPool2d{2}};
  nn::Linear hidden{3136, 128}, out{128, 10};

  Tensor operator()(const Tensor& images) const {
    return out(relu(hidden(features(images).flatten(1))));
  }
};

/// The same, one layer called after the other.
struct CnnByHand {
  nn::Conv2d conv1 = conv3x3(1, 32), conv2 = conv3x3(32, 64);
  nn::MaxPool2d pool{2};
  nn::Linear hidden{3136, 128}, out{128, 10};

  Tensor operator()(const Tensor& images) const {
    Tensor x = pool(relu(conv1(images)));
    x = pool(relu(conv2(x)));
    return out(relu(hidden(x.flatten(1))));
  }
};

/// Three convolutions with batch norm and ReLU and a way around them, in the middle of a network:
/// its input needs a gradient too.
struct ResidualBlock {
  nn::Conv2d conv1 = conv3x3(64, 64), conv2 = conv3x3(64, 64), conv3 = conv3x3(64, 64);
  nn::BatchNorm2d norm1{64}, norm2{64}, norm3{64};

  Tensor operator()(const Tensor& x) const {
    const Tensor y = relu(norm2(conv2(relu(norm1(conv1(x))))));
    return relu(norm3(conv3(y)) + x);
  }
};

/// What a training step works on; shared, because steps are copied.
template <class Model>
struct Training {
  Model model;
  Tensor input;
  Tensor labels;
  optim::Adam adam{nn::parameters(model), {.lr = 1e-3}};
};

template <class Model>
Step train(const Case& c, Model model, const Tensor& input, const Tensor& labels) {
  const std::shared_ptr<Training<Model>> t(new Training<Model>{std::move(model), input, labels});
  return reel_step(c, [t] {
    t->adam.zero_grad();
    const Tensor loss = nn::cross_entropy(t->model(t->input), t->labels);
    loss.backward();
    t->adam.step();
  });
}

template <class Model>
Step train_images(const Case& c) {
  return train(c, Model(), rand({c.size, 1, 28, 28}), randint(0, 10, {c.size}));
}

template <class Model>
Step infer(const Case& c) {
  const auto model = std::make_shared<Model>();
  nn::eval(*model);
  return reel_step_no_grad(c, [model, images = rand({c.size, 1, 28, 28})] { (*model)(images); });
}

Step residual(const Case& c) {
  const auto block = std::make_shared<ResidualBlock>();
  const auto sgd =
      std::make_shared<optim::SGD>(nn::parameters(*block), optim::SGDOptions{.lr = 1e-3});
  const Tensor x = random_images(c.size, 64, 32).requires_grad_();
  const Tensor dy = random_images(c.size, 64, 32);
  return reel_step(c, [=] {
    sgd->zero_grad();
    x.set_grad({});
    (*block)(x).backward({.gradient = dy});
    sgd->step();
  });
}

/// A layer of attention and one of two products, each beside a way around it.
struct GptLayer {
  nn::LayerNorm norm1{128}, norm2{128};
  nn::MultiheadAttention attention{.embed_dim = 128, .num_heads = 4, .batch_first = true};
  nn::Linear up{128, 4 * 128}, down{4 * 128, 128};
  nn::GELU gelu{};

  Tensor operator()(const Tensor& x) const {
    const Tensor y = x + attention(norm1(x), {.is_causal = true});
    return y + down(gelu(up(norm2(y))));
  }
};

/// A character GPT: 4 layers, 128 wide, 4 heads, 128 characters of 65 kinds.
struct Gpt {
  nn::Embedding token{65, 128}, position{128, 128};
  std::array<GptLayer, 4> layers{};
  nn::LayerNorm norm{128};
  nn::Linear head{128, 65};

  Tensor operator()(const Tensor& text) const {
    Tensor x = token(text) + position(arange(text.size(1)));
    for (const GptLayer& layer : layers) x = layer(x);
    return head(norm(x)).flatten(0, 1);
  }
};

struct CharLstm {
  nn::Embedding embedding{65, 128};
  nn::LSTM lstm{.input_size = 128, .hidden_size = 128, .batch_first = true};
  nn::Linear head{128, 65};

  Tensor operator()(const Tensor& text) const {
    return head(lstm(embedding(text)).output).flatten(0, 1);
  }
};

template <class Model>
Step train_text(const Case& c) {
  return train(c, Model(), randint(0, 65, {c.size, 128}), randint(0, 65, {c.size * 128}));
}

const bool registered =
    add_reel("mlp_train", train_images<Mlp>) && add_reel("cnn_train", train_images<Cnn>) &&
    add_reel("cnn_by_hand_train", train_images<CnnByHand>) && add_reel("mlp_infer", infer<Mlp>) &&
    add_reel("cnn_infer", infer<Cnn>) && add_reel("cnn_by_hand_infer", infer<CnnByHand>) &&
    add_reel("residual_train", residual) && add_reel("gpt_train", train_text<Gpt>) &&
    add_reel("lstm_train", train_text<CharLstm>);

}  // namespace
}  // namespace bench
